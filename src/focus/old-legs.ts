/** A user who joins anew: their pending invitation is moot, and what is left of an earlier leg is gone. */
import type { LegRow } from './conference.ts';
import { STAGE } from './decision.ts';
import { done, type Trace } from './procedure.ts';
import { dropLegs } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export function retireOldLegs(work: Work, _world: World, trace: Trace, newLeg: LegRow): void {
  for (const leg of work.legs.filter(
    (row) => row.participant === newLeg.participant && row.id !== newLeg.id,
  )) {
    if (leg.state !== 'inviting') continue;
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
