/** Webhooks, and what is still to be delivered to each. */
import type { DatabaseSync } from 'node:sqlite';

export const WEBHOOK_EVENTS = [
  'session.created',
  'session.moved',
  'session.ended',
  'participant.invited',
  'participant.joined',
  'participant.left',
  'participant.lost',
  'invitation.failed',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export interface Webhook {
  readonly id: string;
  readonly url: string;
  /** Key of the signature. */
  readonly secret: string;
  readonly events: readonly WebhookEvent[];
  readonly isEnabled: boolean;
  readonly createdMs: number;
}

export interface Delivery {
  readonly id: number;
  readonly body: string;
  /** How often it was tried. */
  readonly attempts: number;
}

export class WebhookRecords {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** The oldest first. */
  all(): Webhook[] {
    return this.#db.prepare('SELECT * FROM webhook ORDER BY created_ms, id').all().map(webhookOf);
  }

  find(id: string): Webhook | undefined {
    const found = this.#db.prepare('SELECT * FROM webhook WHERE id = ?').get(id);
    return found === undefined ? undefined : webhookOf(found);
  }

  put({ id, url, secret, events, isEnabled, createdMs }: Webhook): void {
    // Not OR REPLACE: that would delete the row, and with it what is to be delivered.
    this.#db
      .prepare(
        `INSERT INTO webhook (id, url, secret, events, is_enabled, created_ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET url = excluded.url, secret = excluded.secret, events = excluded.events,
           is_enabled = excluded.is_enabled`,
      )
      .run(id, url, secret, JSON.stringify(events), isEnabled ? 1 : 0, createdMs);
  }

  /** With what was to be delivered. */
  delete(id: string): void {
    this.#db.prepare('DELETE FROM webhook WHERE id = ?').run(id);
  }

  queued(id: string): number {
    return Number(
      this.#db.prepare('SELECT count(*) AS n FROM webhook_delivery WHERE webhook = ?').get(id)?.['n'] ?? 0,
    );
  }

  enqueue(id: string, body: string): void {
    this.#db.prepare('INSERT INTO webhook_delivery (webhook, body, next_ms) VALUES (?, ?, 0)').run(id, body);
  }

  /** The oldest `count` go. */
  dropOldest(id: string, count: number): void {
    this.#db
      .prepare(
        'DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery WHERE webhook = ? ORDER BY id LIMIT ?)',
      )
      .run(id, count);
  }

  /** The next ones in order. */
  next(id: string, limit: number): Delivery[] {
    return this.#db
      .prepare('SELECT id, body, attempts FROM webhook_delivery WHERE webhook = ? ORDER BY id LIMIT ?')
      .all(id, limit)
      .map((found) => ({
        id: Number(found['id']),
        body: String(found['body']),
        attempts: Number(found['attempts']),
      }));
  }

  /** Those up to this one are done. */
  doneUpTo(id: string, delivery: number): void {
    this.#db.prepare('DELETE FROM webhook_delivery WHERE webhook = ? AND id <= ?').run(id, delivery);
  }

  tried(delivery: number, attempts: number, error: string): void {
    this.#db
      .prepare('UPDATE webhook_delivery SET attempts = ?, last_error = ? WHERE id = ?')
      .run(attempts, error, delivery);
  }
}

function webhookOf(found: Record<string, unknown>): Webhook {
  return {
    id: String(found['id']),
    url: String(found['url']),
    secret: String(found['secret']),
    events: JSON.parse(String(found['events'])) as WebhookEvent[],
    isEnabled: found['is_enabled'] === 1,
    createdMs: Number(found['created_ms']),
  };
}
