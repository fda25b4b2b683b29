/** Those who read the decision log along while the server listens: records of sessions, and webhooks. */
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import type { AdminServer } from '../admin-server.ts';
import { SessionRecords } from '../records/session-records.ts';
import { JsonLinesFile } from '../session-records/json-lines-file.ts';
import { DEFAULT_SESSION_RECORD_OPTIONS, type SessionRecordOptions } from '../session-records/options.ts';
import { RECORD_SETTLE_MS, RecordKeeper } from '../session-records/record-keeper.ts';
import type { AdminView } from '../view.ts';
import { DEFAULT_WEBHOOK_LIMITS, type WebhookLimits } from '../webhooks/sender.ts';
import { WebhookDesk } from '../webhooks/webhook-desk.ts';
import { FeedFollower } from './feed-follower.ts';

export interface FollowingOptions {
  readonly records: DatabaseSync;
  readonly view: Pick<AdminView, 'feed' | 'sessionRecord'>;
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly sessionRecords?: Partial<SessionRecordOptions>;
  readonly webhooks?: Partial<WebhookLimits>;
}

const LOOK_MS = 500;

export function followingParts(
  server: AdminServer,
  { records: db, view, nowMs, log, ...options }: FollowingOptions,
): { readonly desk: WebhookDesk; readonly sessionRecords: SessionRecords } {
  const { file, keep, ...limits } = { ...DEFAULT_SESSION_RECORD_OPTIONS, ...options.sessionRecords };
  const sessionRecords = new SessionRecords(db, keep);
  const keeper = new RecordKeeper({
    records: sessionRecords,
    file: file === undefined ? undefined : new JsonLinesFile(file, limits, nowMs),
    recordOf: (session) => view.sessionRecord(session),
  });
  const desk = new WebhookDesk({
    db,
    nowMs,
    log,
    limits: { ...DEFAULT_WEBHOOK_LIMITS, ...options.webhooks },
  });
  const shared = { db, feed: view.feed, nowMs, log };
  const followers = [
    new FeedFollower({
      ...shared,
      name: 'session-records',
      settleMs: RECORD_SETTLE_MS,
      take: (entries) => keeper.take(entries),
    }),
    new FeedFollower({ ...shared, name: 'webhooks', settleMs: 0, take: (entries) => desk.take(entries) }),
  ];
  let timer: NodeJS.Timeout | undefined;
  server.addHook('onListen', async () => {
    const look = () => {
      for (const follower of followers) follower.look();
      desk.look();
    };
    // At once: the very first time, what comes after this look is what they are told of.
    look();
    timer = setInterval(look, LOOK_MS);
    timer.unref();
  });
  server.addHook('preClose', async () => {
    clearInterval(timer);
    await desk.stop();
  });
  return { desk, sessionRecords };
}
