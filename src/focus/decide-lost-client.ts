/** A client whose MSRP connection is gone, while its switch and its dialog are well. */
import { concluded, type Decision } from './decide.ts';
import { moveLeg } from './leg-move.ts';
import { done, Trace } from './procedure.ts';
import { whoseLeg } from './removal.ts';
import { putLegs } from './user-plane.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

/** It is offered a new path to the same switch; undefined when it has left, or is led to another one already. */
export function decideLostClient(world: World, session: string, legId: string): Decision | undefined {
  const conference = world.findConference(session);
  const leg = conference?.legs.get(legId);
  if (conference?.row.phase !== 'active' || leg?.state !== 'connected' || leg.isMoving === true)
    return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  trace.note(
    'design-lost-client',
    'it has not come back: it is offered a new path',
    done(whoseLeg(work, leg)),
  );
  const moving = moveLeg(work, world, trace, leg);
  // Should the switch miss this, it is told of the whole session when it is back.
  putLegs(work, world, [moving], false);
  return concluded(world, { clause: '7.2.2.6', name: 'A client has lost its MSRP connection' }, work, trace);
}
