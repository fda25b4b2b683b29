/** One connection: bytes in through the parser, frames out through the outbox, and how it ends. */
import { ParseError } from '../../lib/errors.ts';
import type { ProtocolLimits } from '../protocol/limits.ts';
import { type FrameSink, MsrpParser } from '../protocol/parser.ts';
import type { FlushRound } from './flush-round.ts';
import type { Link } from './link.ts';
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
  /** `address:port` */
  readonly remote: string;
  readonly link: Link;
  readonly outbox: Outbox;
  lastReadMs: number;
  /** Reads so far: tells whether anything came since. */
  readCount = 0;
  readonly #parser: MsrpParser;
  readonly #round: FlushRound;
  readonly #owner: ConnectionOwner;
  readonly #options: ConnectionOptions;
  #reason: CloseReason = 'closed';
  #isClosed = false;
  #endedAtMs = 0;

  constructor(
    link: Link,
    round: FlushRound,
    options: ConnectionOptions,
    makeOwner: (connection: MsrpConnection) => ConnectionOwner,
  ) {
    this.link = link;
    this.#round = round;
    this.#options = options;
    this.remote = `${link.socket.remoteAddress ?? ''}:${link.socket.remotePort ?? 0}`;
    this.lastReadMs = options.clock.nowMs();
    this.outbox = new Outbox(link.socket, link.envelope, round, options.outbox, {
      onOverflow: () => this.destroy('slow'),
      onEased: () => this.#owner.onEased(),
      onDefect: (error) => this.#giveUp(error),
    });
    this.#owner = makeOwner(this);
    this.#parser = new MsrpParser(this.#owner, options.protocol);
    link.listen({
      onBytes: link.isMessageBased ? (bytes) => this.#readMessage(bytes) : (chunk) => this.#read(chunk),
      onAlive: () => {
        this.lastReadMs = options.clock.nowMs();
      },
      onClosed: () => this.#closed(),
    });
  }

  get isSecure(): boolean {
    return this.link.isSecure;
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
    this.link.pause();
  }

  resume(): void {
    this.link.resume();
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
    this.link.end();
  }

  destroy(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#reason = reason;
    this.#parser.close();
    this.link.destroy();
    this.#closed();
  }

  /** Closes after a fault of the peer, letting an answer that is on its way leave first. */
  endAfterFault(_fault: ParseError | null): void {
    this.#reason = 'protocol';
    this.end();
  }

  tick(nowMs: number): void {
    if (this.isEnding && nowMs - this.#endedAtMs > this.#options.lingerMs) this.destroy(this.#reason);
    else if (this.outbox.isStalled(nowMs)) this.destroy('stalled');
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed || this.isEnding) return;
    this.lastReadMs = this.#options.clock.nowMs();
    this.readCount++;
    try {
      this.#parser.feed(chunk);
      this.#owner.onFed();
      this.#round.afterRead();
    } catch (error) {
      // One connection's defect ends that connection only: the parser may stand in the middle of a frame.
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    this.destroy('protocol');
    this.#owner.onDefect(error);
  }

  /** Of a WebSocket: each message is one frame, no more and no less (RFC 7977 section 4.2). */
  #readMessage(bytes: Buffer): void {
    const before = this.#parser.frameCount;
    this.#read(bytes);
    if (this.#isClosed || this.isEnding) return;
    if (this.#parser.isIdle && this.#parser.frameCount === before + 1) return;
    this.#parser.close();
    this.#owner.onFault(new ParseError('MSRP_NOT_ONE_FRAME', 'a WebSocket message that is not one frame'));
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parser.close();
    this.outbox.close();
    this.#owner.onClosed(this.#reason);
  }
}
