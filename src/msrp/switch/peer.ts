/** What the switch knows of one connection: the legs on it, the frame that is arriving, and the SENDs not yet answered. */
import type { Socket } from 'node:net';
import type { ParseError } from '../../lib/errors.ts';
import { formatEmptySend, formatReport, formatResponse } from '../protocol/encode.ts';
import { FROM_PATH, type FrameHead, TO_PATH, USE_NICKNAME } from '../protocol/frame-head.ts';
import { type ContinuationFlag, FLAG_ABORT, FLAG_COMPLETE, FLAG_MORE } from '../protocol/wire.ts';
import { type CloseReason, type ConnectionOwner, MsrpConnection } from '../transport/connection.ts';
import { URGENT } from '../transport/outbox.ts';
import { bindLeg, findLeg, flushBacklog, releaseLeg } from './binding.ts';
import { BodyHold } from './body-hold.ts';
import type { SwitchContext } from './context.ts';
import { takeWhole } from './fan-out.ts';
import {
  COMPOSING,
  HEARTBEAT,
  RESPOND_ALWAYS,
  RESPOND_NEVER,
  type ResponseWish,
  readSend,
  responseWish,
  type SendMeta,
} from './inbound.ts';
import { formatReplyPaths, type Leg } from './leg.ts';
import { Liveness } from './liveness.ts';
import { takeNickname } from './nickname.ts';
import { Outstanding } from './outstanding.ts';
import { takeChunk } from './transfer.ts';

const OK = 200;
const BAD_REQUEST = 400;
const STOP_SENDING = 413;
const UNSUPPORTED_TYPE = 415;
const NO_SESSION = 481;
const UNKNOWN_METHOD = 501;
const LOCAL_TIMEOUT = 408;
const NO_ANSWER_YET = 0;

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
  #recent: Leg | null = null;
  #wasBound = false;
  readonly #liveness: Liveness;
  #isPaused = false;
  #countedHold = 0;

  // The frame that is arriving.
  #leg: Leg | null = null;
  #meta: SendMeta | null = null;
  #tid = '';
  #replyPaths = '';
  #wish: ResponseWish = RESPOND_ALWAYS;
  /** To be answered at the end of the frame; NO_ANSWER_YET while all is well. */
  #status = NO_ANSWER_YET;
  #isIgnored = false;
  #nextStart = 1;

  /** Counted against the limits of its address; connections that we opened are not. */
  readonly #isCounted: boolean;

  constructor(context: SwitchContext, connection: MsrpConnection, isCounted: boolean) {
    this.#context = context;
    this.#isCounted = isCounted;
    this.connection = connection;
    this.outstanding = new Outstanding(context.limits.maxOutstanding);
    this.#liveness = new Liveness(context, this);
  }

  addLeg(leg: Leg): void {
    this.legs.set(leg.sessionId, leg);
    if (!this.#wasBound) {
      this.#wasBound = true;
      if (this.#isCounted) this.#context.addresses.bound(this.connection.remoteAddress);
    }
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
    this.#liveness.probe();
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
    this.#liveness.tick(nowMs);
  }

  onHead(head: FrameHead): void {
    if (head.status !== 0) {
      this.#isIgnored = true;
      this.#takeResponse(head);
      return;
    }
    this.#isIgnored = false;
    const toPath = head.value(TO_PATH);
    const fromPath = head.value(FROM_PATH);
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
    this.#tid = head.tid();
    this.#wish = responseWish(head);
    this.#beginRequest(head, toPath, fromPath);
  }

  onBody(view: Buffer): void {
    if (this.#isIgnored || this.#status !== NO_ANSWER_YET) return;
    const meta = this.#meta;
    if (meta === null || meta.type === HEARTBEAT) return;
    this.#hold.add(view);
    const { limits } = this.#context;
    const held = this.#hold.bytes;
    if (this.#nextStart + held - 1 > limits.maxMessageBytes) this.#refuseEarly(STOP_SENDING);
    else if (
      held > limits.forwardWholeBytes ||
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
    else if (leg !== null && meta !== null && flag !== FLAG_MORE) leg.transfers.delete(meta.messageId);
    this.#hold.take();
    if (status !== OK) this.#context.counters.refused++;
    this.#respond(status);
    if (leg === null) return;
    if (status === OK && meta !== null && meta.wantsSuccessReport && flag === FLAG_COMPLETE)
      this.#report(leg, meta);
    if (leg.backlog.size > 0 && leg.peer === this) flushBacklog(this.#context, leg);
  }

  onFault(fault: ParseError): void {
    this.#context.counters.protocolFaults++;
    this.#context.log.debug({ remote: this.connection.remote, code: fault.code }, 'MSRP fault');
    this.connection.endAfterFault(fault);
  }

  onFed(): void {
    this.#hold.settle();
    const held = this.#hold.bytes;
    if (held === this.#countedHold) return;
    this.#context.heldBytes += held - this.#countedHold;
    this.#countedHold = held;
  }

  onEased(): void {
    for (const leg of this.legs.values()) leg.room.resumePaused();
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
    if (this.#isCounted) context.addresses.release(this.connection.remoteAddress, this.#wasBound);
    context.heldBytes -= this.#countedHold;
    this.#countedHold = 0;
    if (reason === 'slow') context.counters.slowDropped++;
    for (const leg of [...this.legs.values()]) releaseLeg(context, leg, reason);
    this.onGone?.();
  }

  #beginRequest(head: FrameHead, toPath: string, fromPath: string): void {
    const recent = this.#recent;
    if (recent !== null && toPath === recent.boundTo && fromPath === recent.boundFrom) {
      this.#leg = recent;
      this.#replyPaths = recent.replyPaths;
    } else {
      this.#replyPaths = formatReplyPaths(toPath, fromPath);
      if (head.method !== 'SEND' && head.method !== 'NICKNAME') {
        this.#status = UNKNOWN_METHOD;
        this.#wish = RESPOND_ALWAYS;
        return;
      }
      const found = findLeg(this.#context, this, toPath, fromPath);
      if (typeof found === 'number') {
        this.#status = found;
        return;
      }
      if (found.peer === null) bindLeg(this.#context, found, this, toPath, fromPath);
      this.#leg = found;
      if (toPath === found.boundTo && fromPath === found.boundFrom) this.#recent = found;
    }
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
    } else if (head.method === 'NICKNAME') {
      this.#status = takeNickname(this.#context, leg, head.value(USE_NICKNAME));
      this.#wish = RESPOND_ALWAYS;
    } else {
      this.#status = UNKNOWN_METHOD;
      this.#wish = RESPOND_ALWAYS;
    }
  }

  /** Answers at once, so that the sender can stop in the middle of its chunk (RFC 4975 section 7.3.1, 413). */
  #refuseEarly(status: number): void {
    this.#context.counters.refused++;
    this.#hold.take();
    this.#respond(status);
    this.#status = status;
    this.#wish = RESPOND_NEVER;
    const leg = this.#leg;
    const meta = this.#meta;
    if (leg !== null && meta !== null && leg.transfers.has(meta.messageId)) {
      takeChunk(this.#context, leg, meta, Number.MAX_SAFE_INTEGER, EMPTY, FLAG_MORE);
    }
  }

  /** The chunk is too long to wait for its end: what is here goes on as a chunk of its own. */
  #streamHeld(meta: SendMeta): void {
    const leg = this.#leg;
    if (leg === null) return;
    const piece = this.#hold.take();
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
    const isWhole = flag === FLAG_COMPLETE && this.#nextStart === 1 && !leg.transfers.has(meta.messageId);
    const status = isWhole
      ? takeWhole(context, leg, meta, body)
      : takeChunk(context, leg, meta, this.#nextStart, body, flag);
    this.#nextStart += body.length;
    if (status === OK && flag === FLAG_COMPLETE) {
      if (meta.type === COMPOSING) context.counters.composing++;
      else {
        context.counters.messagesIn++;
        leg.messagesIn++;
      }
    }
    return flag === FLAG_ABORT && status === STOP_SENDING ? OK : status;
  }

  #report(leg: Leg, meta: SendMeta): void {
    const { transactions } = this.#context;
    const tid = transactions.text(transactions.next(null));
    this.#write(formatReport(tid, leg.paths, meta.messageId, this.#nextStart - 1, OK));
  }

  #respond(status: number): void {
    if (this.#wish === RESPOND_NEVER || (this.#wish !== RESPOND_ALWAYS && status === OK)) return;
    this.#write(formatResponse(this.#tid, status, this.#replyPaths));
  }

  #write(text: string): void {
    this.connection.outbox.send(text, null, URGENT, null);
  }

  #takeResponse(head: FrameHead): void {
    const number = this.#context.transactions.numberAt(head.bytes, head.tidStart, head.tidEnd);
    if (number < 0) return;
    if (head.status === OK && this.outstanding.takeFirst(number)) return;
    if (this.onBindAnswer !== null && number === this.bindNumber) {
      this.onBindAnswer(head.status);
      return;
    }
    const sent = this.outstanding.take(number);
    if (sent === null || head.status === OK) return;
    this.#context.counters.deliveryFailures++;
    if (head.status === NO_SESSION || head.status === LOCAL_TIMEOUT) {
      if (sent.leg.peer === this) releaseLeg(this.#context, sent.leg, 'peer-refused');
    } else if (
      head.status === STOP_SENDING ||
      head.status === UNSUPPORTED_TYPE ||
      head.status === BAD_REQUEST
    ) {
      sent.transfer?.stopFor(sent.leg);
    }
  }
}

const EMPTY = Buffer.alloc(0);

/** Takes a socket into the switch. `isCounted`: it came from outside and was admitted. */
export function adoptSocket(
  context: SwitchContext,
  socket: Socket,
  isSecure: boolean,
  isCounted: boolean,
): Peer {
  const holder: { peer: Peer | null } = { peer: null };
  const options = {
    protocol: context.limits.protocol,
    outbox: context.limits.outbox,
    lingerMs: context.limits.lingerMs,
    clock: context.clock,
  };
  new MsrpConnection(socket, isSecure, context.round, options, (connection) => {
    holder.peer = new Peer(context, connection, isCounted);
    return holder.peer;
  });
  const peer = holder.peer;
  if (peer === null) throw new Error('a connection without owner');
  context.peers.add(peer);
  context.counters.connectionsOpened++;
  return peer;
}
