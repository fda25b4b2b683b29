/** All that surrounds an engine: clients, a Kamailio and a switch, which keep what they saw and check what they get. */
import assert from 'node:assert/strict';
import type { CancelEffect, KamailioPort, RequestEffect, SwitchPort } from '../../../src/engine/performer.ts';
import type { Transaction } from '../../../src/focus/conference.ts';
import type { SipReply } from '../../../src/focus/decision.ts';
import type { CommandReply, LegSnapshot, SessionSnapshot } from '../../../src/switch-control/protocol.ts';
import { headerOf } from '../../unit/focus/stage.ts';

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
  isAcknowledged: boolean;
  isEnded: boolean;
}

/** An INVITE of the focus, at the client that it reached. */
export interface OutgoingCall {
  readonly invite: RequestEffect;
  readonly user: string;
  cseq: number;
  status: 'ringing' | 'ok' | 'refused' | 'cancelled' | 'lost';
  isEnded: boolean;
}

export interface Subscription {
  readonly user: string;
  readonly callId: string;
  readonly fromTag: string;
  readonly uri: string;
  toTag: string;
  cseq: number;
  isEnded: boolean;
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
}

export class Outside implements KamailioPort, SwitchPort {
  readonly incoming: IncomingCall[] = [];
  readonly outgoing: OutgoingCall[] = [];
  readonly subscriptions: Subscription[] = [];
  /** Requests of the focus that wait for a response. */
  readonly unanswered: RequestEffect[] = [];
  readonly transactions = new Map<string, ServerTransaction>();
  readonly faults: Faults = { switch: false, kamailio: false, crash: false };
  readonly held = new Map<string, { revision: number; readonly legs: Map<string, LegSnapshot> }>();
  readonly violations: string[] = [];
  epoch = 1;
  /** Commands of the switch that fail from now on, and in which way. */
  switchFailures: ('refused' | 'silent')[] = [];
  requestFailures = 0;
  readonly #lastCSeq = new Map<string, number>();
  readonly #lastVersion = new Map<string, number>();
  #count = 0;

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
      if (reply.code >= 200) call.status = reply.code < 300 ? 'ok' : 'failed';
    }
    if (reply.code >= 200) transaction.codes.push(reply.code);
    return true;
  }

  async request(effect: RequestEffect): Promise<void> {
    if (this.requestFailures > 0) {
      this.requestFailures -= 1;
      throw new Error('no such socket');
    }
    this.#noting(() => this.#checkCSeq(effect));
    if (effect.method === 'ACK') return;
    if (effect.method === 'INVITE') {
      const user = /:(\w+)@/.exec(effect.requestUri)?.[1] ?? '';
      this.outgoing.push({ invite: effect, user, cseq: 0, status: 'ringing', isEnded: false });
      return;
    }
    if (effect.method === 'NOTIFY') this.#noting(() => this.#checkNotify(effect));
    if (effect.method === 'BYE') this.#end(effect);
    this.unanswered.push(effect);
  }

  async cancel({ callId }: CancelEffect): Promise<void> {
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

  #checkNotify({ callId, headers, body }: RequestEffect): void {
    if (headerOf({ headers }, 'Event')?.startsWith('conference') !== true) return;
    const toTag = /tag=([^;]+)/.exec(headerOf({ headers }, 'From') ?? '')?.[1];
    const subscription = this.subscriptions.find((known) => known.callId === callId && known.toTag === toTag);
    const excused = this.faults.switch || this.faults.kamailio || this.faults.crash;
    const version = Number(/version="(\d+)"/.exec(body?.replace(/^<\?xml[^>]*>/, '') ?? '')?.[1]);
    const last = this.#lastVersion.get(callId) ?? -1;
    assert(
      excused ? version > last || this.faults.crash : version === last + 1,
      `version ${version} after ${last}`,
    );
    this.#lastVersion.set(callId, version);
    if (subscription === undefined) return;
    assert(!subscription.isEnded || this.faults.crash, 'a NOTIFY after the last one');
    if (headerOf({ headers }, 'Subscription-State')?.startsWith('terminated') === true)
      subscription.isEnded = true;
  }

  #end({ callId, headers }: RequestEffect): void {
    if (headerOf({ headers }, 'To')?.endsWith(';tag=fork') === true) return;
    for (const call of [...this.incoming, ...this.outgoing]) {
      if ((call as Partial<IncomingCall>).callId === callId) call.isEnded = true;
      if ((call as Partial<OutgoingCall>).invite?.callId === callId) call.isEnded = true;
    }
  }

  /** By the rules of src/switch-control/protocol.ts. */
  async command(_switchId: string, op: string, body: unknown): Promise<CommandReply> {
    const failure = this.switchFailures.shift();
    if (failure === 'silent') throw new Error('no answer');
    if (failure === 'refused') return { ok: false, code: 'limit', reason: 'full' };
    if (op === 'session.list') {
      const sessions = [...this.held].map(([session, { revision }]) => ({
        session,
        revision,
        legs: 0,
        bound: 0,
      }));
      return { ok: true, revision: 0, sessions };
    }
    const { session, revision } = body as { session: string; revision: number };
    const known = this.held.get(session);
    const stale: CommandReply = { ok: false, code: 'stale', reason: `${known?.revision} is held` };
    if (op === 'session.put') {
      if (known !== undefined && revision < known.revision) return stale;
      const legs = (body as SessionSnapshot).legs.map((leg) => [leg.leg, leg] as const);
      this.held.set(session, { revision, legs: new Map(legs) });
    } else if (op === 'session.drop') this.held.delete(session);
    else {
      if (known === undefined || (body as { base: number }).base !== known.revision) return stale;
      known.revision = revision;
      for (const leg of (body as { legs: (string | LegSnapshot)[] }).legs) {
        if (typeof leg === 'string') known.legs.delete(leg);
        else known.legs.set(leg.leg, leg);
      }
    }
    return { ok: true, revision };
  }

  choose() {
    return { id: 'switch-1', host: '192.0.2.1', port: 2855 };
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
