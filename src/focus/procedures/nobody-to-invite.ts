/** with nobody to invite the sender is answered at once, else they would hang until Timer C. */
import { acceptInvite } from '../general.ts';
import { chooseAcceptTypes } from '../media.ts';
import { done, type Outcome } from '../procedure.ts';
import { echoed } from '../responses.ts';
import type { RequestTurn } from '../turn.ts';
import { putSession } from '../user-plane.ts';

export function answerAlone(turn: RequestTurn, why: string): Outcome {
  const { work, world, trace, leg, offer } = turn;
  if (leg === undefined || offer === undefined)
    throw new Error('The sender was not admitted before this step.');
  putSession(work, true);
  const acceptTypes = chooseAcceptTypes(offer.media.acceptTypes, undefined, world.settings.media.acceptTypes);
  turn.leg = acceptInvite(work, world, trace, { leg, offer, acceptTypes, echoed: echoed(turn.request) });
  return done(`${why}: the sender is answered at once`);
}
