/** What joining and rejoining do once every check has passed: admit, answer, and settle what the arrival makes moot. */
import { acceptInvite } from '../general.ts';
import { acceptPendingInitiator } from '../initiator.ts';
import { chooseAcceptTypes } from '../media.ts';
import { retireInvitation, retireLostLegs } from '../old-legs.ts';
import { echoed } from '../responses.ts';
import type { RequestTurn } from '../turn.ts';
import { putLegs } from '../user-plane.ts';
import { admitSender } from './invite-steps.ts';

/**
 * @param as `rejoining`: what is left of the user's earlier leg is ended
 * @returns the accept-types of the answer
 */
export function joinSession(turn: RequestTurn, as: 'joining' | 'rejoining'): readonly string[] {
  const { work, world, trace, offer } = turn;
  const leg = admitSender(turn, turn.isHistory ? 'history' : 'user');
  if (offer === undefined) throw new Error('The offer was not checked before this step.');
  const acceptTypes = chooseAcceptTypes(offer.media.acceptTypes, undefined, world.settings.media.acceptTypes);
  putLegs(work, [leg], true);
  // After the new leg: the switch takes commands in the order of their revisions, and releases come last.
  retireInvitation(work, trace, leg);
  if (as === 'rejoining') retireLostLegs(work, world, trace, leg);
  turn.leg = acceptInvite(work, world, trace, { leg, offer, acceptTypes, echoed: echoed(turn.request) });
  // Somebody is there now: whoever set the session up and still waits is answered as by an invitee's 200.
  acceptPendingInitiator(work, world, trace, offer.media.acceptTypes);
  return acceptTypes;
}
