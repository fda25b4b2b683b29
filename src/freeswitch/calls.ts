/**
 * The user agents of FreeSWITCH users, in the focus's process: each has one dialog with the focus, whose requests come back
 * here instead of going to Kamailio. Joining, leaving, policy, roster and session timer are the focus's own then, decided as
 * for any other user.
 */
import type { Conference } from '../focus/conference.ts';
import type { Effect, SipReply } from '../focus/decision.ts';
import type { RequestOrigin } from '../focus/world.ts';
import type { Clock } from '../lib/clock.ts';
import type { IdSource } from '../lib/ids.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { formatNameAddr, NO_PARAMS, parseNameAddr } from '../sip/name-addr.ts';
import { parseSessionExpires } from '../sip/session-expires.ts';
import { addressKey } from '../sip/uri.ts';
import { type Call, instanceOf, type JoinOutcome, outcomeOf } from './call.ts';
import { endKey, endOfPath, type FreeSwitchEnd } from './end.ts';
import {
  ackOf,
  byeOf,
  CALL_ID_SUFFIX,
  cancelOf,
  inviteOf,
  type RequestEffect,
  referOf,
  replyHeader,
  responseTo,
  sdpOf,
  TRANSACTION_PREFIX,
  updateOf,
} from './sip-side.ts';

/** What these user agents use of the engine. */
export interface FocusPort {
  request(
    request: SipRequest,
    origin: RequestOrigin,
  ): { readonly pending: true } | { readonly reply: SipReply };
  ack(request: SipRequest): boolean;
  cancel(request: SipRequest): boolean;
  response(response: SipResponse): boolean;
}

export interface CallsLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface CallsOptions {
  readonly focus: FocusPort;
  /** The Kamailio that carries what follows for others, such as invitations. */
  kamailio(): { readonly kam: string; readonly epoch: string };
  passwordOf(node: string): string | undefined;
  /** Whether the switches listen for TLS only. */
  readonly isTls: boolean;
  readonly maxBytes: number;
  readonly maxEnds: number;
  /** A user of SIP MESSAGE who writes nothing for so long has left. */
  readonly messageIdleMs: number;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: CallsLog;
  /** The focus has ended it: nobody asked for that on this side. */
  onRemoved(end: FreeSwitchEnd): void;
}

export interface CallsCounters {
  joined: number;
  refused: number;
  left: number;
  removed: number;
  /** Wishes over `maxEnds`. */
  overLimit: number;
}

export class FreeSwitchCalls {
  readonly counters: CallsCounters = { joined: 0, refused: 0, left: 0, removed: 0, overLimit: 0 };
  readonly #options: CallsOptions;
  readonly #byKey = new Map<string, Call>();
  readonly #byCallId = new Map<string, Call>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  start(tickMs = 1_000): void {
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** After a start of the focus: the dialogs of the last run, before its effects are made up for. */
  adopt(conferences: Iterable<Conference>): void {
    for (const { row, participants, legs } of conferences) {
      for (const { dialog, media, participant, state, expiresS = 0 } of legs.values()) {
        if (state === 'ended' || !dialog.callId.endsWith(CALL_ID_SUFFIX)) continue;
        const end = endOfPath(media?.path[0] ?? '', (node) => this.#options.passwordOf(node));
        if (end === undefined) continue;
        const nowMs = this.#options.clock.nowMs();
        const displayName = participants.get(participant)?.displayName;
        this.#keep({
          end,
          callId: dialog.callId,
          ...(displayName === undefined ? {} : { displayName }),
          tag: dialog.remoteTag,
          focusTag: dialog.localTag,
          target: row.identity,
          cseq: dialog.remoteCSeq ?? 1,
          sdpVersion: 1,
          isConnected: state !== 'offered',
          expiresS,
          refreshAtMs: expiresS === 0 ? Number.POSITIVE_INFINITY : nowMs,
          heardMs: nowMs,
          waiting: [],
        });
      }
    }
  }

  /** Resolves with what the focus has decided; at once for who is in already. */
  join(end: FreeSwitchEnd, displayName?: string): Promise<JoinOutcome> {
    const known = this.#byKey.get(endKey(end));
    if (known !== undefined) {
      known.heardMs = this.#options.clock.nowMs();
      return outcomeOf(known);
    }
    if (this.#byKey.size >= this.#options.maxEnds) {
      this.counters.overLimit += 1;
      return Promise.resolve({ ok: false, status: 503, reason: 'too many users of FreeSWITCH take part' });
    }
    return this.#invite(end, displayName);
  }

  /** @returns false when it is in no conversation */
  leave(end: FreeSwitchEnd, reason: string): boolean {
    const call = this.#byKey.get(endKey(end));
    if (call === undefined) return false;
    this.#forget(call);
    this.counters.left += 1;
    if (!call.isConnected) {
      call.isGivenUp = true;
      this.#byCallId.set(call.callId, call);
      this.#guard('a CANCEL', () => void this.#options.focus.cancel(cancelOf(call)));
      return true;
    }
    this.#bye(call, reason);
    return true;
  }

  /** In the name of a participant: invites somebody, or removes them. @returns the status that the focus answers */
  async refer(end: FreeSwitchEnd, user: string, isRemoval: boolean): Promise<number> {
    const call = this.#byKey.get(endKey(end));
    if (call === undefined) return 404;
    const joined = await outcomeOf(call);
    if (!joined.ok) return joined.status;
    call.cseq += 1;
    return this.#ask(call, referOf(call, call.cseq, user, isRemoval))?.code ?? 202;
  }

  ends(): FreeSwitchEnd[] {
    return [...this.#byKey.values()].map(({ end }) => end);
  }

  /** The end of this user in a conversation, whatever kind it is. */
  find(group: string, identity: string): FreeSwitchEnd | undefined {
    const [groupKey, key] = [addressKey(group), addressKey(identity)];
    return this.ends().find((end) => addressKey(end.group) === groupKey && addressKey(end.identity) === key);
  }

  // What the focus sends. These three stand in for Kamailio.

  takesReply(tid: string): boolean {
    return tid.startsWith(TRANSACTION_PREFIX);
  }

  takesRequest(callId: string): boolean {
    return this.#byCallId.has(callId);
  }

  /** Final and provisional replies to our INVITE; those to other requests come back with the question. */
  reply(tid: string, reply: SipReply): 'sent' | 'not-pending' {
    const call = this.#byCallId.get(`${tid.slice(TRANSACTION_PREFIX.length)}${CALL_ID_SUFFIX}`);
    if (call === undefined || call.isConnected) return 'not-pending';
    if (reply.code >= 200) this.#answered(call, reply);
    return 'sent';
  }

  request(effect: RequestEffect): void {
    const call = this.#byCallId.get(effect.callId);
    if (call === undefined || effect.method === 'ACK') return;
    const sdp = effect.method === 'INVITE' ? this.#sdp(call) : undefined;
    const response = responseTo(effect, call, 200, sdp);
    if (effect.method === 'BYE') {
      this.#forget(call);
      this.counters.removed += 1;
      this.#options.onRemoved(call.end);
    }
    // Not within the focus's own turn.
    setImmediate(() => this.#guard('an answer', () => void this.#options.focus.response(response)));
  }

  cancel(_effect: Extract<Effect, { readonly kind: 'cancel' }>): void {}

  #invite(end: FreeSwitchEnd, displayName: string | undefined): Promise<JoinOutcome> {
    const { ids, clock } = this.#options;
    const call: Call = {
      end,
      callId: `${ids.token(100)}${CALL_ID_SUFFIX}`,
      ...(displayName === undefined ? {} : { displayName }),
      tag: ids.token(50),
      focusTag: '',
      target: end.group,
      cseq: 1,
      sdpVersion: 0,
      isConnected: false,
      expiresS: 0,
      refreshAtMs: Number.POSITIVE_INFINITY,
      heardMs: clock.nowMs(),
      waiting: [],
    };
    this.#keep(call);
    const outcome = outcomeOf(call);
    const reply = this.#ask(call, inviteOf(call, 1, this.#sdp(call), instanceOf(end)));
    if (reply !== undefined) this.#answered(call, reply);
    return outcome;
  }

  #answered(call: Call, reply: SipReply): void {
    if (reply.code >= 300) {
      this.#forget(call);
      if (call.isGivenUp !== true) this.counters.refused += 1;
      const warning = /^\d{3} \S+ "(.*)"$/.exec(replyHeader(reply, 'Warning') ?? '')?.[1];
      this.#settle(call, { ok: false, status: reply.code, reason: warning ?? reply.reason });
      return;
    }
    const { focus, clock } = this.#options;
    call.isConnected = true;
    call.focusTag = reply.toTag;
    call.target = parseNameAddr(replyHeader(reply, 'Contact') ?? `<${call.target}>`).uri;
    const timer = replyHeader(reply, 'Session-Expires');
    const { deltaS, refresher } = timer === undefined ? { deltaS: 0 } : parseSessionExpires(timer);
    call.expiresS = deltaS;
    if (deltaS > 0 && refresher !== 'uas') call.refreshAtMs = clock.nowMs() + deltaS * 500;
    const ack = ackOf(call, 1);
    // Within the focus's own turn the dialog does not stand yet.
    setImmediate(() => {
      this.#guard('an ACK', () => void focus.ack(ack));
      if (call.isGivenUp === true) {
        this.#forget(call);
        this.#settle(call, { ok: false, status: 487, reason: 'the user has left' });
        this.#bye(call, 'the user has left');
        return;
      }
      this.counters.joined += 1;
      this.#settle(call, { ok: true, session: call.target });
    });
  }

  #bye(call: Call, reason: string): void {
    call.cseq += 1;
    this.#ask(call, byeOf(call, call.cseq, reason));
  }

  /** @returns the reply when it comes at once */
  #ask(call: Call, request: SipRequest): SipReply | undefined {
    const { focus, kamailio } = this.#options;
    const { end, displayName } = call;
    const asserted = formatNameAddr({
      ...(displayName === undefined ? {} : { displayName }),
      uri: end.identity,
      params: NO_PARAMS,
    });
    const tid = `${TRANSACTION_PREFIX}${call.callId.slice(0, -CALL_ID_SUFFIX.length)}`;
    try {
      const answer = focus.request(request, {
        transaction: { ...kamailio(), tid },
        src: 'tcp:127.0.0.1:1',
        rcv: 'tcp:127.0.0.1:1',
        asserted: [asserted],
        trust: 'core',
      });
      return 'reply' in answer ? answer.reply : undefined;
    } catch (error) {
      this.#options.log.error(
        { err: error, method: request.method },
        'a FreeSWITCH user could not be decided on',
      );
      return { code: 500, reason: 'Server Internal Error', toTag: '', headers: [] };
    }
  }

  #tick(): void {
    const { clock, messageIdleMs } = this.#options;
    const nowMs = clock.nowMs();
    for (const call of [...this.#byKey.values()]) {
      if (call.end.kind === 'message' && nowMs - call.heardMs > messageIdleMs) {
        this.leave(call.end, 'nothing was heard for too long');
      } else if (call.isConnected && call.refreshAtMs <= nowMs) this.#refresh(call, nowMs);
    }
  }

  #refresh(call: Call, nowMs: number): void {
    call.refreshAtMs = nowMs + call.expiresS * 500;
    call.cseq += 1;
    const reply = this.#ask(call, updateOf(call, call.cseq, call.expiresS));
    if (reply?.code !== 481) return;
    this.#forget(call);
    this.#options.onRemoved(call.end);
  }

  #sdp(call: Call): string {
    const { passwordOf, isTls, maxBytes } = this.#options;
    call.sdpVersion += 1;
    return sdpOf(call, { password: passwordOf(call.end.node) ?? '', isTls, maxBytes }, call.sdpVersion);
  }

  #keep(call: Call): void {
    this.#byKey.set(endKey(call.end), call);
    this.#byCallId.set(call.callId, call);
  }

  #forget(call: Call): void {
    const key = endKey(call.end);
    if (this.#byKey.get(key) === call) this.#byKey.delete(key);
    this.#byCallId.delete(call.callId);
  }

  #settle(call: Call, outcome: JoinOutcome): void {
    call.outcome = outcome;
    for (const resolve of call.waiting.splice(0)) resolve(outcome);
  }

  #guard(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.log.error({ err: error }, `${what} of a FreeSWITCH user failed`);
    }
  }
}
