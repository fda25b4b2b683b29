/** What the switch knows of one connection: the legs on it, the frame that is arriving, and the SENDs not yet answered. */
import type { ParseError } from '../../lib/errors.ts';
import { formatEmptySend, formatPaths, formatReport } from '../protocol/encode.ts';
import { FROM_PATH, type FrameHead, TO_PATH, USE_NICKNAME } from '../protocol/frame-head.ts';
import { type ContinuationFlag, FLAG_ABORT, FLAG_COMPLETE, FLAG_MORE } from '../protocol/wire.ts';
import type { Admission } from '../transport/address-limits.ts';
import { type CloseReason, type ConnectionOwner, MsrpConnection } from '../transport/connection.ts';
import type { Link } from '../transport/link.ts';
import { takeAnswer } from './answers.ts';
import { bindLeg, findLeg, flushBacklog, releaseLeg } from './binding.ts';
import { BodyHold } from './body-hold.ts';
import type { SwitchContext } from './context.ts';
import { takeWhole } from './fan-out.ts';
import {
  HEARTBEAT,
  RESPOND_ALWAYS,
  RESPOND_NEVER,
  readSend,
  responseWish,
  type SendMeta,
} from './inbound.ts';
import type { Leg } from './leg.ts';
import { Liveness } from './liveness.ts';
import { takeNickname } from './nickname.ts';
import { Outstanding } from './outstanding.ts';
import { cutAged } from './pace.ts';
import { Reply } from './reply.ts';
import { forgetTransfer, takeChunk } from './transfer.ts';

const OK = 200;
const FORBIDDEN = 403;
const STOP_SENDING = 413;
const NO_SESSION = 481;
const UNKNOWN_METHOD = 501;
const NO_ANSWER_YET = 0;
const STREAMED_PIECE_BYTES = 32 * 1024;
/** Further chunks below this count as messages: each costs as much as one. */
const TINY_CHUNK_BYTES = 512;
const HEAD_LIMITS: ReadonlySet<string> = new Set([
  'MSRP_START_LINE_TOO_LONG',
  'MSRP_HEAD_TOO_LONG',
  'MSRP_TOO_MANY_HEADERS',
]);

export class Peer implements ConnectionOwner {
  readonly connection: MsrpConnection;
  readonly legs = new Map<string, Leg>();
  readonly outstanding: Outstanding;
  /** Set while this connection is one that the switch opened and that is not bound yet. */
  onBindAnswer: ((status: number) => void) | null = null;
  onGone: (() => void) | null = null;
  bindNumber = 0;
  readonly #context: SwitchContext;
  readonly #hold = new BodyHold();
  /** The leg of the last request, when that had the paths it was bound with. */
  #recent: Leg | null = null;
  #recentPathsId = 0;
  readonly #liveness: Liveness;
  #isPaused = false;
  #countedHold = 0;

  // The frame that is arriving.
  #leg: Leg | null = null;
  #meta: SendMeta | null = null;
  readonly #reply: Reply;
  /** To be answered at the end of the frame; NO_ANSWER_YET while all is well. */
  #status = NO_ANSWER_YET;
  #isIgnored = false;
  #nextStart = 1;

  readonly #admission: Admission;

  constructor(context: SwitchContext, connection: MsrpConnection, admission: Admission) {
    this.#context = context;
    this.#admission = admission;
    this.connection = connection;
    this.outstanding = new Outstanding(context.limits.maxOutstanding);
    this.#reply = new Reply(connection.outbox, context.round.memory);
    this.#liveness = new Liveness(context, this);
  }

  addLeg(leg: Leg): void {
    this.legs.set(leg.sessionId, leg);
    this.#admission.bound();
  }

  removeLeg(leg: Leg): void {
    this.legs.delete(leg.sessionId);
    if (this.#recent === leg) this.#recent = null;
    if (this.#leg === leg) this.#leg = null;
    leg.room.paused.delete(this);
    if (this.legs.size === 0) this.connection.end();
    else this.resume();
  }

  /** The switch does not read from it: its members' recipients do not keep up. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.connection.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#liveness.resumed();
    this.connection.resume();
  }

  /** Asks for a sign of life; `tick` ends the connection when none comes. */
  probe(): void {
    this.#liveness.probe(this.#context.limits.probeMs);
  }

  /** Sends a SEND without content; returns its number. */
  sendEmpty(paths: string): number {
    const { transactions } = this.#context;
    const number = transactions.next(null);
    const tid = transactions.text(number);
    this.#write(formatEmptySend(tid, paths, tid));
    return number;
  }

  tick(nowMs: number): void {
    this.connection.tick(nowMs);
    if (this.connection.outbox.isOver) for (const leg of [...this.legs.values()]) cutAged(leg);
    this.#liveness.tick(nowMs);
  }

  onHead(head: FrameHead): void {
    if (head.status !== 0) {
      this.#isIgnored = true;
      takeAnswer(this.#context, this, head);
      return;
    }
    this.#isIgnored = false;
    const isRepeated = head.pathsId !== 0 && head.pathsId === this.#recentPathsId;
    const known = isRepeated ? this.#recent : null;
    const toPath = known === null ? head.value(TO_PATH) : known.boundTo;
    const fromPath = known === null ? head.value(FROM_PATH) : known.boundFrom;
    if (toPath === null || fromPath === null) {
      this.#isIgnored = true;
      this.#context.counters.protocolFaults++;
      this.connection.endAfterFault(null);
      return;
    }
    this.#leg = null;
    this.#meta = null;
    this.#status = NO_ANSWER_YET;
    // Reports end here: the switch answers for its members itself (RFC 4975 section 7.1.2: never answered).
    if (head.method === 'REPORT') {
      this.#isIgnored = true;
      return;
    }
    this.#reply.begin(head, toPath, fromPath, responseWish(head));
    this.#beginRequest(head, toPath, fromPath);
  }

  onBody(view: Buffer): void {
    if (this.#isIgnored || this.#status !== NO_ANSWER_YET) return;
    const meta = this.#meta;
    if (meta === null || meta.type === HEARTBEAT) return;
    this.#hold.add(view);
    const { limits } = this.#context;
    const held = this.#hold.bytes;
    if (this.#nextStart + held - 1 > limits.maxMessageBytes) {
      this.#context.counters.limitedBySize++;
      this.#refuseEarly(STOP_SENDING);
    } else if (
      held > limits.forwardWholeBytes ||
      // Once it goes on in pieces, they go as they are read: nothing has to be kept over the read.
      (held >= STREAMED_PIECE_BYTES && this.#nextStart > meta.start) ||
      (held > 8192 && this.#context.heldBytes > limits.maxHeldBytes)
    ) {
      this.#streamHeld(meta);
    }
  }

  onEnd(flag: ContinuationFlag): void {
    if (this.#isIgnored) return;
    const leg = this.#leg;
    const meta = this.#meta;
    let status = this.#status;
    if (status === NO_ANSWER_YET)
      status = leg === null || meta === null ? NO_SESSION : this.#finish(leg, meta, flag);
    else if (leg !== null && meta !== null && flag !== FLAG_MORE) forgetTransfer(leg, meta.messageId);
    this.#hold.drop();
    if (status !== OK) this.#context.counters.refused++;
    this.#respond(status);
    this.#reply.end();
    if (leg === null) return;
    if (status === OK && meta !== null && meta.wantsSuccessReport && flag === FLAG_COMPLETE)
      this.#report(leg, meta);
    if (leg.backlog.size > 0 && leg.peer === this) flushBacklog(this.#context, leg);
  }

  onFault(fault: ParseError): void {
    this.#context.counters.protocolFaults++;
    if (HEAD_LIMITS.has(fault.code)) this.#context.counters.limitedByHead++;
    this.#context.log.debug({ remote: this.connection.remote, code: fault.code }, 'MSRP fault');
    this.connection.endAfterFault(fault);
  }

  onFed(): void {
    this.#hold.settle();
    this.#reply.keep();
    const held = this.#hold.bytes;
    if (held === this.#countedHold) return;
    this.#context.heldBytes += held - this.#countedHold;
    this.#countedHold = held;
  }

  onEased(): void {
    for (const { room } of this.legs.values()) this.#context.guarded(room.name, () => room.resumePaused());
  }

  onDefect(error: unknown): void {
    this.#context.log.error(
      { err: error, remote: this.connection.remote },
      'MSRP connection closed by a defect',
    );
  }

  onClosed(reason: CloseReason): void {
    const context = this.#context;
    context.peers.delete(this);
    context.heldBytes -= this.#countedHold;
    this.#countedHold = 0;
    if (reason === 'slow') context.counters.slowDropped++;
    else if (reason === 'stalled') context.counters.stalled++;
    for (const leg of [...this.legs.values()]) {
      context.guarded(leg.room.name, () => releaseLeg(context, leg, reason));
      // Whatever went wrong: nobody is bound to what is closed.
      if (leg.peer === this) leg.unbind();
    }
    this.onGone?.();
  }

  #beginRequest(head: FrameHead, toPath: string, fromPath: string): void {
    const recent = this.#recent;
    if (recent !== null && toPath === recent.boundTo && fromPath === recent.boundFrom) {
      this.#leg = recent;
    } else {
      if (head.method !== 'SEND' && head.method !== 'NICKNAME') {
        this.#status = UNKNOWN_METHOD;
        this.#reply.wish = RESPOND_ALWAYS;
        return;
      }
      const found = findLeg(this.#context, this, toPath, fromPath);
      if (typeof found === 'number') {
        this.#status = found;
        return;
      }
      if (found.peer !== this) {
        if (this.legs.size >= this.#context.limits.maxSessionsPerConnection) {
          this.#context.counters.limitedBySessions++;
          this.#status = FORBIDDEN;
          return;
        }
        bindLeg(this.#context, found, this, toPath, fromPath);
      }
      this.#leg = found;
      this.#recent = toPath === found.boundTo && fromPath === found.boundFrom ? found : null;
    }
    this.#recentPathsId = head.pathsId;
    const leg = this.#leg;
    if (head.method === 'SEND') {
      const meta = readSend(this.#context, leg, head);
      if (typeof meta === 'number') {
        if (meta === STOP_SENDING) this.#refuseEarly(meta);
        else this.#status = meta;
        return;
      }
      this.#meta = meta;
      this.#nextStart = meta.start;
      if (head.hasBody && meta.start === 1 && !this.#isWithinRate(leg)) this.#refuseEarly(STOP_SENDING);
    } else if (head.method === 'NICKNAME') {
      this.#status = takeNickname(this.#context, leg, head.value(USE_NICKNAME));
      this.#reply.wish = RESPOND_ALWAYS;
    } else {
      this.#status = UNKNOWN_METHOD;
      this.#reply.wish = RESPOND_ALWAYS;
    }
  }

  #isWithinRate(leg: Leg): boolean {
    const { limits, round, counters } = this.#context;
    if (leg.allowance.take(limits.messagesPerS, round.nowMs)) return true;
    counters.limitedByRate++;
    return false;
  }

  /** Answers at once, so that the sender can stop in the middle of its chunk (RFC 4975 section 7.3.1, 413). */
  #refuseEarly(status: number): void {
    this.#context.counters.refused++;
    this.#hold.drop();
    this.#respond(status);
    this.#status = status;
    this.#reply.wish = RESPOND_NEVER;
    const leg = this.#leg;
    const meta = this.#meta;
    if (leg !== null && meta !== null && leg.transfers.has(meta.messageId)) {
      takeChunk(this.#context, leg, meta, NOWHERE, EMPTY, FLAG_MORE);
    }
  }

  /** The chunk is too long to wait for its end: what is here goes on as a chunk of its own. */
  #streamHeld(meta: SendMeta): void {
    const leg = this.#leg;
    if (leg === null) return;
    const piece = this.#hold.take();
    this.#context.counters.bytesIn += piece.length;
    leg.bytesIn += piece.length;
    const status = takeChunk(this.#context, leg, meta, this.#nextStart, piece, FLAG_MORE);
    this.#nextStart += piece.length;
    if (status !== OK) this.#refuseEarly(status);
  }

  #finish(leg: Leg, meta: SendMeta, flag: ContinuationFlag): number {
    const context = this.#context;
    const body = this.#hold.take();
    if (meta.type === '') {
      // No content: binds, keeps alive, or ends a message that was begun.
      if (leg.transfers.has(meta.messageId))
        return takeChunk(context, leg, meta, this.#nextStart, body, flag);
      return OK;
    }
    if (meta.type === HEARTBEAT) {
      context.counters.heartbeats++;
      return OK;
    }
    context.counters.bytesIn += body.length;
    leg.bytesIn += body.length;
    if (flag === FLAG_MORE && meta.start > 1 && body.length < TINY_CHUNK_BYTES && !this.#isWithinRate(leg))
      return takeChunk(context, leg, meta, NOWHERE, EMPTY, FLAG_MORE);
    const isFurther = leg.transfers.size > 0 && leg.transfers.has(meta.messageId);
    const isWhole = flag === FLAG_COMPLETE && this.#nextStart === 1 && !isFurther;
    const status = isWhole
      ? takeWhole(context, leg, meta, body)
      : takeChunk(context, leg, meta, this.#nextStart, body, flag);
    this.#nextStart += body.length;
    return flag === FLAG_ABORT && status === STOP_SENDING ? OK : status;
  }

  #report(leg: Leg, meta: SendMeta): void {
    const { transactions } = this.#context;
    const tid = transactions.text(transactions.next(null));
    this.#write(
      formatReport(tid, formatPaths(leg.boundFrom, leg.boundTo), meta.messageId, this.#nextStart - 1, OK),
    );
  }

  #respond(status: number): void {
    this.#reply.send(status, this.#leg === this.#recent ? this.#leg : null);
  }

  #write(text: string): void {
    this.connection.outbox.sendUrgent(text);
  }
}

const EMPTY = Buffer.alloc(0);
/** A place that no chunk has: what comes there ends the message with 413. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

/** Takes a connection into the switch. */
export function adoptLink(context: SwitchContext, link: Link, admission: Admission): Peer {
  const holder: { peer: Peer | null } = { peer: null };
  const options = {
    protocol: context.limits.protocol,
    outbox: context.limits.outbox,
    lingerMs: context.limits.lingerMs,
    clock: context.clock,
  };
  new MsrpConnection(link, context.round, options, (connection) => {
    holder.peer = new Peer(context, connection, admission);
    return holder.peer;
  });
  const peer = holder.peer;
  if (peer === null) throw new Error('a connection without owner');
  context.peers.add(peer);
  context.counters.connectionsOpened++;
  return peer;
}
