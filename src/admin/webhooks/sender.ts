/**
 * Delivers what waits for one webhook, in order and one after the other; a receiver that fails is left alone for
 * longer and longer. Every delivery may come twice, and says so by its id.
 */
import type { Logger } from 'pino';
import type { Delivery, Webhook, WebhookRecords } from '../records/webhooks.ts';
import { signatureOf } from './signature.ts';

export interface WebhookLimits {
  /** Webhooks at one time. */
  readonly maxWebhooks: number;
  /** What may wait for one of them; more, and the oldest go. */
  readonly maxQueued: number;
  /** A delivery that failed so often is given up. */
  readonly maxAttempts: number;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** The wait after the first failure; it doubles with each further one, up to `maxBackoffMs`. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

export const DEFAULT_WEBHOOK_LIMITS: WebhookLimits = {
  maxWebhooks: 16,
  maxQueued: 10_000,
  maxAttempts: 12,
  timeoutMs: 5_000,
  minBackoffMs: 1_000,
  maxBackoffMs: 300_000,
};

export interface SenderParts {
  readonly records: WebhookRecords;
  readonly limits: WebhookLimits;
  readonly nowMs: () => number;
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

export interface SenderState {
  readonly delivered: number;
  readonly failed: number;
  /** Given up, or too many. */
  readonly dropped: number;
  readonly lastError: string | null;
  readonly nextAttemptMs: number | null;
}

const BATCH = 100;
const FIRST_SUCCESS = 200;
const FIRST_NO_SUCCESS = 300;

export class WebhookSender {
  readonly #parts: SenderParts;
  readonly #id: string;
  readonly #stopped = new AbortController();
  #delivered = 0;
  #failed = 0;
  #dropped = 0;
  #failures = 0;
  #lastError: string | null = null;
  #waitsUntilMs = 0;
  #running: Promise<void> | undefined;

  constructor(id: string, parts: SenderParts) {
    this.#id = id;
    this.#parts = parts;
  }

  get state(): SenderState {
    const isWaiting = this.#waitsUntilMs > this.#parts.nowMs();
    return {
      delivered: this.#delivered,
      failed: this.#failed,
      dropped: this.#dropped,
      lastError: this.#lastError,
      nextAttemptMs: isWaiting ? this.#waitsUntilMs : null,
    };
  }

  noteDropped(count: number): void {
    this.#dropped += count;
  }

  /** It was edited: what kept it from being reached may be mended. */
  forgive(): void {
    this.#failures = 0;
    this.#waitsUntilMs = 0;
  }

  /** Sends what waits, unless that is under way, or the receiver is being left alone. */
  look(): void {
    if (this.#running !== undefined || this.#stopped.signal.aborted) return;
    if (this.#parts.nowMs() < this.#waitsUntilMs) return;
    this.#running = this.#drain()
      .catch((err: unknown) => {
        this.#parts.log.error({ err, webhook: this.#id }, 'deliveries could not be read or written');
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #drain(): Promise<void> {
    while (await this.#batch());
  }

  /** @returns whether all of it went, and more may wait. The webhook may be edited between two batches */
  async #batch(): Promise<boolean> {
    const { records } = this.#parts;
    const webhook = records.find(this.#id);
    if (webhook?.isEnabled !== true) return false;
    const deliveries = records.next(this.#id, BATCH);
    let done = 0;
    try {
      for (const delivery of deliveries) {
        if (!(await this.#deliver(webhook, delivery))) return false;
        done = delivery.id;
      }
    } finally {
      if (done > 0) records.doneUpTo(this.#id, done);
    }
    return deliveries.length === BATCH;
  }

  /** @returns whether it is done with, by success or for good */
  async #deliver(webhook: Webhook, { id, body, attempts }: Delivery): Promise<boolean> {
    const { records, limits, nowMs, log } = this.#parts;
    const error = await this.#attempt(webhook, body);
    if (error === undefined) {
      this.#delivered += 1;
      this.#failures = 0;
      this.#lastError = null;
      return true;
    }
    if (this.#stopped.signal.aborted) return false;
    this.#failed += 1;
    this.#failures += 1;
    this.#lastError = error;
    this.#waitsUntilMs = nowMs() + this.#backoffMs();
    records.tried(id, attempts + 1, error);
    const isGivenUp = attempts + 1 >= limits.maxAttempts;
    if (isGivenUp) {
      this.#dropped += 1;
      records.doneUpTo(this.#id, id);
    }
    log.warn({ webhook: this.#id, why: error, attempts: attempts + 1, isGivenUp }, 'a webhook failed');
    return false;
  }

  /** Half of it by chance, so that receivers that come back are not met by all at once. */
  #backoffMs(): number {
    const { minBackoffMs, maxBackoffMs } = this.#parts.limits;
    const most = Math.min(maxBackoffMs, minBackoffMs * 2 ** (this.#failures - 1));
    return most / 2 + (Math.random() * most) / 2;
  }

  /** @returns what went wrong, without what the receiver wrote */
  async #attempt({ url, secret }: Webhook, body: string): Promise<string | undefined> {
    const { limits, nowMs } = this.#parts;
    const timeout = AbortSignal.timeout(limits.timeoutMs);
    try {
      const response = await fetch(url, {
        method: 'POST',
        // Nobody else is to get what was meant for this address.
        redirect: 'manual',
        signal: AbortSignal.any([timeout, this.#stopped.signal]),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Parley',
          'parley-signature': signatureOf(secret, body, Math.floor(nowMs() / 1000)),
        },
        body,
      });
      await response.body?.cancel();
      const { status } = response;
      return status >= FIRST_SUCCESS && status < FIRST_NO_SUCCESS ? undefined : `status ${status}`;
    } catch (error) {
      if (timeout.aborted) return `no answer in ${limits.timeoutMs} ms`;
      const { cause } = error as Error;
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
      return code ?? 'it could not be reached';
    }
  }
}
