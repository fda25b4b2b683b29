/**
 * The engine: one event in, one decision, one commit, then its effects. It holds the sessions in memory, writes
 * through to the store, and gives decisions the world they may look at.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GroupDocument } from '../documents/group-model.ts';
import type { ConferenceDeadline, Transaction } from '../focus/conference.ts';
import { type Decision, decideCancel, decideRequest } from '../focus/decide.ts';
import {
  decideAnswerLost,
  decideGateFailure,
  decideRequestLost,
  keptBehindGate,
} from '../focus/decide-failed-effect.ts';
import { decideIdle } from '../focus/decide-idle.ts';
import { decideLostClient } from '../focus/decide-lost-client.ts';
import {
  decideAck,
  decideDeadline,
  decideResponse,
  type DeadlineName as RowDeadline,
} from '../focus/decide-outcome.ts';
import { decideConferenceDeadline, decideSwitchMove, type MoveOrder } from '../focus/decide-switch-move.ts';
import type { DomainEvent, Effect, SipReply } from '../focus/decision.ts';
import { decideOperatorOrder, type OperatorOrder, type OperatorOutcome } from '../focus/operator.ts';
import type { DecisionRecord, OutboxBatch, Store } from '../focus/ports.ts';
import { sessionSnapshot } from '../focus/user-plane.ts';
import { Work } from '../focus/work.ts';
import type { FocusSettings, RequestOrigin, SwitchChoice, World } from '../focus/world.ts';
import type { Clock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import type { IdSource } from '../lib/ids.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import { type About, aboutMessage, aboutRequest, isReplyTo, recordOf } from './decision-record.ts';
import { EarlyCancels } from './early-cancels.ts';
import { EndedDialogs } from './ended-dialogs.ts';
import {
  type EffectOutcomes,
  type KamailioPort,
  Performer,
  type PerformerLog,
  type SwitchPort,
} from './performer.ts';
import { Sessions } from './sessions.ts';

export interface EngineLog extends PerformerLog {
  info(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface EngineOptions {
  readonly settings: FocusSettings;
  readonly store: Store;
  readonly kamailio: KamailioPort;
  readonly switches: SwitchPort & { choose(avoid?: string): SwitchChoice | undefined };
  readonly findGroup: (address: string) => GroupDocument | undefined;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: EngineLog;
  /** INVITEs of ours whose ended dialogs are remembered. Default 4096. */
  readonly maxEndedDialogs?: number;
  /** `asked`: the request that was decided on, where it was one. */
  readonly onDecision?: (record: DecisionRecord, asked?: AskedRequest) => void;
  readonly onEvent?: (event: DomainEvent, atMs: number) => void;
  /** As `EffectOutcomes.expulsionLost`. */
  readonly onExpulsionLost?: (session: string, switchId: string) => void;
}

export interface AskedRequest {
  readonly request: SipRequest;
  readonly origin: RequestOrigin;
}

export interface EngineCounters {
  requests: number;
  decisions: number;
  conflicts: number;
}

export type RequestAnswer = { readonly pending: true } | { readonly reply: SipReply };

export class Engine {
  readonly sessions = new Sessions();
  readonly #ended: EndedDialogs;
  readonly #earlyCancels = new EarlyCancels();
  readonly counters: EngineCounters = { requests: 0, decisions: 0, conflicts: 0 };
  readonly performer: Performer;
  readonly #options: EngineOptions;
  readonly #deadlines: Deadlines;
  #settings: FocusSettings;
  #lastId = 0;
  /** Transactions that the last run has decided on and perhaps not answered. */
  #leftReplies: readonly Transaction[] = [];

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#ended = new EndedDialogs(options.maxEndedDialogs ?? 4096);
    this.#deadlines = new Deadlines(
      () => options.clock.nowMs(),
      (deadline) => this.#deadlinePassed(deadline),
    );
    this.performer = new Performer(options.kamailio, options.switches, this.#outcomes(), options.log);
  }

  /** Loads what the last run left. @returns the effects whose fate is unknown, for recovery */
  load(): readonly OutboxBatch[] {
    const { conferences, outbox, lastOutboxId } = this.#options.store.load();
    this.#lastId = lastOutboxId;
    this.#leftReplies = outbox.flatMap(({ effects }) =>
      effects.flatMap(({ effect }) => (effect.kind === 'reply' ? [effect.transaction] : [])),
    );
    for (const conference of conferences) {
      this.sessions.add(conference);
      this.#deadlines.addAll(conference);
    }
    return outbox;
  }

  /** Deadlines wait: what they would send could not leave, and nobody could have met them. */
  holdDeadlines(): void {
    this.#deadlines.hold();
  }

  releaseDeadlines(): void {
    this.#deadlines.release();
  }

  /** Whether what is decided now could not leave. */
  get isHeld(): boolean {
    return this.#deadlines.isHeld;
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#deadlines.stop();
    await this.performer.drain(timeoutMs);
  }

  /** From the next decision on; sessions that run go on as they are. */
  useSettings(settings: FocusSettings): void {
    this.#settings = settings;
  }

  /** What decisions may look at now. */
  world(): World {
    const { ids, clock, findGroup, switches, kamailio } = this.#options;
    const { sessions } = this;
    return {
      settings: this.#settings,
      ids,
      nowMs: clock.nowMs(),
      findGroup,
      findConference: (id) => sessions.byId(id),
      findConferenceOfGroup: (key) => sessions.byGroup(key),
      findDialogs: (callId) => sessions.dialogs(callId),
      endedDialogs: (callId, localTag) => this.#ended.tags(callId, localTag),
      conferences: () => sessions.all(),
      sessionCount: () => sessions.size,
      pendingInvites: () => sessions.pendingInvites,
      chooseSwitch: (avoid) => switches.choose(avoid),
      kamailioEpoch: (kam) => kamailio.epochOf?.(kam),
    };
  }

  /** A request from a client; its final reply at once where there is one, else the reply follows as an effect. */
  request(request: SipRequest, origin: RequestOrigin): RequestAnswer {
    this.counters.requests += 1;
    const about = aboutRequest(request, origin);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const decision = decideRequest(this.world(), request, origin);
        const answer = this.#commit(decision, about, { request, origin });
        if ('pending' in answer && this.#earlyCancels.take(request)) this.cancel(request);
        return answer;
      } catch (error) {
        // Another session of the group came first: decided again, this INVITE joins it.
        if (!(error instanceof CodedError) || error.code !== 'STORE_CONFLICT' || attempt >= 3) throw error;
        this.counters.conflicts += 1;
      }
    }
  }

  /** Whether a reply to this transaction is still to come: of a pending INVITE, or one that the last run did not send. */
  meansToReply({ kam, epoch, tid }: Transaction): boolean {
    const isIt = (other: Transaction | undefined) =>
      other?.tid === tid && other.kam === kam && other.epoch === epoch;
    const isPending = [...this.sessions.all()].some(({ legs }) =>
      [...legs.values()].some(({ state, transaction }) => state === 'offered' && isIt(transaction)),
    );
    return isPending || this.#leftReplies.some(isIt);
  }

  /** @returns, as do `ack` and `response`, false when what was decided could not be committed: it is to be told again */
  cancel(request: SipRequest): boolean {
    const decision = decideCancel(this.world(), request);
    if (decision === undefined) this.#earlyCancels.add(request);
    return this.#apply(decision, aboutMessage('cancel', request));
  }

  ack(request: SipRequest): boolean {
    return this.#apply(decideAck(this.world(), request), aboutMessage('ack', request));
  }

  response(response: SipResponse): boolean {
    return this.#apply(decideResponse(this.world(), response), {
      ...aboutMessage('response', response),
      target: `${response.status} ${response.reason}`,
    });
  }

  /** A decision made elsewhere (recovery) is committed and performed like any other. */
  apply(decision: Decision | undefined, trigger: string): void {
    this.#apply(decision, { trigger });
  }

  /** What an operator orders. @throws CodedError when it could not be committed: nothing has changed */
  order(order: OperatorOrder): OperatorOutcome {
    const outcome = decideOperatorOrder(this.world(), order);
    if (outcome.kind === 'decided') this.#commit(outcome.decision, { trigger: 'operator' }, undefined);
    return outcome;
  }

  /** The switch of a session is gone, or is to be emptied. */
  move(order: MoveOrder): void {
    this.#apply(decideSwitchMove(this.world(), order), { trigger: 'switch' });
  }

  /** The MSRP connection of a leg is gone, and its client has not come back by itself. */
  lostClient(session: string, leg: string): void {
    this.#apply(decideLostClient(this.world(), session, leg), { trigger: 'switch' });
  }

  /** Nobody has sent a message for as long as sessions of its kind may be without one. */
  idle(session: string): void {
    this.#apply(decideIdle(this.world(), session), { trigger: 'timer:idle' });
  }

  /** Tells a switch all that it should hold; used when it comes back or lost track. */
  async resync(conferenceId: string, switchId: string): Promise<boolean> {
    const conference = this.sessions.byId(conferenceId);
    if (conference === undefined || conference.row.switchId !== switchId) return false;
    try {
      const reply = await this.#options.switches.command(
        switchId,
        'session.put',
        sessionSnapshot(Work.on(conference), this.world()),
      );
      return reply.ok;
    } catch {
      return false;
    }
  }

  #outcomes(): EffectOutcomes {
    return {
      gateFailed: (conference, behind, why) => {
        const world = this.world();
        const kept = keptBehindGate(world, conference, behind);
        this.#apply(decideGateFailure(world, conference, behind, why), { trigger: 'switch' });
        return kept;
      },
      answerLost: (conference, answer) => {
        this.#apply(decideAnswerLost(this.world(), conference, answer), { trigger: 'reply' });
      },
      requestLost: (conference, effect, why) => {
        const about = { trigger: 'request', callId: effect.callId };
        this.#apply(decideRequestLost(this.world(), conference, effect, why), about);
      },
      resync: (conference, switchId) => this.resync(conference, switchId),
      expulsionLost: (conference, switchId) => this.#options.onExpulsionLost?.(conference, switchId),
      done: (ids) => this.#options.store.effectsDone(ids),
      passed: (conference, traffic) => this.#options.store.addTraffic(conference, traffic),
    };
  }

  #deadlinePassed(deadline: Deadline): void {
    const { conference, row, id, name } = deadline;
    const about = { trigger: `timer:${name}`, ...this.#callOf(deadline) };
    try {
      const decision =
        row === 'conference'
          ? decideConferenceDeadline(this.world(), conference, name as ConferenceDeadline)
          : decideDeadline(this.world(), { conference, row, id, name: name as RowDeadline });
      if (this.#apply(decision, about)) return;
    } catch (error) {
      // A deadline that cannot be decided must not end the process: it would come up again at every start.
      this.#options.log.error({ err: error, conference, ...about }, 'a deadline could not be decided on');
    }
    this.#deadlines.retry(deadline);
  }

  #callOf({ conference, row, id }: Deadline): { readonly callId?: string } {
    if (row === 'conference') return {};
    const callId = this.sessions.byId(conference)?.[row === 'leg' ? 'legs' : 'subscriptions'].get(id)
      ?.dialog.callId;
    return callId === undefined ? {} : { callId };
  }

  /** @returns false when the decision could not be committed: nothing has changed, and it may be asked for again */
  #apply(decision: Decision | undefined, about: About): boolean {
    if (decision === undefined) return true;
    try {
      this.#commit(decision, about, undefined);
      return true;
    } catch (error) {
      this.#options.log.error({ err: error, clause: decision.clause }, 'a decision could not be committed');
      return false;
    }
  }

  #commit(decision: Decision, about: About, asked: AskedRequest | undefined): RequestAnswer {
    const origin = asked?.origin;
    const effects = decision.changes?.effects ?? decision.looseEffects ?? [];
    const record = recordOf(decision, about, effects, origin, this.#options.clock.nowMs());
    const batch = this.#batch(decision.conference?.row.id ?? '', effects);
    this.#options.store.commit({
      ...(decision.changes === undefined ? {} : { changes: decision.changes }),
      ...(batch === undefined ? {} : { batch }),
      record,
    });
    this.counters.decisions += 1;
    if (decision.changes !== undefined && decision.conference !== undefined) {
      this.#ended.addEnded(decision.changes, this.sessions.byId(decision.conference.row.id));
      this.sessions.apply(decision.conference, decision.changes);
      this.#deadlines.addChanged(decision.changes);
    }
    if (decision.endedDialog !== undefined) this.#ended.add(decision.endedDialog);
    this.#report(record, decision, asked);
    return this.#answer(decision, batch, origin, about.callId);
  }

  /** The final reply travels back in the same call when nothing has to happen before it. */
  #answer(
    decision: Decision,
    batch: OutboxBatch | undefined,
    origin: RequestOrigin | undefined,
    callId: string | undefined,
  ): RequestAnswer {
    if (decision.reply !== undefined) return { reply: decision.reply };
    if (batch === undefined) return { pending: true };
    const isGated = batch.effects.some(({ effect }) => effect.kind === 'switch' && effect.isGate);
    const direct = isGated ? undefined : batch.effects.find(({ effect }) => isReplyTo(effect, origin));
    if (direct?.effect.kind !== 'reply') {
      this.performer.enqueue(batch);
      return { pending: true };
    }
    if (batch.effects.some(({ effect }) => effect.kind === 'request' && effect.callId === callId)) {
      // A NOTIFY or BYE in the same dialog must not overtake the answer: it leaves once Kamailio has sent that.
      this.performer.enqueue(batch, nextTurn());
      return { pending: true };
    }
    const { reply } = direct.effect;
    const rest = { ...batch, effects: batch.effects.filter((entry) => entry !== direct) };
    // After the answer was handed to the socket.
    const handedOver = new Promise<void>((resolve) => {
      setImmediate(() => {
        this.#options.store.effectsDone([direct.id]);
        resolve();
      });
    });
    this.performer.enqueue(rest, handedOver);
    return { reply };
  }

  #batch(conference: string, effects: readonly Effect[]): OutboxBatch | undefined {
    if (effects.length === 0) return undefined;
    this.#lastId += 1;
    const id = this.#lastId;
    return {
      id,
      conference,
      effects: effects.map((effect) => {
        this.#lastId += 1;
        return { id: this.#lastId, effect };
      }),
    };
  }

  #report(record: DecisionRecord, decision: Decision, asked: AskedRequest | undefined): void {
    const { steps, events: _events, ...line } = record;
    const last = steps.at(-1);
    const rule = steps.findLast((step) => step.rule !== undefined)?.rule;
    const deciding = rule === undefined ? {} : { right: rule.right, rules: rule.grantedBy };
    this.#options.log.info({ ...line, step: last?.id, found: last?.found, ...deciding }, 'decision');
    this.#options.onDecision?.(record, asked);
    for (const event of decision.changes?.events ?? []) this.#options.onEvent?.(event, record.atMs);
  }
}
