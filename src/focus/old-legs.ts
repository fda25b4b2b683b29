/** A user who joins anew: their pending invitation is moot, and what is left of an earlier leg is gone. */
import type { LegRow } from './conference.ts';
import { STAGE } from './decision.ts';
import { done, type Trace } from './procedure.ts';
import { sendBye } from './removal.ts';
import { dropLegs } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** Whoever joins is not to be invited any more. */
export function retireInvitation(work: Work, trace: Trace, newLeg: LegRow): void {
  for (const leg of otherLegs(work, newLeg, 'inviting')) {
    work.effect({
      stage: STAGE.requests,
      kind: 'cancel',
      callId: leg.dialog.callId,
      cseq: leg.dialog.localCSeq,
      kam: leg.dialog.kam,
      leg: leg.id,
    });
    work.legs.put({ ...leg, state: 'ended', deadlines: {}, endReason: 'the user joined by itself' });
    dropLegs(work, [leg.id]);
    trace.note(
      'RFC3261-9.1',
      'CANCEL the pending invitation of who joins by itself',
      done(leg.dialog.remoteUri),
    );
  }
}

/**
 * R-7.2.1.5-11: who rejoins has lost the old MSRP session, even where its BYE never came. The leg of another device of
 * the same user stays, when both tell that they are different ones (RFC 5626).
 */
export function retireLostLegs(work: Work, world: World, trace: Trace, newLeg: LegRow): void {
  for (const leg of otherLegs(work, newLeg, 'connected')) {
    if (leg.instance !== undefined && newLeg.instance !== undefined && leg.instance !== newLeg.instance)
      continue;
    sendBye(work, world, trace, leg, { method: 'departed', reason: 'the user has rejoined' });
    // Not only once the BYE is answered: nobody may be there who could.
    dropLegs(work, [leg.id]);
    trace.note('R-7.2.1.5-11', 'the old MSRP session of who rejoins is gone', done(leg.dialog.callId));
  }
}

function otherLegs(work: Work, newLeg: LegRow, state: LegRow['state']): LegRow[] {
  return work.legs.filter(
    (leg) => leg.participant === newLeg.participant && leg.id !== newLeg.id && leg.state === state,
  );
}
