/** All webhooks: events of sessions go to those that want them, and edits to those who deliver. */
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import type { FeedEntry, SessionChange, SessionChangeName } from '../live/feed.ts';
import { type Webhook, type WebhookEvent, WebhookRecords } from '../records/webhooks.ts';
import type { Metric } from '../view.ts';
import { type SenderState, type WebhookLimits, WebhookSender } from './sender.ts';

export interface WebhookDeskParts {
  readonly db: DatabaseSync;
  readonly limits: WebhookLimits;
  readonly nowMs: () => number;
  readonly log: Logger;
}

const EVENTS: Readonly<Record<SessionChangeName, WebhookEvent>> = {
  created: 'session.created',
  moved: 'session.moved',
  ended: 'session.ended',
  invited: 'participant.invited',
  joined: 'participant.joined',
  left: 'participant.left',
  lost: 'participant.lost',
  failed: 'invitation.failed',
};

export class WebhookDesk {
  readonly records: WebhookRecords;
  readonly limits: WebhookLimits;
  readonly #parts: WebhookDeskParts;
  readonly #senders = new Map<string, WebhookSender>();
  /** Of webhooks that were deleted since the start: counters do not go down. */
  #past = { delivered: 0, failed: 0, dropped: 0 };

  constructor(parts: WebhookDeskParts) {
    this.#parts = parts;
    this.limits = parts.limits;
    this.records = new WebhookRecords(parts.db);
  }

  /** In a transaction. @returns whether anything was written */
  take(entries: readonly FeedEntry[]): boolean {
    const webhooks = this.records.all().filter(({ isEnabled }) => isEnabled);
    if (webhooks.length === 0 || entries.every(({ changes }) => changes.length === 0)) return false;
    for (const { decision, changes } of entries) {
      for (const [index, change] of changes.entries()) {
        const event = EVENTS[change.change];
        const body = bodyOf(`${decision.id}-${index}`, event, decision.at, change);
        for (const { id, events } of webhooks) if (events.includes(event)) this.records.enqueue(id, body);
      }
    }
    for (const { id } of webhooks) this.#bound(id);
    return true;
  }

  /** Something to see whether it works. */
  test(id: string): void {
    const at = new Date(this.#parts.nowMs()).toISOString();
    this.records.enqueue(id, JSON.stringify({ id: `test-${this.#parts.nowMs()}`, event: 'test', at }));
    this.#bound(id);
    this.look();
  }

  look(): void {
    for (const { id } of this.records.all()) this.#senderOf(id).look();
  }

  edited(id: string): void {
    this.#senderOf(id).forgive();
  }

  deleted(id: string): void {
    const sender = this.#senders.get(id);
    if (sender === undefined) return;
    this.#senders.delete(id);
    const { delivered, failed, dropped } = sender.state;
    this.#past = {
      delivered: this.#past.delivered + delivered,
      failed: this.#past.failed + failed,
      dropped: this.#past.dropped + dropped,
    };
    void sender.stop();
  }

  stateOf(id: string): SenderState & { readonly queued: number } {
    return { ...this.#senderOf(id).state, queued: this.records.queued(id) };
  }

  metrics(): Metric[] {
    const webhooks = this.records.all();
    const states = [this.#past, ...webhooks.map(({ id }) => this.#senderOf(id).state)];
    const sum = (key: 'delivered' | 'failed' | 'dropped') => states.reduce((n, state) => n + state[key], 0);
    return [
      {
        name: 'im_webhook_deliveries_total',
        help: 'Attempts to deliver events to webhooks, by what came of them; dropped: given up, or too many waited',
        type: 'counter',
        values: (['delivered', 'failed', 'dropped'] as const).map((result) => ({
          labels: { result },
          value: sum(result),
        })),
      },
      {
        name: 'im_webhook_queued',
        help: 'Events that wait to be delivered to webhooks',
        type: 'gauge',
        values: [{ labels: {}, value: webhooks.reduce((n, { id }) => n + this.records.queued(id), 0) }],
      },
    ];
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.stop()));
  }

  #bound(id: string): void {
    const over = this.records.queued(id) - this.limits.maxQueued;
    if (over <= 0) return;
    this.records.dropOldest(id, over);
    this.#senderOf(id).noteDropped(over);
  }

  #senderOf(id: string): WebhookSender {
    let sender = this.#senders.get(id);
    if (sender === undefined) {
      const { limits, nowMs, log } = this.#parts;
      sender = new WebhookSender(id, { records: this.records, limits, nowMs, log });
      this.#senders.set(id, sender);
    }
    return sender;
  }
}

/** The id is the same when it comes a second time. */
function bodyOf(id: string, event: WebhookEvent, at: string, change: SessionChange): string {
  const { session, participant, reason } = change;
  return JSON.stringify({ id, event, at, session, participant, reason });
}

/** What is shown of one: never its secret. */
export function shownWebhook({ secret: _secret, createdMs, ...webhook }: Webhook) {
  return { ...webhook, createdAt: new Date(createdMs).toISOString() };
}
