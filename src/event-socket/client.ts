/** One connection to an event-socket server, ours or FreeSWITCH's, that comes back by itself. */
import { createConnection, type Socket } from 'node:net';
import { CodedError } from '../lib/errors.ts';
import { type BackoffOptions, backoffMs, DEFAULT_BACKOFF } from './backoff.ts';
import { DEFAULT_FRAME_LIMITS, encodeFrame, type Frame, FrameDecoder, type FrameLimits } from './codec.ts';
import { decodeEventJson, type EslEvent, encodeSendEvent } from './event.ts';
import { type EventJob, JobQueue } from './job-queue.ts';
import type { EventSocketLog } from './log.ts';
import { SendQueue } from './send-queue.ts';

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

export interface EventSocketClientLimits {
  /** From a command to its reply; then the connection is dropped, as replies have no id. Default 2 s. */
  readonly replyDeadlineMs: number;
  /** From connecting to being up. Default 5 s. */
  readonly handshakeDeadlineMs: number;
  /** Commands without their reply. Default 1024. */
  readonly maxPendingCommands: number;
  /** Bytes waiting to leave. Default 16 MiB. */
  readonly maxOutputBytes: number;
  /** Jobs waiting; more drop the connection. Default 10,000. */
  readonly maxQueuedJobs: number;
  readonly frame: FrameLimits;
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

export interface EventSocketClientCounters {
  connects: number;
  ups: number;
  downs: number;
  authFailures: number;
  commands: number;
  timeouts: number;
  events: number;
  badEvents: number;
  badFrames: number;
  overflows: number;
}

export interface EslReply {
  /** Reply-Text of a command, empty for `api`. */
  readonly text: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface PendingCommand {
  readonly verb: string;
  readonly timer: NodeJS.Timeout;
  resolve(reply: EslReply): void;
  reject(error: CodedError): void;
}

interface Connection {
  readonly socket: Socket;
  readonly out: SendQueue;
  readonly pending: PendingCommand[];
  readonly decoder: FrameDecoder;
  readonly handshakeTimer: NodeJS.Timeout;
  isGreeted: boolean;
  upAtMs: number | null;
  isOver: boolean;
}

export class EventSocketClient {
  readonly counters: EventSocketClientCounters = {
    connects: 0,
    ups: 0,
    downs: 0,
    authFailures: 0,
    commands: 0,
    timeouts: 0,
    events: 0,
    badEvents: 0,
    badFrames: 0,
    overflows: 0,
  };
  readonly #options: EventSocketClientOptions;
  readonly #limits: EventSocketClientLimits;
  readonly #jobs: JobQueue;
  readonly #waiters = new Set<(error: CodedError | null) => void>();
  #connection: Connection | null = null;
  #retryTimer: NodeJS.Timeout | undefined;
  #attempt = 0;
  #isStarted = false;

  constructor(options: EventSocketClientOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#jobs = new JobQueue(this.#limits.maxQueuedJobs, (err) =>
      options.log.error({ err, peer: this.#peer }, 'event handler failed'),
    );
  }

  get isUp(): boolean {
    return this.#connection?.upAtMs != null;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#connect();
  }

  /** Rejects with `ESL_AUTH` or `ESL_DENIED` as soon as the server refuses, `ESL_DOWN` after `timeoutMs`. */
  async whenUp(timeoutMs: number): Promise<void> {
    if (this.isUp) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error: CodedError | null): void => {
        clearTimeout(timer);
        this.#waiters.delete(settle);
        if (error === null) resolve();
        else reject(error);
      };
      const timer = setTimeout(() => settle(down(`${this.#peer} is not up`)), timeoutMs);
      this.#waiters.add(settle);
    });
  }

  /**
   * Sends one command and resolves with its reply. Rejects with `ESL_REFUSED` (the reply is `-ERR`; its text is the
   * message), `ESL_TIMEOUT`, `ESL_DOWN`, `ESL_OVERFLOW` or `ESL_BAD_VALUE`.
   */
  async command(line: string, headers: readonly (readonly [string, string])[] = []): Promise<EslReply> {
    return this.#submit(line, encodeFrame(line, headers));
  }

  /** Resolves with the whole output, an `-ERR` output too. Rejects as `command` does. */
  async api(line: string): Promise<string> {
    return (await this.command(`api ${line}`)).body;
  }

  /** Resolves when the server has taken the event, which is not when anybody has got it. Rejects as `command`. */
  async sendEvent(event: EslEvent): Promise<void> {
    await this.#submit(`sendevent ${event.name}`, encodeSendEvent(event));
  }

  /** Drops the connection; a new one follows. */
  reset(reason: string): void {
    if (this.#connection !== null) this.#end(this.#connection, down(reason));
  }

  /** Ends for good; what is pending is rejected with `ESL_DOWN`. Resolves when the socket is closed. */
  async close(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#retryTimer);
    const connection = this.#connection;
    if (connection !== null) {
      const closed = connection.socket.closed
        ? undefined
        : new Promise<void>((resolve) => connection.socket.once('close', () => resolve()));
      this.#end(connection, down('the client was closed'));
      await closed;
    }
    for (const settle of [...this.#waiters]) settle(down('the client was closed'));
  }

  get #peer(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  #connect(): void {
    this.counters.connects += 1;
    const { host, port } = this.#options;
    const socket = createConnection({ host, port, noDelay: true, keepAlive: true });
    const connection: Connection = {
      socket,
      out: new SendQueue(socket, this.#limits.maxOutputBytes),
      pending: [],
      decoder: new FrameDecoder('to-client', (frame) => this.#onFrame(connection, frame), this.#limits.frame),
      handshakeTimer: setTimeout(
        () => this.#end(connection, new CodedError('ESL_TIMEOUT', 'no handshake', { retryable: true })),
        this.#limits.handshakeDeadlineMs,
      ),
      isGreeted: false,
      upAtMs: null,
      isOver: false,
    };
    this.#connection = connection;
    socket.on('data', (chunk) => this.#onData(connection, chunk));
    socket.on('error', (cause) => this.#end(connection, down(`connection to ${this.#peer} failed`, cause)));
    socket.on('close', () => this.#end(connection, down(`${this.#peer} closed the connection`)));
  }

  #onData(connection: Connection, chunk: Buffer): void {
    if (connection.isOver) return;
    try {
      connection.decoder.feed(chunk);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.counters.badFrames += 1;
      this.#end(connection, error);
    }
  }

  #onFrame(connection: Connection, frame: Frame): void {
    if (connection.isOver) return;
    switch (frame.headers.get('content-type')) {
      case 'text/event-json':
        return this.#onEvent(connection, frame.body);
      case 'command/reply':
      case 'api/response':
        return this.#onReply(connection, frame);
      case 'auth/request':
        if (!connection.isGreeted) void this.#handshake(connection);
        connection.isGreeted = true;
        return;
      case 'text/rude-rejection':
        return this.#end(connection, new CodedError('ESL_DENIED', 'the server denies this address'));
      default:
        // Disconnect notices, logs: the close that follows says it.
        return;
    }
  }

  #onReply(connection: Connection, frame: Frame): void {
    const pending = connection.pending.shift();
    if (pending === undefined) {
      this.counters.badFrames += 1;
      return this.#end(connection, new CodedError('ESL_BAD_FRAME', 'a reply without a command'));
    }
    clearTimeout(pending.timer);
    const text = frame.headers.get('reply-text') ?? '';
    if (text.startsWith('-ERR')) {
      pending.reject(new CodedError('ESL_REFUSED', `${pending.verb}: ${text.slice(0, 256)}`));
    } else {
      pending.resolve({ text, headers: frame.headers, body: frame.body });
    }
  }

  #onEvent(connection: Connection, json: string): void {
    let event: EslEvent;
    try {
      event = decodeEventJson(json);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.counters.badEvents += 1;
      this.#options.log.warn({ peer: this.#peer, code: error.code }, 'event refused');
      return;
    }
    this.counters.events += 1;
    let job: EventJob | undefined;
    try {
      job = this.#options.onEvent(event);
    } catch (err) {
      // A fault of the handler must not leave the decoder half-way.
      this.#options.log.error({ err, peer: this.#peer }, 'event handler failed');
    }
    if (job === undefined || this.#jobs.push(job)) return;
    this.counters.overflows += 1;
    this.#jobs.clear();
    this.#end(connection, new CodedError('ESL_OVERFLOW', 'events come faster than they are handled'));
  }

  async #handshake(connection: Connection): Promise<void> {
    const { user, password, events } = this.#options;
    const login = user === undefined ? `auth ${password}` : `userauth ${user}:${password}`;
    try {
      await this.#submitOn(connection, login, encodeFrame(login, []));
    } catch (error) {
      if (error instanceof CodedError && error.code === 'ESL_REFUSED') {
        this.counters.authFailures += 1;
        this.#end(connection, new CodedError('ESL_AUTH', `${this.#peer} refuses the password`));
      }
      return;
    }
    try {
      if (events !== '') {
        const line = `event json ${events}`;
        await this.#submitOn(connection, line, encodeFrame(line, []));
      }
    } catch (error) {
      if (error instanceof CodedError) this.#end(connection, error);
      return;
    }
    if (connection.isOver) return;
    clearTimeout(connection.handshakeTimer);
    connection.upAtMs = performance.now();
    this.counters.ups += 1;
    this.#options.log.info({ peer: this.#peer }, 'event socket up');
    for (const settle of [...this.#waiters]) settle(null);
    this.#options.onUp?.();
  }

  async #submit(line: string, bytes: Buffer): Promise<EslReply> {
    const connection = this.#connection;
    if (connection?.upAtMs == null) throw down(`${this.#peer} is not up`);
    return this.#submitOn(connection, line, bytes);
  }

  async #submitOn(connection: Connection, line: string, bytes: Buffer): Promise<EslReply> {
    if (connection.isOver) throw down(`${this.#peer} is not up`);
    if (connection.pending.length >= this.#limits.maxPendingCommands) {
      throw new CodedError('ESL_OVERFLOW', 'too many commands wait for their reply', { retryable: true });
    }
    this.counters.commands += 1;
    const verb = line.split(' ', 1)[0] ?? '';
    return new Promise<EslReply>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.counters.timeouts += 1;
        const late = new CodedError('ESL_TIMEOUT', `no reply to ${verb}`, { retryable: true });
        this.#end(connection, late);
      }, this.#limits.replyDeadlineMs);
      connection.pending.push({ verb, timer, resolve, reject });
      if (!connection.out.push(bytes)) {
        this.counters.overflows += 1;
        this.#end(
          connection,
          new CodedError('ESL_OVERFLOW', 'the server does not read', { retryable: true }),
        );
      }
    });
  }

  /** The one way in which a connection ends; the first reason counts. */
  #end(connection: Connection, error: CodedError): void {
    if (connection.isOver) return;
    connection.isOver = true;
    clearTimeout(connection.handshakeTimer);
    connection.decoder.stop();
    connection.socket.destroy();
    if (this.#connection === connection) this.#connection = null;
    for (const pending of connection.pending.splice(0)) {
      clearTimeout(pending.timer);
      pending.reject(error);
    }
    const wasUp = connection.upAtMs !== null;
    // A connection that broke at once does not count as success, or a failing peer would be hammered.
    if (connection.upAtMs !== null && performance.now() - connection.upAtMs >= this.#limits.reconnect.maxMs) {
      this.#attempt = 0;
    }
    this.#report(error, wasUp);
    if (this.#isStarted) this.#reconnectLater();
    if (wasUp) {
      this.counters.downs += 1;
      this.#options.onDown?.(error);
    }
  }

  #report(error: CodedError, wasUp: boolean): void {
    const fields = { peer: this.#peer, code: error.code, reason: error.message };
    const isFinal = error.code === 'ESL_AUTH' || error.code === 'ESL_DENIED';
    if (isFinal) {
      this.#options.log.error(fields, 'event socket refuses this client');
      for (const settle of [...this.#waiters]) settle(error);
    } else if (wasUp && this.#isStarted) {
      this.#options.log.warn(fields, 'event socket down');
    } else {
      this.#options.log.debug(fields, 'event socket not reached');
    }
  }

  #reconnectLater(): void {
    const { random = Math.random } = this.#options;
    const delayMs = backoffMs(this.#attempt, this.#limits.reconnect, random());
    this.#attempt += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
  }
}

function down(message: string, cause?: unknown): CodedError {
  return new CodedError('ESL_DOWN', message, { cause, retryable: true });
}
