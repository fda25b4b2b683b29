/** What every decision on a conference ends with: an empty session is over, and subscribers are told of changes. */
import { isLive } from './conference.ts';
import { noteChange, notifySubscribers, terminateSubscription } from './notification.ts';
import { done, type Procedure, runSteps, type Step, skip, step, type Trace } from './procedure.ts';
import { abandonReferSubscription } from './refer-subscription.ts';
import { dropSession } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** Nobody is in the session any more, or could still come. */
export function isOver(work: Work): boolean {
  return work.legs.find((leg) => isLive(leg) || leg.state === 'leaving') === undefined;
}

interface ClosingTurn {
  readonly work: Work;
  readonly world: World;
}

const ending: readonly Step<ClosingTurn>[] = [
  step('R-7.2.1.12-term', 'the subscriptions end with the session (7.2.2.11)', ({ work, world }) => {
    const all = work.subscriptions.filter(() => true);
    for (const subscription of all) {
      if (subscription.event === 'refer') abandonReferSubscription(work, world, subscription);
      else terminateSubscription(work, world, subscription, 'noresource');
    }
    return all.length === 0 ? skip('there is none') : done(`${all.length}`);
  }),
  step('7.2.2.8', 'the session is over', ({ work, world }) => {
    dropSession(work);
    const { groupKey: _, ...row } = work.row;
    const endReason = row.endReason ?? 'everybody has left';
    work.row = { ...row, phase: 'ended', endedMs: world.nowMs, endReason };
    work.event({ kind: 'session-ended', session: row.id, reason: endReason });
    return done(endReason);
  }),
];

const telling: readonly Step<ClosingTurn>[] = [
  step('R-7.2.1.12-chg', 'the subscribers are told of the change', ({ work, world }) => {
    const count = noteChange(work);
    return count === 0
      ? skip('nobody has subscribed')
      : done(`${notifySubscribers(work, world)} now, of ${count}`);
  }),
];

/** @param by a procedure that tells the subscribers in steps of its own does not have it done here once more */
export function closeDecision(
  work: Work,
  world: World,
  trace: Trace,
  by: Pick<Procedure<never>, 'tellsSubscribers'> = {},
): void {
  if (isOver(work) && work.row.phase !== 'ended') {
    runSteps(ending, { work, world }, trace);
    return;
  }
  if (work.isRosterChanged && by.tellsSubscribers !== true) runSteps(telling, { work, world }, trace);
  if (work.row.phase === 'active') forgetTheGone(work);
}

/** Who has left is still shown, and may be invited again; of a group that many pass through only the latest are kept. */
const MAX_DEPARTED = 256;

/** Legs that are over are of no use once the session runs: a late answer to one is ended by its own tags. */
function forgetTheGone(work: Work): void {
  for (const leg of work.legs.filter(({ state }) => state === 'ended')) work.legs.delete(leg.id);
  if (work.row.kind !== 'group') return;
  const departed = work.participants.filter(
    ({ presence, isExpelled }) => presence === 'disconnected' && !isExpelled,
  );
  for (const { id } of departed.slice(0, Math.max(0, departed.length - MAX_DEPARTED)))
    work.participants.delete(id);
}
