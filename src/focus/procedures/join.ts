/** What joining and rejoining have in common once every check has passed. */
import type { Caller } from '../general.ts';
import { answerInitiator } from '../initiator.ts';
import { retireInvitation } from '../old-legs.ts';
import { done, type Step, skip, step } from '../procedure.ts';
import type { RequestTurn } from '../turn.ts';
import { admitSender } from './invite-steps.ts';

/** Whose INVITE is accepted: that of who joins, now a participant with a leg. */
export function joiner(turn: RequestTurn): Caller {
  const leg = admitSender(turn, turn.isHistory ? 'history' : 'user');
  return { leg, offer: turn.offer, echoed: turn.charging };
}

/** Somebody is there now: whoever set the session up and still waits is answered as by an invitee's 200. */
export const nobodyWaitsAlone: Step<RequestTurn> = step(
  'A-14',
  'the initiator is answered when somebody is there',
  ({ work, world, trace, leg }) => {
    if (leg === undefined) return skip('nobody has joined');
    return answerInitiator({ work, world, trace, leg })
      ? done('by the -ok- list of the set-up')
      : skip('the initiator has its final response');
  },
);

/** After the switch was told of new legs: it takes commands in the order of their revisions, and releases come last. */
export const noInvitationAnyMore: Step<RequestTurn> = step(
  'RFC3261-9.1',
  'who joins by itself is not to be invited any more: CANCEL',
  ({ work, world, answer }) => {
    const count = answer === undefined ? 0 : retireInvitation(work, world, answer.leg);
    return count === 0 ? skip('no invitation of this user is pending') : done(`${count}`);
  },
);
