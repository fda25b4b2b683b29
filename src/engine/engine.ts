/**
 * The engine: one event in, one decision, one commit, then its effects. It holds the sessions in memory, writes
 * through to the store, and gives decisions the world they may look at.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GroupDocument } from '../documents/group-model.ts';
import { type Decision, decideCancel, decideRequest } from '../focus/decide.ts';
import {
  decideAck,
  decideAnswerLost,
  decideDeadline,
  decideGateFailure,
  decideRequestLost,
  decideResponse,
} from '../focus/decide-outcome.ts';
import type { DomainEvent, Effect, SipReply } from '../focus/decision.ts';
import { authenticatedOriginator } from '../focus/originator.ts';
import type { DecisionRecord, OutboxBatch, Store } from '../focus/ports.ts';
import { sessionSnapshot } from '../focus/user-plane.ts';
import { Work } from '../focus/work.ts';
import type { FocusSettings, RequestOrigin, SwitchChoice, World } from '../focus/world.ts';
import type { Clock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import type { IdSource } from '../lib/ids.ts';
import { header, type SipMessage, type SipRequest, type SipResponse } from '../sip/message.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
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
  readonly switches: SwitchPort & { choose(): SwitchChoice | undefined };
  readonly findGroup: (address: string) => GroupDocument | undefined;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: EngineLog;
  readonly onDecision?: (record: DecisionRecord) => void;
  readonly onEvent?: (event: DomainEvent, atMs: number) => void;
}

export interface EngineCounters {
  requests: number;
  decisions: number;
  conflicts: number;
}

export type RequestAnswer = { readonly pending: true } | { readonly reply: SipReply };

export class Engine {
  readonly sessions = new Sessions();
  readonly counters: EngineCounters = { requests: 0, decisions: 0, conflicts: 0 };
  readonly performer: Performer;
  readonly #options: EngineOptions;
  readonly #deadlines: Deadlines;
  #lastId = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
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
    for (const conference of conferences) {
      this.sessions.add(conference);
      this.#deadlines.addAll(conference);
    }
    return outbox;
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#deadlines.stop();
    await this.performer.drain(timeoutMs);
  }

  /** What decisions may look at now. */
  world(): World {
    const { settings, ids, clock, findGroup, switches } = this.#options;
    const { sessions } = this;
    return {
      settings,
      ids,
      nowMs: clock.nowMs(),
      findGroup,
      findConference: (id) => sessions.byId(id),
      findConferenceOfGroup: (key) => sessions.byGroup(key),
      findDialogs: (callId) => sessions.dialogs(callId),
      conferences: () => sessions.all(),
      sessionCount: () => sessions.size,
      pendingInvites: () => sessions.pendingInvites,
      chooseSwitch: () => switches.choose(),
    };
  }

  /** A request from a client; its final reply at once where there is one, else the reply follows as an effect. */
  request(request: SipRequest, origin: RequestOrigin): RequestAnswer {
    this.counters.requests += 1;
    const about = aboutRequest(request, origin);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const decision = decideRequest(this.world(), request, origin);
        return this.#commit(decision, about, origin);
      } catch (error) {
        // Another session of the group came first: decided again, this INVITE joins it.
        if (!(error instanceof CodedError) || error.code !== 'STORE_CONFLICT' || attempt >= 3) throw error;
        this.counters.conflicts += 1;
      }
    }
  }

  cancel(request: SipRequest): void {
    this.#apply(decideCancel(this.world(), request), aboutMessage('cancel', request));
  }

  ack(request: SipRequest): void {
    this.#apply(decideAck(this.world(), request), aboutMessage('ack', request));
  }

  response(response: SipResponse): void {
    this.#apply(decideResponse(this.world(), response), {
      ...aboutMessage('response', response),
      target: `${response.status} ${response.reason}`,
    });
  }

  /** A decision made elsewhere (recovery) is committed and performed like any other. */
  apply(decision: Decision | undefined, trigger: string): void {
    this.#apply(decision, { trigger });
  }

  /** Tells a switch all that it should hold; used when it comes back or lost track. */
  async resync(conferenceId: string, switchId: string): Promise<boolean> {
    const conference = this.sessions.byId(conferenceId);
    if (conference === undefined || conference.row.switchId !== switchId) return false;
    try {
      const reply = await this.#options.switches.command(
        switchId,
        'session.put',
        sessionSnapshot(Work.on(conference)),
      );
      return reply.ok;
    } catch {
      return false;
    }
  }

  #outcomes(): EffectOutcomes {
    return {
      gateFailed: (conference, dropped, why) =>
        this.#apply(decideGateFailure(this.world(), conference, dropped, why), { trigger: 'switch' }),
      answerLost: (conference, leg) =>
        this.#apply(decideAnswerLost(this.world(), conference, leg), { trigger: 'reply' }),
      requestLost: (conference, effect, why) =>
        this.#apply(decideRequestLost(this.world(), conference, effect, why), {
          trigger: 'request',
          callId: effect.callId,
        }),
      resync: (conference, switchId) => this.resync(conference, switchId),
      done: (ids) => this.#options.store.effectsDone(ids),
    };
  }

  #deadlinePassed({ conference, row, id, name }: Deadline): void {
    const rows = this.sessions.byId(conference)?.[row === 'leg' ? 'legs' : 'subscriptions'];
    const callId = rows?.get(id)?.dialog.callId;
    const about = { trigger: `timer:${name}`, ...(callId === undefined ? {} : { callId }) };
    try {
      this.#apply(decideDeadline(this.world(), { conference, row, id, name }), about);
    } catch (error) {
      // A deadline that cannot be decided must not end the process: it would come up again at every start.
      this.#options.log.error({ err: error, conference, ...about }, 'a deadline could not be decided on');
    }
  }

  #apply(decision: Decision | undefined, about: About): void {
    if (decision === undefined) return;
    try {
      this.#commit(decision, about, undefined);
    } catch (error) {
      this.#options.log.error({ err: error, clause: decision.clause }, 'a decision could not be committed');
    }
  }

  #commit(decision: Decision, about: About, origin: RequestOrigin | undefined): RequestAnswer {
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
      this.sessions.apply(decision.conference, decision.changes);
      this.#deadlines.addChanged(decision.changes);
    }
    this.#report(record, decision);
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

  #report(record: DecisionRecord, decision: Decision): void {
    const { steps, ...line } = record;
    const last = steps.at(-1);
    this.#options.log.info({ ...line, step: last?.id, found: last?.found }, 'decision');
    this.#options.onDecision?.(record);
    for (const event of decision.changes?.events ?? []) this.#options.onEvent?.(event, record.atMs);
  }
}

type About = Pick<DecisionRecord, 'trigger'> & Partial<Pick<DecisionRecord, 'callId' | 'user' | 'target'>>;

function aboutRequest(request: SipRequest, origin: RequestOrigin): About {
  const user = authenticatedOriginator(origin.asserted)?.primary;
  return {
    ...aboutMessage(request.method, request),
    target: request.uri,
    ...(user === undefined ? {} : { user }),
  };
}

function aboutMessage(trigger: string, message: SipMessage): About {
  const callId = header(message, 'call-id');
  return { trigger, ...(callId === undefined ? {} : { callId }) };
}

function isReplyTo(effect: Effect, origin: RequestOrigin | undefined): boolean {
  return (
    effect.kind === 'reply' &&
    origin !== undefined &&
    effect.reply.code >= 200 &&
    effect.transaction.tid === origin.transaction.tid &&
    effect.transaction.kam === origin.transaction.kam
  );
}

function recordOf(
  decision: Decision,
  about: About,
  effects: readonly Effect[],
  origin: RequestOrigin | undefined,
  atMs: number,
): DecisionRecord {
  const sent =
    decision.reply ??
    effects.flatMap((effect) =>
      isReplyTo(effect, origin) && effect.kind === 'reply' ? [effect.reply] : [],
    )[0];
  const session = decision.conference?.row.id;
  return {
    atMs,
    clause: decision.clause,
    procedure: decision.procedure,
    ...about,
    ...(sent === undefined ? {} : { status: sent.code }),
    ...(decision.refusal === undefined ? {} : { warning: decision.refusal.warning }),
    ...(session === undefined ? {} : { session }),
    steps: decision.trace,
  };
}
