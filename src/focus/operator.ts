/**
 * What an operator does to a running session: remove somebody, end it, limit it, close it to newcomers. A decision as any
 * other, with its steps; asking for what is so already changes nothing.
 */
import { isLive, type ParticipantRow } from './conference.ts';
import { concluded, type Decision } from './decide.ts';
import { endSubscriptionsOf } from './leg-end.ts';
import { maximumUsers } from './maximum-users.ts';
import {
  done,
  type Outcome,
  type Procedure,
  pass,
  runSteps,
  type Step,
  skip,
  step,
  Trace,
} from './procedure.ts';
import { release, releaseAfterRemoval, removeParticipant } from './removal.ts';
import { putLegs } from './user-plane.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

interface OrderHead {
  readonly session: string;
  /** Who gives it, as the audit log names them. */
  readonly by: string;
}

export type OperatorOrder =
  | (OrderHead & {
      readonly kind: 'remove';
      /** `addressKey` of the participant. */
      readonly userKey: string;
      /** Told in the Reason of the BYE and in the roster; no quotes or line ends. */
      readonly reason?: string;
    })
  | (OrderHead & { readonly kind: 'end'; readonly reason?: string })
  | (OrderHead &
      SessionLimits & {
        readonly kind: 'limit';
        /** As the operator saw it: nothing is done when it is otherwise now. */
        readonly seen?: LimitsNow;
      });

/** What such orders have made of a session; `muted` by address, in any order. */
export type LimitsNow = Readonly<{
  maxParticipants: number | null;
  isFrozen: boolean;
  muted: readonly string[];
}>;

/** What is absent stays as it is. */
export interface SessionLimits {
  /** Null: as the group document or the setting has it. */
  readonly maxParticipants?: number | null;
  /** Nobody new is let in, by INVITE or REFER; who takes part stays, and may come back after a lost connection. */
  readonly isFrozen?: boolean;
  /** Keys of all whom nobody is to hear; the switch answers 403 to what they send. */
  readonly mutedKeys?: readonly string[];
}

export type OperatorOutcome =
  /** `changed`: it is not as the operator saw it. */
  | { readonly kind: 'no-session' | 'no-user' | 'ending' | 'changed' }
  /** It was so already. */
  | { readonly kind: 'unchanged'; readonly now: OrderState }
  | {
      readonly kind: 'decided';
      readonly decision: Decision;
      readonly before: OrderState;
      readonly now: OrderState;
    };

/** What an order is about, for the audit log. */
export type OrderState = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

interface OperatorTurn<O extends OperatorOrder = OperatorOrder> {
  readonly world: World;
  readonly work: Work;
  readonly trace: Trace;
  readonly order: O;
  readonly target: ParticipantRow | undefined;
}

type Order<K extends OperatorOrder['kind']> = OperatorTurn<Extract<OperatorOrder, { readonly kind: K }>>;

export function decideOperatorOrder(world: World, order: OperatorOrder): OperatorOutcome {
  const conference = world.findConference(order.session);
  if (conference === undefined) return { kind: 'no-session' };
  const work = Work.on(conference);
  const { row } = conference;
  const trace = new Trace();
  if (order.kind === 'end') {
    if (row.phase === 'ending') return { kind: 'unchanged', now: { phase: row.phase } };
    return decided(world, ending, { world, work, trace, order, target: undefined }, () => ({
      phase: work.row.phase,
      endReason: work.row.endReason ?? null,
    }));
  }
  if (row.phase === 'ending') return { kind: 'ending' };
  if (order.kind === 'remove') {
    const target = work.participants.find(({ keys }) => keys.includes(order.userKey));
    if (target === undefined) return { kind: 'no-user' };
    const state = () => presenceOf(work, target.id);
    if (target.isExpelled && !hasLiveLeg(work, target)) return { kind: 'unchanged', now: state() };
    return decided(world, removing, { world, work, trace, order, target }, state);
  }
  const state = () => limitsOf(work, world);
  if (order.seen !== undefined && !isSameLimits(order.seen, state())) return { kind: 'changed' };
  const { maxParticipants = row.maxParticipants ?? null, isFrozen = row.isFrozen === true } = order;
  const isKnown = (key: string) => work.participants.find(({ keys }) => keys.includes(key)) !== undefined;
  if (order.mutedKeys?.every(isKnown) === false) return { kind: 'no-user' };
  const isSame =
    maxParticipants === (row.maxParticipants ?? null) &&
    isFrozen === (row.isFrozen === true) &&
    heardOtherwise(work, order).length === 0;
  if (isSame) return { kind: 'unchanged', now: state() };
  return decided(world, limiting, { world, work, trace, order, target: undefined }, state);
}

function decided<C extends OperatorTurn>(
  world: World,
  procedure: Procedure<C>,
  turn: C,
  state: () => OrderState,
): OperatorOutcome {
  const before = state();
  runSteps(procedure.steps, turn, turn.trace);
  const now = state();
  return { kind: 'decided', decision: concluded(world, procedure, turn.work, turn.trace), before, now };
}

const ordered: Step<OperatorTurn> = step('operator', 'who orders it', ({ order }) => pass(order.by));

const removing: Procedure<Order<'remove'>> = {
  clause: '7.2.1.9',
  name: 'An operator removes a participant',
  steps: [
    ordered,
    step('operator', 'they may not come back by themselves', ({ work, target, order: { by, reason } }) => {
      if (target === undefined) return skip('there is nobody');
      const expelledBy = { kind: 'operator', name: by, ...(reason === undefined ? {} : { reason }) } as const;
      work.participants.put({ ...target, isExpelled: true, expelledBy });
      return done(`${target.address}; a participant may add them again (REFER)`);
    }),
    step('R-7.2.1.9', 'remove the participant (7.2.1.9)', ({ work, world, trace, order, target }) => {
      if (target === undefined || !hasLiveLeg(work, target))
        return skip('who has no dialog here is sent nothing');
      removeParticipant(work, world, trace, target, {
        method: 'booted',
        reason: order.reason ?? 'removed by the operator',
      });
      work.rosterChanged();
      return done(target.address);
    }),
    releaseAfterRemoval,
    // At once, as for a removal by REFER (R-7.2.1.8-2a-vii): they are told nothing more of the others.
    step('R-7.2.1.12-term', 'their subscriptions end (7.2.2.11)', ({ work, world, target }) => {
      const count = target === undefined ? 0 : endSubscriptionsOf(work, world, target);
      return count === 0 ? skip('there is none') : done(`${count}: terminated`);
    }),
  ],
};

const ending: Procedure<Order<'end'>> = {
  clause: '7.2.2.8',
  name: 'An operator ends the session',
  steps: [
    ordered,
    step('7.2.2.8', 'everybody is removed', ({ work, world, trace, order }) => {
      const count = work.legs.filter(isLive).length;
      release(work, world, trace, order.reason ?? 'ended by the operator');
      work.rosterChanged();
      return done(`${count} dialog(s) of the session`);
    }),
  ],
};

const limiting: Procedure<Order<'limit'>> = {
  clause: '7.2.2',
  name: 'An operator limits the session',
  steps: [
    ordered,
    step('operator', 'how many users it takes', (turn) => setMaximum(turn)),
    step('operator', 'whether it takes newcomers', ({ work, order: { isFrozen } }) => {
      if (isFrozen === undefined) return skip('as before');
      const { isFrozen: _, ...row } = work.row;
      work.row = isFrozen ? { ...row, isFrozen: true } : row;
      return done(isFrozen ? 'none: it is frozen' : 'it does');
    }),
    step('operator', 'whom nobody hears', ({ work, world, order }) => {
      const changed = heardOtherwise(work, order);
      if (changed.length === 0) return skip('as before');
      for (const { isMuted, ...row } of changed) {
        work.participants.put(isMuted === true ? row : { ...row, isMuted: true });
      }
      const isChanged = (id: string) => changed.some((row) => row.id === id);
      const legs = work.legs.filter(
        (leg) => isChanged(leg.participant) && isLive(leg) && leg.state !== 'offered',
      );
      if (legs.length > 0) putLegs(work, world, legs, false);
      return done(
        changed.map(({ address, isMuted }) => `${address} ${isMuted ? 'is heard' : 'not'}`).join(', '),
      );
    }),
  ],
};

/** Who is muted and is not to be, and the other way round. */
function heardOtherwise(work: Work, { mutedKeys }: SessionLimits): ParticipantRow[] {
  if (mutedKeys === undefined) return [];
  return work.participants.filter(
    ({ keys, isMuted }) => keys.some((key) => mutedKeys.includes(key)) !== (isMuted === true),
  );
}

function setMaximum({ work, world, order: { maxParticipants } }: Order<'limit'>): Outcome {
  if (maxParticipants === undefined) return skip('as before');
  const before = maximumUsers(work.row, world.settings);
  const { maxParticipants: _, ...row } = work.row;
  work.row = maxParticipants === null ? row : { ...row, maxParticipants };
  const now = maximumUsers(work.row, world.settings);
  // It stands in the conference-info document.
  if (now !== before) work.rosterChanged();
  return done(`${now ?? 'no maximum'}; before ${before ?? 'none'}. Nobody is removed for it`);
}

function hasLiveLeg(work: Work, { id }: ParticipantRow): boolean {
  return work.legs.find((leg) => leg.participant === id && isLive(leg)) !== undefined;
}

function presenceOf(work: Work, id: string): OrderState {
  const participant = work.participants.get(id);
  return {
    address: participant?.address ?? null,
    presence: participant?.presence ?? null,
    mayReturn: participant?.isExpelled !== true,
  };
}

function isSameLimits(a: LimitsNow, b: LimitsNow): boolean {
  return (
    a.maxParticipants === b.maxParticipants &&
    a.isFrozen === b.isFrozen &&
    a.muted.length === b.muted.length &&
    a.muted.every((address) => b.muted.includes(address))
  );
}

function limitsOf({ row, participants }: Work, { settings }: World): LimitsNow {
  return {
    maxParticipants: maximumUsers(row, settings) ?? null,
    isFrozen: row.isFrozen === true,
    muted: participants.filter(({ isMuted }) => isMuted === true).map(({ address }) => address),
  };
}
