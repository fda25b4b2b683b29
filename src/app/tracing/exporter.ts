/**
 * Sends spans to a collector, from time to time and many at once. What it cannot send waits in a queue with a bound;
 * nothing that is traced ever waits for it.
 */
import type { Logger } from 'pino';
import { otlpBody } from './otlp.ts';
import type { Span } from './span.ts';

export interface ExporterOptions {
  /** Base URL of the collector. */
  readonly endpoint: string;
  /** Of traces, 0 to 100; a trace is sent whole or not at all. */
  readonly samplePercent: number;
  /** Spans that wait; more are dropped and counted. */
  readonly maxQueued: number;
  readonly service: string;
  readonly version: string;
  readonly log: Pick<Logger, 'warn'>;
  /** Default 2 s. */
  readonly flushMs?: number;
  /** For one request. Default 5 s. */
  readonly timeoutMs?: number;
}

const BATCH = 512;
const DEFAULT_FLUSH_MS = 2_000;
const DEFAULT_TIMEOUT_MS = 5_000;
/** Between two lines about the same trouble. */
const QUIET_MS = 60_000;

export class TraceExporter {
  readonly counters = { sent: 0, dropped: 0 };
  readonly #options: ExporterOptions;
  readonly #queue: Span[] = [];
  readonly #timer: NodeJS.Timeout;
  #sending: Promise<void> | undefined;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.flush(), options.flushMs ?? DEFAULT_FLUSH_MS);
    this.#timer.unref();
  }

  add(span: Span): void {
    if (!this.#isSampled(span)) return;
    if (this.#queue.length >= this.#options.maxQueued) this.counters.dropped += 1;
    else this.#queue.push(span);
  }

  /** Sends what waits; one request at a time. */
  async flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    await this.#sending;
  }

  /** What is left is tried once more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  /** By the trace's own number: all processes say the same of one trace. */
  #isSampled({ traceId }: Span): boolean {
    return Number.parseInt(traceId.slice(0, 4), 16) % 100 < this.#options.samplePercent;
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH);
      const why = await this.#send(batch);
      if (why === undefined) {
        this.counters.sent += batch.length;
        continue;
      }
      if (why.mayRepeat) {
        const room = Math.max(0, this.#options.maxQueued - this.#queue.length);
        this.#queue.unshift(...batch.slice(0, room));
        this.counters.dropped += Math.max(0, batch.length - room);
      } else this.counters.dropped += batch.length;
      this.#tell(why.text);
      return;
    }
  }

  /** @returns why it was not taken */
  async #send(batch: readonly Span[]): Promise<{ text: string; mayRepeat: boolean } | undefined> {
    const { endpoint, service, version, timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    try {
      const response = await fetch(`${endpoint.replace(/\/+$/, '')}/v1/traces`, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        headers: { 'content-type': 'application/json' },
        body: otlpBody(service, version, batch),
      });
      await response.body?.cancel();
      if (response.ok) return undefined;
      // OTLP: these are worth another try, all else is not.
      return { text: `status ${response.status}`, mayRepeat: [429, 502, 503, 504].includes(response.status) };
    } catch (error) {
      return {
        text: (error as Error).name === 'TimeoutError' ? 'no answer' : 'not reached',
        mayRepeat: true,
      };
    }
  }

  #tell(why: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#loggedMs < QUIET_MS) return;
    this.#loggedMs = nowMs;
    this.#options.log.warn(
      { why, ...this.counters, waiting: this.#queue.length },
      'traces could not be sent',
    );
  }
}
