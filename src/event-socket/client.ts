/** A client of an event-socket server, ours or FreeSWITCH's, whose connection comes back by itself. */
import { CodedError } from '../lib/errors.ts';
import { type BackoffOptions, backoffMs, DEFAULT_BACKOFF } from './backoff.ts';
import {
  ClientConnection,
  type ClientConnectionCounters,
  type ClientConnectionLimits,
  type EslReply,
  eslDown,
} from './client-connection.ts';
import { DEFAULT_FRAME_LIMITS, encodeFrame, type HeaderList } from './codec.ts';
import { type EslEvent, encodeSendEvent } from './event.ts';
import { type EventJob, JobQueue } from './job-queue.ts';
import type { EventSocketLog } from './log.ts';

export interface EventSocketClientOptions {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** `user@domain` for FreeSWITCH's `userauth`; absent: `auth`. */
  readonly user?: string;
  /** What to subscribe to, narrowly: `CUSTOM im::event im::hello`. Empty: nothing. */
  readonly events: string;
  /**
   * Called for each event as it is read. What must not wait is done here; the rest goes into the returned job, which
   * runs after the jobs before it. Jobs wait in a bounded queue while the socket is read on.
   */
  onEvent(event: EslEvent): EventJob | undefined;
  /** Connected, authenticated and subscribed. */
  onUp?(): void;
  /** The connection that was up is gone. */
  onDown?(error: CodedError): void;
  readonly log: EventSocketLog;
  /** In [0, 1), for the reconnect delay. Default Math.random. */
  readonly random?: () => number;
  readonly limits?: Partial<EventSocketClientLimits>;
}

export interface EventSocketClientLimits extends ClientConnectionLimits {
  /** Jobs waiting; more drop the connection. Default 10,000. */
  readonly maxQueuedJobs: number;
  /** Default 0.2 s to 5 s. */
  readonly reconnect: BackoffOptions;
}

const DEFAULT_LIMITS: EventSocketClientLimits = {
  replyDeadlineMs: 2000,
  handshakeDeadlineMs: 5000,
  maxPendingCommands: 1024,
  maxOutputBytes: 16_777_216,
  maxQueuedJobs: 10_000,
  frame: DEFAULT_FRAME_LIMITS,
  reconnect: DEFAULT_BACKOFF,
};

export interface EventSocketClientCounters extends ClientConnectionCounters {
  connects: number;
  ups: number;
  downs: number;
  /** Refused passwords and refused addresses. */
  refusals: number;
}

export class EventSocketClient {
  readonly counters: EventSocketClientCounters = {
    connects: 0,
    ups: 0,
    downs: 0,
    refusals: 0,
    commands: 0,
    timeouts: 0,
    events: 0,
    badEvents: 0,
    badFrames: 0,
    overflows: 0,
  };
  readonly #options: EventSocketClientOptions;
  readonly #limits: EventSocketClientLimits;
  readonly #peer: string;
  readonly #jobs: JobQueue;
  readonly #waiters = new Set<(error: CodedError | null) => void>();
  #connection: ClientConnection | null = null;
  #retryTimer: NodeJS.Timeout | undefined;
  #attempt = 0;
  #isStarted = false;

  constructor(options: EventSocketClientOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#peer = `${options.host}:${options.port}`;
    this.#jobs = new JobQueue(this.#limits.maxQueuedJobs, (err) => this.#handlerFailed(err));
  }

  get isUp(): boolean {
    return this.#connection?.isUp === true;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#connect();
  }

  /** Rejects with `ESL_AUTH` or `ESL_DENIED` as soon as the server refuses, with `ESL_DOWN` after `timeoutMs`. */
  async whenUp(timeoutMs: number): Promise<void> {
    if (this.isUp) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error: CodedError | null): void => {
        clearTimeout(timer);
        this.#waiters.delete(settle);
        if (error === null) resolve();
        else reject(error);
      };
      const timer = setTimeout(() => settle(eslDown(`${this.#peer} is not up`)), timeoutMs);
      this.#waiters.add(settle);
    });
  }

  /**
   * Sends one command and resolves with its reply. Rejects with `ESL_REFUSED` (the reply is `-ERR`; its text is in the
   * message), `ESL_TIMEOUT`, `ESL_DOWN`, `ESL_OVERFLOW` or `ESL_BAD_VALUE`.
   */
  async command(line: string, headers: HeaderList = []): Promise<EslReply> {
    return this.#submit(line.split(' ', 1)[0] ?? '', encodeFrame(line, headers));
  }

  /** Resolves with the whole output, an `-ERR` output too. Rejects as `command` does. */
  async api(line: string): Promise<string> {
    return (await this.command(`api ${line}`)).body;
  }

  /** Resolves when the server has taken the event, which is not when anybody has got it. Rejects as `command`. */
  async sendEvent(event: EslEvent): Promise<void> {
    await this.#submit('sendevent', encodeSendEvent(event));
  }

  /** Drops the connection; a new one follows. */
  reset(reason: string): void {
    this.#connection?.end(eslDown(reason));
  }

  /** Ends for good; what is pending is rejected with `ESL_DOWN`. Resolves when the socket is closed. */
  async close(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#retryTimer);
    this.#jobs.clear();
    const connection = this.#connection;
    connection?.end(eslDown('the client was closed'));
    this.#settleWaiters(eslDown('the client was closed'));
    await connection?.closed();
  }

  async #submit(verb: string, bytes: Buffer): Promise<EslReply> {
    const connection = this.#connection;
    if (connection?.isUp !== true) throw eslDown(`${this.#peer} is not up`);
    return connection.submit(verb, bytes);
  }

  #connect(): void {
    const { host, port, user, password, events, log } = this.#options;
    this.counters.connects += 1;
    this.#connection = new ClientConnection({
      host,
      port,
      login: user === undefined ? `auth ${password}` : `userauth ${user}:${password}`,
      events,
      limits: this.#limits,
      counters: this.counters,
      log,
      onEvent: (event) => this.#onEvent(event),
      onUp: () => this.#onUp(),
      onEnd: (error, upForMs) => this.#onEnd(error, upForMs),
    });
  }

  #onUp(): void {
    this.counters.ups += 1;
    this.#options.log.info({ peer: this.#peer }, 'event socket up');
    this.#settleWaiters(null);
    this.#options.onUp?.();
  }

  #onEvent(event: EslEvent): void {
    let job: EventJob | undefined;
    try {
      job = this.#options.onEvent(event);
    } catch (error) {
      // A fault of the handler must not leave the decoder half-way.
      this.#handlerFailed(error);
    }
    if (job === undefined || this.#jobs.push(job)) return;
    this.counters.overflows += 1;
    this.#jobs.clear();
    this.#connection?.end(new CodedError('ESL_OVERFLOW', 'events come faster than they are handled'));
  }

  #handlerFailed(err: unknown): void {
    this.#options.log.error({ err, peer: this.#peer }, 'event handler failed');
  }

  #onEnd(error: CodedError, upForMs: number | null): void {
    const { maxMs } = this.#limits.reconnect;
    // A connection that broke soon does not count as success, or a failing peer would be hammered.
    if (upForMs !== null && upForMs >= maxMs) this.#attempt = 0;
    this.#report(error, upForMs !== null);
    this.#connection = null;
    if (this.#isStarted) this.#reconnectLater();
    if (upForMs === null) return;
    this.counters.downs += 1;
    this.#options.onDown?.(error);
  }

  #report(error: CodedError, wasUp: boolean): void {
    const fields = { peer: this.#peer, code: error.code, reason: error.message };
    // ESL_REFUSED here: the subscription, which the rights of a `userauth` user may not cover.
    const isRefusal = ['ESL_AUTH', 'ESL_DENIED', 'ESL_REFUSED'].includes(error.code);
    if (isRefusal) {
      this.counters.refusals += 1;
      this.#options.log.error(fields, 'event socket refuses this client');
      this.#settleWaiters(error);
    } else if (wasUp && this.#isStarted) {
      this.#options.log.warn(fields, 'event socket down');
    } else {
      this.#options.log.debug(fields, 'event socket not reached');
    }
  }

  #settleWaiters(error: CodedError | null): void {
    for (const settle of [...this.#waiters]) settle(error);
  }

  #reconnectLater(): void {
    const { random = Math.random } = this.#options;
    const delayMs = backoffMs(this.#attempt, this.#limits.reconnect, random());
    this.#attempt += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
  }
}
