/** One TCP (or TLS) connection: bytes in through the parser, frames out through the outbox, and how it ends. */
import type { Socket } from 'node:net';
import type { ParseError } from '../../lib/errors.ts';
import type { ProtocolLimits } from '../protocol/limits.ts';
import { type FrameSink, MsrpParser } from '../protocol/parser.ts';
import type { FlushRound } from './flush-round.ts';
import { Outbox, type OutboxLimits } from './outbox.ts';

/** Why a connection ended, in the words of the switch's events. */
export type CloseReason = 'closed' | 'stalled' | 'slow' | 'protocol' | 'unreachable' | 'peer-refused';

export interface ConnectionOwner extends FrameSink {
  /** The parser has used up what one read gave: views of the body end here. */
  onFed(): void;
  onEased(): void;
  onClosed(reason: CloseReason): void;
  /** Our own code threw while a frame was handled; the connection is closed by then. */
  onDefect(error: unknown): void;
}

export interface ConnectionOptions {
  readonly protocol: ProtocolLimits;
  readonly outbox: OutboxLimits;
  /** How long the peer may take to close after us. */
  readonly lingerMs: number;
  readonly clock: { nowMs(): number };
}

export class MsrpConnection {
  readonly remoteAddress: string;
  /** `address:port` */
  readonly remote: string;
  readonly isSecure: boolean;
  readonly outbox: Outbox;
  lastReadMs: number;
  /** Reads so far: tells whether anything came since. */
  readCount = 0;
  readonly #socket: Socket;
  readonly #parser: MsrpParser;
  readonly #owner: ConnectionOwner;
  readonly #options: ConnectionOptions;
  #reason: CloseReason = 'closed';
  #isClosed = false;
  #endedAtMs = 0;

  constructor(
    socket: Socket,
    isSecure: boolean,
    round: FlushRound,
    options: ConnectionOptions,
    makeOwner: (connection: MsrpConnection) => ConnectionOwner,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.isSecure = isSecure;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remote = `${this.remoteAddress}:${socket.remotePort ?? 0}`;
    this.lastReadMs = options.clock.nowMs();
    this.outbox = new Outbox(socket, round, options.outbox, {
      onOverflow: () => this.destroy('slow'),
      onEased: () => this.#owner.onEased(),
    });
    this.#owner = makeOwner(this);
    this.#parser = new MsrpParser(this.#owner, options.protocol);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // Node's own end of a half-open connection and every error lead to 'close'.
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isEnding(): boolean {
    return this.#endedAtMs > 0;
  }

  /** Part of a frame has arrived, the rest not. */
  get isMidFrame(): boolean {
    return !this.#parser.isIdle;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
    this.lastReadMs = this.#options.clock.nowMs();
  }

  /** Writes what waits, then closes; the peer gets `lingerMs` to follow. */
  end(): void {
    if (this.#isClosed || this.isEnding) return;
    this.#endedAtMs = this.#options.clock.nowMs();
    this.#parser.close();
    this.outbox.flush();
    // What still queues is for somebody who is leaving; nothing may be written after the end.
    this.outbox.close();
    this.#socket.resume();
    this.#socket.end();
  }

  destroy(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#reason = reason;
    this.#parser.close();
    this.#socket.destroy();
    this.#closed();
  }

  /** Closes after a fault of the peer, letting an answer that is on its way leave first. */
  endAfterFault(_fault: ParseError | null): void {
    this.#reason = 'protocol';
    this.end();
  }

  tick(nowMs: number): void {
    if (this.isEnding && nowMs - this.#endedAtMs > this.#options.lingerMs) this.destroy(this.#reason);
    else if (this.outbox.isOverdue(nowMs)) this.destroy('slow');
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed || this.isEnding) return;
    this.lastReadMs = this.#options.clock.nowMs();
    this.readCount++;
    try {
      this.#parser.feed(chunk);
      this.#owner.onFed();
    } catch (error) {
      // One connection's defect ends that connection only: the parser may stand in the middle of a frame.
      this.destroy('protocol');
      this.#owner.onDefect(error);
    }
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parser.close();
    this.outbox.close();
    this.#owner.onClosed(this.#reason);
  }
}
