/** Steps of the clauses about a group identity or a running session. */
import { referredBy } from '../../sip/refer.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasKey, type ParticipantRow } from '../conference.ts';
import { forbidden, type Refusal, refusal } from '../decision.ts';
import { maximumOfGroup, rightsIn } from '../policy/group-policy.ts';
import { by, type Outcome, pass, refuse, type Step, type StepIds, skip, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';
import { findOriginator, NOT_AUTHENTICATED } from './invite-steps.ts';

/** 11.2 "Conference URI does not exist". */
export const conferenceMissing = ({ settings }: World): Refusal =>
  refusal(404, 'Not Found', settings.errors.conferenceMissing);

export function groupIsOwned(id: string): Step<RequestTurn> {
  return step(id, 'the group identity is owned by this server', (turn) => {
    const address = canonicalAddress(turn.request.uri);
    // A running session goes by the document that it has, also when that was removed since.
    turn.group = turn.workIfAny?.row.group ?? turn.world.findGroup(address);
    return turn.group === undefined
      ? refuse(conferenceMissing(turn.world), `${address} is no group of this server (11.2)`)
      : pass(address);
  });
}

/** Not 403, which RCS clients never ask after again: the order may be taken back. */
export const FROZEN = refusal(480, 'Temporarily Unavailable', 'the session takes nobody new at the moment');

/** After `mayJoin`: only who may join at all is told. */
export const takesNewcomers: Step<RequestTurn> = step(
  'operator',
  'the session takes newcomers',
  ({ work, verified, isHistory }) => {
    if (work.row.isFrozen !== true) return pass('no operator has frozen it');
    if (isHistory) return pass('a History Function is no newcomer');
    const isThere = work.participants.find(
      (row) => row.presence !== 'disconnected' && hasKey(row, verified.keys),
    );
    return isThere === undefined
      ? refuse(FROZEN, `an operator has frozen it, and ${verified.primary} is not in it`)
      : pass(`frozen, but ${verified.primary} takes part already`);
  },
);

/** 7.2.2.9: a group's rules, or for an ad-hoc session who was invited to it. */
export function mayJoin(id: string): Step<RequestTurn> {
  return step(id, 'the originator is authenticated and may join (7.2.2.9)', (turn) => {
    const originator = findOriginator(turn);
    if (originator === undefined) return refuse(NOT_AUTHENTICATED);
    const { work, world } = turn;
    turn.isHistory = world.settings.history.functions.some((uri) =>
      originator.keys.includes(addressKey(uri)),
    );
    if (turn.isHistory) return pass(`${originator.primary} is a History Function of this server`);
    const known = work.participants.find((participant) => hasKey(participant, originator.keys));
    if (known?.isExpelled === true) {
      return refuse(
        forbidden('the user was removed from this session'),
        `${originator.primary} was removed from it`,
      );
    }
    if (work.row.kind === 'ad-hoc') {
      return known === undefined
        ? refuse(
            forbidden('the user was not invited to this session'),
            `${originator.primary} is not in the session's participant list`,
          )
        : pass(`${originator.primary} is in the session's participant list`);
    }
    const group = turn.group ?? work.row.group;
    if (group === undefined) throw new Error('A group session without its document.');
    const { rights, ruleFor, wordsFor } = rightsIn(group, originator, world.nowMs);
    const found = `${originator.primary}: ${wordsFor('join')}`;
    const why = forbidden('the user is not allowed to join this group');
    return by(ruleFor('join'), rights.join ? pass(found) : refuse(why, found));
  });
}

export interface SeatIds {
  readonly count: StepIds;
  readonly withoutHistory: StepIds;
  readonly historyInvoker: StepIds;
  readonly isFull: StepIds;
}

/** Is max-participant-count reached? Users count once each; without a maximum the seats are not looked at. */
export function seatSteps(ids: SeatIds): readonly Step<RequestTurn>[] {
  return [
    step(ids.count, 'who has a seat (max-participant-count)', (turn) => {
      const maximum = maximumOf(turn);
      if (maximum === undefined) return pass('no maximum applies');
      turn.seats = { maximum, taken: others(turn.work, turn.verified.keys) };
      return pass(seatsInWords(turn.seats));
    }),
    step(ids.withoutHistory, 'a History Function takes no seat', (turn) => {
      const { seats } = turn;
      if (seats === undefined) return skip('no maximum applies');
      const taken = seats.taken.filter(({ role }) => role === 'user');
      if (taken.length === seats.taken.length) return pass('none is in the session');
      turn.seats = { ...seats, taken };
      return pass(seatsInWords(turn.seats));
    }),
    step(ids.historyInvoker, 'a History Function may be brought into a full session', (turn) => {
      if (!turn.isHistory) return skip('the sender is no History Function');
      const invoker = historyInvoker(turn);
      if (invoker === undefined) return skip('nobody who may has brought it in (Referred-By)');
      turn.seats = undefined;
      return pass(`brought in by ${invoker}`);
    }),
    step(ids.isFull, 'a seat is free', ({ seats }) => {
      if (seats === undefined) return pass('the sender needs none');
      const found = seatsInWords(seats);
      return seats.taken.length < seats.maximum
        ? pass(found)
        : refuse(refusal(486, 'Busy Here', 'Too many participants'), found);
    }),
  ];
}

/** The same as one step, for the clause that has one statement for it. */
export function seatIsFree(ids: StepIds): Step<RequestTurn> {
  const steps = seatSteps({ count: 'A-22', withoutHistory: 'A-22', historyInvoker: 'A-21', isFull: 'A-22' });
  return step(ids, 'a seat is free (max-participant-count)', (turn) => {
    let last: Outcome = pass('no maximum applies');
    for (const { run } of steps) {
      last = run(turn);
      if (turn.seats === undefined) return last;
    }
    return last;
  });
}

function seatsInWords({ taken, maximum }: NonNullable<RequestTurn['seats']>): string {
  return `${taken.length} of ${maximum} seats are taken by others`;
}

/** Ad-hoc sessions have no such check here, unless the reading or an operator asks for it. */
function maximumOf({ work, group, world }: RequestTurn): number | undefined {
  if (work.row.maxParticipants !== undefined) return work.row.maxParticipants;
  if (work.row.kind === 'group') return maximumOfGroup(group ?? work.row.group, world.settings);
  return world.settings.readings.rejoinCountsAdHoc ? world.settings.adHoc.maxParticipants : undefined;
}

/** Who has a seat of the session besides the user with these keys. */
export function seatsTakenByOthers(work: Work, keys: readonly string[]): readonly ParticipantRow[] {
  return others(work, keys).filter(({ role }) => role === 'user');
}

function others(work: Work, keys: readonly string[]): readonly ParticipantRow[] {
  // Who sets the session up has a seat before being answered.
  const isCalling = (id: string) =>
    work.legs.find((leg) => leg.participant === id && leg.state === 'offered') !== undefined;
  return work.participants.filter(
    (row) => (row.presence !== 'disconnected' || isCalling(row.id)) && !hasKey(row, keys),
  );
}

/** R-7.2.1.4-3a: who brought the History Function in (Referred-By), if that user may. */
function historyInvoker({ request, work, world }: RequestTurn): string | undefined {
  const by = referredBy(request);
  if (by === undefined) return undefined;
  const key = addressKey(by.uri);
  const { invokers } = world.settings.history;
  const mayInvoke =
    invokers === 'participants'
      ? work.participants.find((row) => row.presence === 'connected' && hasKey(row, [key])) !== undefined
      : invokers.some((uri) => addressKey(uri) === key);
  return mayInvoke ? canonicalAddress(by.uri) : undefined;
}
