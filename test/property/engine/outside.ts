/** All that surrounds an engine: clients, a Kamailio and a switch, which keep what they saw and check what they get. */

import assert from 'node:assert/strict';
import type { CancelEffect, KamailioPort, RequestEffect, SwitchPort } from '../../../src/engine/performer.ts';
import type { Transaction } from '../../../src/focus/conference.ts';
import type { SipReply } from '../../../src/focus/decision.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { CommandReply } from '../../../src/switch-control/protocol.ts';
import type { RequestOptions } from '../../unit/focus/messages.ts';
import { headerOf, SETTINGS } from '../../unit/focus/stage.ts';
import { Switches } from './switches.ts';

/** An INVITE of a client. */
export interface IncomingCall {
  readonly tid: string;
  readonly user: string;
  readonly callId: string;
  readonly fromTag: string;
  toTag: string;
  /** Of the last request that the client has sent. */
  cseq: number;
  status: 'pending' | 'ok' | 'failed' | 'gone';
  /** When the 2xx came. */
  answeredMs: number;
  isAcknowledged: boolean;
  isEnded: boolean;
  /** How many BYEs were sent in the dialog, by either side; two that crossed are one. */
  byes: number;
  isCrossed?: true;
}

/** An INVITE of the focus, at the client that it reached. */
export interface OutgoingCall {
  readonly invite: RequestEffect;
  readonly user: string;
  cseq: number;
  status: 'ringing' | 'ok' | 'refused' | 'cancelled' | 'lost';
  isEnded: boolean;
  byes: number;
  isCrossed?: true;
  /** The tag that it was answered with. */
  toTag: string;
  /** Its 200 came again: when that is too late, a BYE follows again. */
  isRepeated: boolean;
}

export interface Subscription {
  readonly user: string;
  readonly callId: string;
  readonly fromTag: string;
  readonly uri: string;
  toTag: string;
  cseq: number;
  isEnded: boolean;
  /** The roster as the documents so far tell it: status by entity. */
  readonly roster: Map<string, string>;
}

/** A REFER that wants to know its progress. */
export interface Referral {
  readonly tid: string;
  readonly user: string;
  readonly callId: string;
  readonly fromTag: string;
  readonly eventId: string;
  readonly isInDialog: boolean;
  /** Once it is accepted. */
  toTag: string | undefined;
  cseq: number;
  /** The last NOTIFY has come, or none is wanted any more. */
  isOver: boolean;
}

interface ServerTransaction {
  readonly method: string;
  readonly codes: number[];
  isGone: boolean;
}

/** What was done to the system from outside that excuses gaps. */
export interface Faults {
  switch: boolean;
  kamailio: boolean;
  crash: boolean;
  /** Which dialogs are over is not known across a restart: a late answer is sent one BYE more. */
  restart: boolean;
}

export class Outside implements KamailioPort, SwitchPort {
  readonly incoming: IncomingCall[] = [];
  readonly outgoing: OutgoingCall[] = [];
  readonly subscriptions: Subscription[] = [];
  readonly referrals: Referral[] = [];
  /** re-INVITEs of clients that are not acknowledged. */
  readonly reinvites: { readonly tid: string; readonly options: RequestOptions }[] = [];
  /** Requests of the focus that wait for a response. */
  readonly unanswered: RequestEffect[] = [];
  readonly transactions = new Map<string, ServerTransaction>();
  readonly faults: Faults = { switch: false, kamailio: false, crash: false, restart: false };
  readonly switches = new Switches();
  notifies = 0;
  /** Requests cross, of both sides: what has been decided on may still be on its way. */
  isHurried = false;
  /** No Kamailio is connected. */
  isAway = false;
  readonly violations: string[] = [];
  epoch = 1;
  /** Commands of the switch that fail from now on, and in which way. */
  switchFailures: ('refused' | 'silent')[] = [];
  requestFailures = 0;
  readonly #lastCSeq = new Map<string, number>();
  readonly #lastVersion = new Map<string, number>();
  #count = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(what: string): string {
    this.#count += 1;
    return `${what}-${this.#count}`;
  }

  open(method: string): Transaction {
    const tid = this.next('tid');
    this.transactions.set(tid, { method, codes: [], isGone: false });
    return { kam: 'k1', epoch: `e${this.epoch}`, tid };
  }

  async reply({ tid }: Transaction, reply: SipReply): Promise<'sent' | 'not-pending'> {
    if (this.#isOutOfReach()) {
      const transaction = this.transactions.get(tid);
      // Kamailio answers by itself in the end.
      if (transaction !== undefined) transaction.isGone = true;
      throw new Error('not connected');
    }
    return this.#noting(() => this.answered(tid, reply)) === true ? 'sent' : 'not-pending';
  }

  /** To the engine a port that throws is a port that failed: what is wrong is kept for `System.check`. */
  #noting<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      this.violations.push(String(error));
      return undefined;
    }
  }

  /** A reply of the focus, inline or not. @returns whether the transaction was still pending */
  answered(tid: string, reply: SipReply): boolean {
    const transaction = this.transactions.get(tid);
    assert(transaction !== undefined, `a reply to the unknown transaction ${tid}`);
    const [final] = transaction.codes;
    if (transaction.isGone) return false;
    if (final !== undefined) {
      // tm refuses a second final reply; only after a crash may the focus have tried one, and then the same.
      assert(this.faults.crash && final === reply.code, `${tid} has ${final} and is sent ${reply.code}`);
      return false;
    }
    const call = this.incoming.find((known) => known.tid === tid);
    if (call !== undefined) {
      if (reply.code > 100 && reply.code < 300) call.toTag = reply.toTag;
      if (reply.code >= 200) {
        call.status = reply.code < 300 ? 'ok' : 'failed';
        call.answeredMs = this.#clock.nowMs();
      }
    }
    if (reply.code >= 200) transaction.codes.push(reply.code);
    const referral = this.referrals.find((known) => known.tid === tid);
    if (referral !== undefined) {
      if (reply.code === 202) referral.toTag = reply.toTag;
      else referral.isOver = true;
    }
    return true;
  }

  /** What was to leave while nobody was there excuses later gaps. */
  #isOutOfReach(): boolean {
    if (this.isAway) this.faults.kamailio = true;
    return this.isAway;
  }

  async request(effect: RequestEffect): Promise<void> {
    if (this.#isOutOfReach()) throw new Error('not connected');
    if (this.requestFailures > 0) {
      this.requestFailures -= 1;
      throw new Error('no such socket');
    }
    this.#noting(() => this.#checkCSeq(effect));
    if (effect.method === 'ACK') return;
    const isInitial = headerOf(effect, 'To')?.includes(';tag=') !== true;
    if (effect.method === 'INVITE' && isInitial) {
      const user = /:(\w+)@/.exec(effect.requestUri)?.[1] ?? '';
      const before = this.outgoing.findIndex(({ invite }) => invite.callId === effect.callId);
      if (before !== -1) this.outgoing.splice(before, 1);
      this.outgoing.push({
        invite: effect,
        user,
        cseq: 0,
        status: 'ringing',
        isEnded: false,
        byes: 0,
        toTag: '',
        isRepeated: false,
      });
      return;
    }
    this.#noting(() => this.#checkDialog(effect));
    if (effect.method === 'NOTIFY') this.notifies += 1;
    if (effect.method === 'NOTIFY') this.#noting(() => this.#checkNotify(effect));
    if (effect.method === 'BYE') this.#noting(() => this.#end(effect));
    this.unanswered.push(effect);
  }

  async cancel({ callId }: CancelEffect): Promise<void> {
    if (this.#isOutOfReach()) throw new Error('not connected');
    for (const call of this.outgoing) {
      if (call.invite.callId === callId && call.status === 'ringing') call.status = 'cancelled';
    }
  }

  /** Requests of ours in one dialog have numbers that only go up (RFC 3261 section 12.2.1.1). */
  #checkCSeq({ method, callId, cseq, headers, of }: RequestEffect): void {
    if (method === 'ACK' || of.row === 'none') return;
    const key = `${callId} ${headerOf({ headers }, 'From')}`;
    const last = this.#lastCSeq.get(key) ?? 0;
    assert(cseq > last, `${method} with CSeq ${cseq} after ${last} in ${key}`);
    assert.equal(headerOf({ headers }, 'CSeq'), `${cseq} ${method}`);
    this.#lastCSeq.set(key, cseq);
  }

  /** In a dialog that is over nothing is sent any more; in one that stands one INVITE at a time (RFC 3261 section 14.1). */
  #checkDialog({ method, callId, of, headers }: RequestEffect): void {
    if (of.row === 'none' || this.isHurried || this.faults.kamailio || this.faults.crash) return;
    const call = this.callOf(callId);
    assert(call === undefined || !call.isEnded, `${method} in ${callId}, which is over`);
    if (method !== 'INVITE') return;
    const isOther = (known: RequestEffect) => known.method === 'INVITE' && known.callId === callId;
    assert(!this.unanswered.some(isOther), `a second INVITE in ${callId}: ${headerOf({ headers }, 'CSeq')}`);
  }

  /** RFC 3515 section 2.4.4: each REFER has one last NOTIFY. */
  #checkProgress({ callId, headers }: RequestEffect): void {
    const eventId = /^refer(?:;id=(\d+))?$/.exec(headerOf({ headers }, 'Event') ?? '')?.[1];
    const referral = this.referrals.find((known) => known.callId === callId && known.eventId === eventId);
    assert(referral?.toTag !== undefined, `the progress of no REFER: ${callId} ${eventId}`);
    const isExcused = this.faults.crash || this.isHurried;
    assert(isExcused || !referral.isOver, `progress of ${callId} ${eventId} after the last`);
    if (headerOf({ headers }, 'Subscription-State')?.startsWith('terminated') === true)
      referral.isOver = true;
  }

  /** A client that refuses a NOTIFY has no such subscription (RFC 6665 section 4.2.2). */
  forget({ callId }: RequestEffect): void {
    for (const one of this.subscriptions) if (one.callId === callId) one.isEnded = true;
    for (const one of this.referrals) if (one.callId === callId && !one.isInDialog) one.isOver = true;
  }

  #checkNotify(effect: RequestEffect): void {
    const { callId, headers, body } = effect;
    if (headerOf({ headers }, 'Event')?.startsWith('conference') !== true) {
      this.#checkProgress(effect);
      return;
    }
    const toTag = /tag=([^;]+)/.exec(headerOf({ headers }, 'From') ?? '')?.[1];
    const subscription = this.subscriptions.find((known) => known.callId === callId && known.toTag === toTag);
    const { kamailio, crash } = this.faults;
    const last = this.#lastVersion.get(callId) ?? -1;
    // Who may not watch any more is sent no document.
    const version =
      body === undefined ? last + 1 : Number(/version="(\d+)"/.exec(body.replace(/^<\?xml[^>]*>/, ''))?.[1]);
    assert(
      // The last NOTIFY of a subscription that is over may be repeated after a crash.
      kamailio || crash ? version > last || (crash && version === last) : version === last + 1,
      `version ${version} after ${last}`,
    );
    this.#lastVersion.set(callId, version);
    if (subscription === undefined) return;
    if (body !== undefined) this.#read(subscription, body);
    assert(!subscription.isEnded || this.faults.crash || this.isHurried, 'a NOTIFY after the last one');
    if (headerOf({ headers }, 'Subscription-State')?.startsWith('terminated') === true)
      subscription.isEnded = true;
  }

  /** As a client does: a full document replaces what it knew, unless it says that its users are a part. */
  #read({ roster }: Subscription, body: string): void {
    if (!/<users state="partial"/.test(body) && /<conference-info[^>]* state="full"/.test(body))
      roster.clear();
    for (const [, entity = '', user = ''] of body.matchAll(/<user entity="([^"]+)"[^>]*>(.*?)<\/user>/gs)) {
      roster.set(entity, /<status>([^<]+)</.exec(user)?.[1] ?? '');
    }
  }

  /** The call whose Call-ID this is. */
  callOf(callId: string): IncomingCall | OutgoingCall | undefined {
    return (
      this.incoming.find((call) => call.callId === callId) ??
      this.outgoing.find(({ invite }) => invite.callId === callId)
    );
  }

  #end({ callId, headers }: RequestEffect): void {
    if (headerOf({ headers }, 'To')?.endsWith(';tag=fork') === true) return;
    const call = this.callOf(callId);
    assert(call !== undefined, `a BYE in the unknown dialog ${callId}`);
    const { crash, kamailio, restart } = this.faults;
    const isExcused = crash || kamailio || restart || ('isRepeated' in call && call.isRepeated);
    if (this.isHurried && call.byes > 0) {
      call.isCrossed = true;
      return;
    }
    assert(isExcused || call.byes === 0, `a BYE in ${callId}, which is over`);
    // RFC 3261 section 15: not before the ACK of the 2xx, or the time-out of its transaction.
    assert(
      !('answeredMs' in call) ||
        call.isAcknowledged ||
        this.faults.crash ||
        this.#clock.nowMs() >= call.answeredMs + 64 * SETTINGS.t1Ms,
      `a BYE in ${callId} before its ACK`,
    );
    call.isEnded = true;
    call.byes += 1;
  }

  async command(switchId: string, op: string, body: unknown): Promise<CommandReply> {
    const failure = this.switchFailures.shift();
    if (failure === 'silent') throw new Error('no answer');
    if (failure === 'refused') return { ok: false, code: 'limit', reason: 'full' };
    return this.switches.command(switchId, op, body);
  }

  /** All transactions of this Kamailio are gone, with what they waited for. */
  restartKamailio(): void {
    this.faults.kamailio = true;
    this.epoch += 1;
    for (const transaction of this.transactions.values())
      if (transaction.codes.length === 0) transaction.isGone = true;
    for (const call of this.incoming) if (call.status === 'pending') call.status = 'gone';
    for (const call of this.outgoing) if (call.status === 'ringing') call.status = 'lost';
    this.unanswered.length = 0;
  }
}
