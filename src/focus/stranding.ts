/** A session that no switch takes: it waits for one, for a time that has an end. */
import type { ConferenceRow } from './conference.ts';
import type { Outcome, Trace } from './procedure.ts';
import { done, stop } from './procedure.ts';
import { release } from './removal.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** Whether it waits for one now. What was placed since then and whose clients are still on their way keeps `strandedMs` alone. */
export function isStranded({
  strandedMs,
  deadlines,
}: Pick<ConferenceRow, 'strandedMs' | 'deadlines'>): boolean {
  return strandedMs !== undefined && (deadlines?.stranded ?? deadlines?.move) !== undefined;
}

/** The session waits for no switch any more; how long it may last is as before. */
export function waitsForNoSwitch({ deadlines, ...row }: ConferenceRow): ConferenceRow {
  const { maxLength } = deadlines ?? {};
  return maxLength === undefined ? row : { ...row, deadlines: { maxLength } };
}

/** Before a switch that is up is asked again; twice as long each further time. */
const FIRST_RETRY_MS = 1_000;

/**
 * @param isTaken there is a switch, which did not take the session: it is asked again by and by. Without one, the next
 * that is up is told.
 */
export function strand(work: Work, world: World, trace: Trace, why: string, isTaken: boolean): Outcome {
  const { strandedMs = world.nowMs } = work.row;
  const givenUpMs = strandedMs + world.settings.strandedS * 1_000;
  if (world.nowMs >= givenUpMs) return giveUp(work, world, trace);
  const retryMs = world.nowMs + Math.max(FIRST_RETRY_MS, world.nowMs - strandedMs);
  const row = waitsForNoSwitch(work.row);
  const wait = isTaken && retryMs < givenUpMs ? { move: retryMs } : { stranded: givenUpMs };
  work.row = { ...row, strandedMs, deadlines: { ...row.deadlines, ...wait } };
  return done(`${why}: the session waits until ${new Date(givenUpMs).toISOString()}`);
}

/** Everybody is told by BYE that the session is over. */
export function giveUp(work: Work, world: World, trace: Trace): Outcome {
  work.row = waitsForNoSwitch(work.row);
  release(work, world, trace, 'no message switch is left to carry the session');
  return stop(`no switch for ${world.settings.strandedS} s: the session is released`);
}
