/**
 * Performs the effects of committed decisions. Effects of one conference leave in the order of its decisions, stage
 * by stage (a lane); lanes do not wait for each other. An effect is taken off the outbox when its fate is known.
 */
import type { Transaction } from '../focus/conference.ts';
import type { Effect, SipReply } from '../focus/decision.ts';
import type { OutboxBatch, OutboxEffect } from '../focus/ports.ts';
import type { CommandReply, SessionTraffic } from '../switch-control/protocol.ts';

export type RequestEffect = Extract<Effect, { readonly kind: 'request' }>;
export type ReplyEffect = Extract<Effect, { readonly kind: 'reply' }>;
export type CancelEffect = Extract<Effect, { readonly kind: 'cancel' }>;
export type SwitchEffect = Extract<Effect, { readonly kind: 'switch' }>;

/** Kamailio, as far as effects need it. A rejection means that the request did not leave, or that nobody knows. */
export interface KamailioPort {
  reply(transaction: Transaction, reply: SipReply): Promise<'sent' | 'not-pending'>;
  request(effect: RequestEffect): Promise<void>;
  cancel(effect: CancelEffect): Promise<void>;
  /** Which start of this Kamailio runs now, once that is known. */
  epochOf?(kam: string): string | undefined;
}

export interface SwitchPort {
  command(switchId: string, op: SwitchEffect['op'], body: unknown): Promise<CommandReply>;
}

/** What the engine must decide on when an effect did not succeed. */
export interface EffectOutcomes {
  /** @returns those of the effects behind the gate that leave all the same, in their place */
  gateFailed(conference: string, behind: readonly Effect[], why: string): readonly Effect[];
  answerLost(conference: string, answer: ReplyEffect): void;
  requestLost(conference: string, effect: RequestEffect, why: string): void;
  /** The switch does not hold what the command was based on. Resolves true when it was told everything anew. */
  resync(conference: string, switchId: string): Promise<boolean>;
  /** The switch was not told that somebody is expelled: they are heard there, and hear the others. */
  expulsionLost(conference: string, switchId: string): void;
  done(ids: readonly number[]): void;
  /** What the switch says has passed through the session, as it lets go of it. */
  passed(conference: string, traffic: SessionTraffic): void;
}

export interface PerformerCounters {
  performed: number;
  failed: number;
  dropped: number;
}

export interface PerformerLog {
  warn(details: object, message: string): void;
  debug(details: object, message: string): void;
}

export class Performer {
  readonly counters: PerformerCounters = { performed: 0, failed: 0, dropped: 0 };
  readonly #kamailio: KamailioPort;
  readonly #switches: SwitchPort;
  readonly #outcomes: EffectOutcomes;
  readonly #log: PerformerLog;
  readonly #lanes = new Map<string, Promise<void>>();

  constructor(kamailio: KamailioPort, switches: SwitchPort, outcomes: EffectOutcomes, log: PerformerLog) {
    this.#kamailio = kamailio;
    this.#switches = switches;
    this.#outcomes = outcomes;
    this.#log = log;
  }

  /** Lanes that still have work. */
  get busy(): number {
    return this.#lanes.size;
  }

  /** The batch takes its place in the lane now, and leaves once `ready`. */
  enqueue(batch: OutboxBatch, ready?: Promise<void>): void {
    if (batch.effects.length === 0) return;
    const lane = batch.conference === '' ? `loose-${batch.id}` : batch.conference;
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const after = before.then(() => ready).then(() => this.#perform(batch));
    this.#lanes.set(lane, after);
    void after.finally(() => {
      if (this.#lanes.get(lane) === after) this.#lanes.delete(lane);
    });
  }

  /** Resolves when all that was enqueued is done, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.allSettled([...this.#lanes.values()]), timeout]);
    clearTimeout(timer);
  }

  async #perform({ conference, effects }: OutboxBatch): Promise<void> {
    const stages = [...new Set(effects.map(({ effect }) => effect.stage))].sort((a, b) => a - b);
    for (const stage of stages) {
      const now = effects.filter(({ effect }) => effect.stage === stage);
      const failure = await this.#performStage(conference, now);
      if (failure === undefined) continue;
      const behind = effects.filter(({ effect }) => effect.stage > stage);
      const kept = this.#outcomes.gateFailed(
        conference,
        behind.map(({ effect }) => effect),
        failure,
      );
      const dropped = behind.filter(({ effect }) => !kept.includes(effect));
      this.counters.dropped += dropped.length;
      this.#outcomes.done([...now, ...dropped].map(({ id }) => id));
      // Nothing among them is a gate.
      await this.#performStage(
        conference,
        behind.filter((entry) => !dropped.includes(entry)),
      );
      return;
    }
  }

  /** @returns why a gate failed */
  async #performStage(conference: string, entries: readonly OutboxEffect[]): Promise<string | undefined> {
    // Commands to the switch build on each other's revision.
    for (const { effect } of entries) {
      if (effect.kind !== 'switch') continue;
      const failure = await this.#command(conference, effect);
      if (failure !== undefined && effect.isGate) return failure;
    }
    await Promise.all(
      inDialogs(entries).map(async (effects) => {
        for (const effect of effects) await this.#send(conference, effect);
      }),
    );
    this.counters.performed += entries.length;
    this.#outcomes.done(entries.map(({ id }) => id));
    return undefined;
  }

  async #send(conference: string, effect: Exclude<Effect, SwitchEffect>): Promise<void> {
    try {
      if (effect.kind === 'request') await this.#kamailio.request(effect);
      else if (effect.kind === 'cancel') await this.#kamailio.cancel(effect);
      else {
        const fate = await this.#kamailio.reply(effect.transaction, effect.reply);
        if (
          fate === 'not-pending' &&
          effect.leg !== undefined &&
          effect.reply.code >= 200 &&
          effect.reply.code < 300
        ) {
          this.#outcomes.answerLost(conference, effect);
        }
      }
    } catch (error) {
      this.counters.failed += 1;
      const why = error instanceof Error ? error.message : String(error);
      const what = effect.kind === 'request' ? effect.method : effect.kind;
      this.#log.warn({ conference, effect: what, why }, 'an effect failed');
      if (effect.kind === 'request') this.#outcomes.requestLost(conference, effect, why);
    }
  }

  async #command(conference: string, effect: SwitchEffect): Promise<string | undefined> {
    try {
      const reply = await this.#switches.command(effect.switchId, effect.op, effect.body);
      if (reply.ok) {
        if (reply.traffic !== undefined) this.#outcomes.passed(conference, reply.traffic);
        return undefined;
      }
      if (reply.code === 'stale' && (await this.#outcomes.resync(conference, effect.switchId)))
        return undefined;
      this.counters.failed += 1;
      this.#log.warn(
        { conference, op: effect.op, code: reply.code, why: reply.reason },
        'the switch refused',
      );
      this.#tellIfExpulsion(conference, effect);
      return `${reply.code}: ${reply.reason}`;
    } catch (error) {
      this.counters.failed += 1;
      const why = error instanceof Error ? error.message : String(error);
      this.#log.warn({ conference, op: effect.op, why }, 'the switch did not answer');
      this.#tellIfExpulsion(conference, effect);
      return why;
    }
  }

  #tellIfExpulsion(conference: string, { isExpulsion, switchId }: SwitchEffect): void {
    if (isExpulsion === true) this.#outcomes.expulsionLost(conference, switchId);
  }
}

/** Requests in one dialog leave one after the other, in the order of their CSeq; all else of a stage is independent. */
function inDialogs(entries: readonly OutboxEffect[]): Exclude<Effect, SwitchEffect>[][] {
  const sequences = new Map<string, Exclude<Effect, SwitchEffect>[]>();
  for (const { id, effect } of entries) {
    if (effect.kind === 'switch') continue;
    const key = effect.kind === 'request' ? `${effect.kam} ${effect.callId}` : String(id);
    const sequence = sequences.get(key);
    if (sequence === undefined) sequences.set(key, [effect]);
    else sequence.push(effect);
  }
  return [...sequences.values()];
}
