/** One connection of an event-socket client: handshake, commands and their replies in order, its end. */
import { createConnection, type Socket } from 'node:net';
import { CodedError } from '../lib/errors.ts';
import { encodeFrame, type Frame, FrameDecoder, type FrameLimits } from './codec.ts';
import { decodeEventJson, type EslEvent } from './event.ts';
import type { EventSocketLog } from './log.ts';
import { SendQueue } from './send-queue.ts';

export interface ClientConnectionLimits {
  /** How long the next reply may take; then the connection is dropped, as replies have no id. A long line of commands moves on with each reply. Default 2 s. */
  readonly replyDeadlineMs: number;
  /** From connecting to being up. Default 5 s. */
  readonly handshakeDeadlineMs: number;
  /** Commands without their reply. Default 1024. */
  readonly maxPendingCommands: number;
  /** Bytes waiting to leave. Default 16 MiB. */
  readonly maxOutputBytes: number;
  readonly frame: FrameLimits;
}

export interface ClientConnectionCounters {
  commands: number;
  timeouts: number;
  events: number;
  badEvents: number;
  badFrames: number;
  overflows: number;
}

export interface ClientConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** The command that authenticates. */
  readonly login: string;
  /** Words after `event json`; empty: nothing is subscribed to. */
  readonly events: string;
  readonly limits: ClientConnectionLimits;
  readonly counters: ClientConnectionCounters;
  readonly log: EventSocketLog;
  onEvent(event: EslEvent): void;
  onUp(): void;
  /** Called once. `upForMs` is null when the connection was never up. */
  onEnd(error: CodedError, upForMs: number | null): void;
}

export interface EslReply {
  /** Reply-Text of a command, empty for `api`. */
  readonly text: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface PendingCommand {
  readonly verb: string;
  resolve(reply: EslReply): void;
  reject(error: CodedError): void;
}

export class ClientConnection {
  readonly #options: ClientConnectionOptions;
  readonly #peer: string;
  readonly #socket: Socket;
  readonly #out: SendQueue;
  readonly #decoder: FrameDecoder;
  readonly #handshakeTimer: NodeJS.Timeout;
  readonly #pending: PendingCommand[] = [];
  /** For the reply to the first of them. */
  #replyTimer: NodeJS.Timeout | undefined;
  #isGreeted = false;
  #isOver = false;
  #upAtMs: number | null = null;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    const { host, port, limits } = options;
    this.#peer = `${host}:${port}`;
    this.#socket = createConnection({ host, port, noDelay: true, keepAlive: true });
    this.#out = new SendQueue(this.#socket, limits.maxOutputBytes);
    this.#decoder = new FrameDecoder('to-client', (frame) => this.#onFrame(frame), limits.frame);
    this.#handshakeTimer = setTimeout(
      () => this.end(new CodedError('ESL_TIMEOUT', `no handshake with ${this.#peer}`, { retryable: true })),
      limits.handshakeDeadlineMs,
    );
    this.#socket.on('data', (chunk) => this.#onData(chunk));
    this.#socket.on('error', (cause) => this.end(eslDown(`connection to ${this.#peer} failed`, cause)));
    this.#socket.on('close', () => this.end(eslDown(`${this.#peer} closed the connection`)));
  }

  get isUp(): boolean {
    return this.#upAtMs !== null && !this.#isOver;
  }

  /** Sends an encoded command. Rejects with `ESL_REFUSED`, `ESL_TIMEOUT`, `ESL_DOWN`, `ESL_OVERFLOW`. */
  async submit(verb: string, bytes: Buffer): Promise<EslReply> {
    const { limits, counters } = this.#options;
    if (this.#isOver) throw eslDown(`${this.#peer} is not up`);
    if (this.#pending.length >= limits.maxPendingCommands) {
      throw new CodedError('ESL_OVERFLOW', 'too many commands wait for their reply', { retryable: true });
    }
    counters.commands += 1;
    return new Promise<EslReply>((resolve, reject) => {
      this.#pending.push({ verb, resolve, reject });
      if (this.#pending.length === 1) this.#awaitReply();
      if (!this.#out.push(bytes)) {
        counters.overflows += 1;
        this.end(new CodedError('ESL_OVERFLOW', 'the server does not read', { retryable: true }));
      }
    });
  }

  /** The one way in which a connection ends; the first reason counts, and all that is pending is rejected with it. */
  end(error: CodedError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#handshakeTimer);
    clearTimeout(this.#replyTimer);
    this.#decoder.stop();
    this.#socket.destroy();
    for (const pending of this.#pending.splice(0)) pending.reject(error);
    this.#options.onEnd(error, this.#upAtMs === null ? null : performance.now() - this.#upAtMs);
  }

  /** Resolves when the socket is gone. */
  async closed(): Promise<void> {
    if (this.#socket.closed) return;
    await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#decoder.feed(chunk);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#options.counters.badFrames += 1;
      this.end(error);
    }
  }

  #onFrame(frame: Frame): void {
    if (this.#isOver) return;
    switch (frame.headers.get('content-type')) {
      case 'text/event-json':
        return this.#onEvent(frame);
      case 'command/reply':
      case 'api/response':
        return this.#onReply(frame);
      case 'auth/request':
        if (!this.#isGreeted) void this.#handshake();
        this.#isGreeted = true;
        return;
      case 'text/rude-rejection':
        return this.end(new CodedError('ESL_DENIED', `${this.#peer} denies this address`));
      case 'text/disconnect-notice':
        // FreeSWITCH may take its time to close after it; a `linger` one only announces.
        if (frame.headers.get('content-disposition') === 'linger') return;
        // Behind a refused password that came with it, which says more.
        setImmediate(() => this.end(eslDown(`${this.#peer} says goodbye`)));
        return;
      default:
        // Logs, which were not asked for.
        return;
    }
  }

  #awaitReply(): void {
    const [first] = this.#pending;
    if (first === undefined) {
      clearTimeout(this.#replyTimer);
      this.#replyTimer = undefined;
    } else if (this.#replyTimer !== undefined) {
      this.#replyTimer.refresh();
    } else {
      this.#replyTimer = setTimeout(() => this.#onNoReply(), this.#options.limits.replyDeadlineMs);
    }
  }

  #onNoReply(): void {
    this.#options.counters.timeouts += 1;
    const verb = this.#pending[0]?.verb ?? 'nothing';
    this.end(new CodedError('ESL_TIMEOUT', `no reply to ${verb}`, { retryable: true }));
  }

  #onReply(frame: Frame): void {
    const pending = this.#pending.shift();
    if (pending === undefined) {
      this.#options.counters.badFrames += 1;
      return this.end(new CodedError('ESL_BAD_FRAME', 'a reply without a command'));
    }
    this.#awaitReply();
    const text = frame.headers.get('reply-text') ?? '';
    if (text.startsWith('-ERR')) {
      pending.reject(new CodedError('ESL_REFUSED', `${pending.verb}: ${text.slice(0, 256)}`));
    } else {
      pending.resolve({ text, headers: frame.headers, body: frame.body });
    }
  }

  #onEvent(frame: Frame): void {
    const { counters, log } = this.#options;
    let event: EslEvent;
    try {
      if (!frame.isUtf8) throw new CodedError('ESL_BAD_UTF8', 'event is not UTF-8');
      event = decodeEventJson(frame.body);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      counters.badEvents += 1;
      log.warn({ peer: this.#peer, code: error.code }, 'event refused');
      return;
    }
    counters.events += 1;
    this.#options.onEvent(event);
  }

  async #handshake(): Promise<void> {
    const { login, events } = this.#options;
    try {
      await this.submit('auth', encodeFrame(login, []));
    } catch (error) {
      this.#endHandshake(error, new CodedError('ESL_AUTH', `${this.#peer} refuses the password`));
      return;
    }
    try {
      if (events !== '') await this.submit('event', encodeFrame(`event json ${events}`, []));
    } catch (error) {
      this.#endHandshake(error, null);
      return;
    }
    if (this.#isOver) return;
    clearTimeout(this.#handshakeTimer);
    this.#upAtMs = performance.now();
    this.#options.onUp();
  }

  #endHandshake(error: unknown, ifRefused: CodedError | null): void {
    if (!(error instanceof CodedError)) throw error;
    this.end(error.code === 'ESL_REFUSED' && ifRefused !== null ? ifRefused : error);
  }
}

export function eslDown(message: string, cause?: unknown): CodedError {
  return new CodedError('ESL_DOWN', message, { cause, retryable: true });
}
