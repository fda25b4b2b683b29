/** A session in which nobody has sent a message for the time that its kind may be without one (7.2.2.8). */
import { type Decision, run } from './decide.ts';
import { kindOf } from './policy/release.ts';
import { Trace } from './procedure.ts';
import { idleTooLong } from './procedures/long-enough.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

/** Undefined when it is no session that may end for it. */
export function decideIdle(world: World, session: string): Decision | undefined {
  const conference = world.findConference(session);
  if (conference?.row.phase !== 'active') return undefined;
  const idleS = world.settings.releasePolicy.idleS[kindOf(conference.row)];
  if (idleS === undefined) return undefined;
  return run(world, idleTooLong, { world, work: Work.on(conference), trace: new Trace(), idleS }, '');
}
