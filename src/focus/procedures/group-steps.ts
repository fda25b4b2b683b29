/** Steps of the clauses about a group identity or a running session. */
import { referredBy } from '../../sip/refer.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasKey, takesSeat } from '../conference.ts';
import { forbidden, refusal } from '../decision.ts';
import { rightsIn } from '../policy/group-policy.ts';
import { pass, refuse, type Step, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { findOriginator, NOT_AUTHENTICATED } from './invite-steps.ts';

export const CONFERENCE_MISSING = refusal(404, 'Not Found', 'Conference URI does not exist');

export function groupIsOwned(id: string): Step<RequestTurn> {
  return step(id, 'the group identity is owned by this server', (turn) => {
    const address = canonicalAddress(turn.request.uri);
    turn.group = turn.world.findGroup(address);
    return turn.group === undefined
      ? refuse(CONFERENCE_MISSING, `${address} is no group of this server (11.2)`)
      : pass(address);
  });
}

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
    const { rights, grantedBy } = rightsIn(group, originator, world.nowMs);
    return rights.join
      ? pass(`${originator.primary}: join-handling by ${grantedBy('join')}`)
      : refuse(
          forbidden('the user is not allowed to join this group'),
          `${originator.primary}: no rule grants join-handling`,
        );
  });
}

/** max-participant-count counts users once each, without the History Function (R-7.2.1.4-3-note, A-22). */
export function seatIsFree(id: string, refusalId: string): Step<RequestTurn> {
  return step(id, 'a seat is free (max-participant-count)', (turn) => {
    const maximum = maximumOf(turn);
    if (maximum === undefined) return pass('no maximum applies');
    const taken = takenByOthers(turn);
    const found = `${taken} of ${maximum} seats are taken by others`;
    if (taken < maximum) return pass(found);
    if (turn.isHistory) {
      const invoker = historyInvoker(turn);
      if (invoker !== undefined) return pass(`-3a: ${found}; a History Function, brought in by ${invoker}`);
    }
    return refuse(refusal(486, 'Busy Here', 'Too many participants'), `${refusalId}: ${found}`);
  });
}

/** Ad-hoc sessions have no such check here, unless the reading asks for it. */
function maximumOf({ work, group, world }: RequestTurn): number | undefined {
  if (work.row.kind === 'group') return (group ?? work.row.group)?.maxParticipantCount;
  return world.settings.readings.rejoinCountsAdHoc ? world.settings.adHoc.maxParticipants : undefined;
}

function takenByOthers({ work, verified }: RequestTurn): number {
  // Who sets the session up has a seat before being answered.
  const isCalling = (id: string) =>
    work.legs.find((leg) => leg.participant === id && leg.state === 'offered') !== undefined;
  return work.participants.filter(
    (participant) =>
      (takesSeat(participant) || (participant.role === 'user' && isCalling(participant.id))) &&
      !hasKey(participant, verified.keys),
  ).length;
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
