/** A user who joins anew: their pending invitation is moot, and what is left of an earlier leg is gone. */
import type { LegRow } from './conference.ts';
import { STAGE } from './decision.ts';
import type { Trace } from './procedure.ts';
import { tellReferrers } from './refer-subscription.ts';
import { sendBye } from './removal.ts';
import { dropLegs } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** Whoever joins is not to be invited any more. @returns how many invitations are cancelled */
export function retireInvitation(work: Work, world: World, newLeg: LegRow): number {
  const pending = otherLegs(work, newLeg, 'inviting');
  for (const leg of pending) {
    work.effect({
      stage: STAGE.requests,
      kind: 'cancel',
      callId: leg.dialog.callId,
      cseq: leg.dialog.localCSeq,
      kam: leg.dialog.kam,
      leg: leg.id,
    });
    work.legs.put({ ...leg, state: 'ended', deadlines: {}, endReason: 'the user joined by itself' });
    // Who is in the session counts as reached.
    tellReferrers(work, world, leg.id, { status: 200, reason: 'OK' });
    dropLegs(work, [leg.id]);
  }
  return pending.length;
}

/**
 * R-7.2.1.5-11: who rejoins has lost the old MSRP session, even where its BYE never came. The leg of another device of
 * the same user stays, when both tell that they are different ones (RFC 5626). @returns how many are ended
 */
export function retireLostLegs(work: Work, world: World, trace: Trace, newLeg: LegRow): number {
  let count = 0;
  for (const leg of otherLegs(work, newLeg, 'connected')) {
    if (leg.instance !== undefined && newLeg.instance !== undefined && leg.instance !== newLeg.instance)
      continue;
    sendBye(work, world, trace, leg, { method: 'departed', reason: 'the user has rejoined' });
    // Not only once the BYE is answered: nobody may be there who could.
    dropLegs(work, [leg.id]);
    count += 1;
  }
  return count;
}

function otherLegs(work: Work, newLeg: LegRow, state: LegRow['state']): LegRow[] {
  return work.legs.filter(
    (leg) => leg.participant === newLeg.participant && leg.id !== newLeg.id && leg.state === state,
  );
}
