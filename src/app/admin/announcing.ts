/** An operator's words to a session, by way of its switch. */
import type { Announcement, AnnouncementResult } from '../../admin/control.ts';
import type { Engine } from '../../engine/engine.ts';
import type { SwitchFleet } from '../../event-socket/switch-fleet.ts';
import { announcementMade } from '../../focus/announcement.ts';
import { CodedError } from '../../lib/errors.ts';
import type { CommandReply } from '../../switch-control/protocol.ts';

export interface AnnouncingParts {
  readonly engine: Pick<Engine, 'sessions' | 'resync' | 'apply'>;
  readonly fleet: Pick<SwitchFleet, 'request'>;
}

/** @throws CodedError with an `ESL_` code when the switch does not answer */
export async function announceTo(
  { engine, fleet }: AnnouncingParts,
  { session, by, text }: Announcement,
): Promise<AnnouncementResult> {
  const conference = engine.sessions.byId(session);
  if (conference === undefined) return { kind: 'no-session' };
  if (conference.row.phase === 'ending') return { kind: 'ending' };
  const { switchId } = conference.row;
  const speak = () => fleet.request(switchId, 'session.announce', { session, text });
  let reply = await speak();
  // The switch was restarted, and is not told of its sessions yet.
  if (isUnknown(reply) && (await engine.resync(session, switchId))) reply = await speak();
  if (!reply.ok) throw new CodedError('ESL_REFUSED', `${reply.code}: ${reply.reason}`);
  const reach = reply.reach ?? { sent: 0, waiting: 0, unable: 0 };
  const now = engine.sessions.byId(session) ?? conference;
  engine.apply(announcementMade(now, { by, chars: text.length, ...reach }), 'operator');
  return { kind: 'done', reach };
}

function isUnknown(reply: CommandReply): boolean {
  return !reply.ok && reply.code === 'stale';
}
