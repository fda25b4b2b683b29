/** What every decision on a conference ends with: an empty session is over, and subscribers are told of changes. */
import { isLive } from './conference.ts';
import { notifySubscribers, terminateSubscription } from './notification.ts';
import { done, type Trace } from './procedure.ts';
import { abandonReferSubscription } from './refer-subscription.ts';
import { dropSession } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export function closeDecision(work: Work, world: World, trace: Trace): void {
  const isEmpty = work.legs.find((leg) => isLive(leg) || leg.state === 'leaving') === undefined;
  if (isEmpty && work.row.phase !== 'ended') {
    endSession(work, world, trace);
    return;
  }
  if (work.isRosterChanged) notifySubscribers(work, world);
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

function endSession(work: Work, world: World, trace: Trace): void {
  for (const subscription of work.subscriptions.filter(() => true)) {
    if (subscription.event === 'refer') abandonReferSubscription(work, world, subscription);
    else terminateSubscription(work, world, subscription, 'noresource');
  }
  dropSession(work);
  const { groupKey: _, ...row } = work.row;
  const endReason = row.endReason ?? 'everybody has left';
  work.row = { ...row, phase: 'ended', endedMs: world.nowMs, endReason };
  work.event({ kind: 'session-ended', session: row.id, reason: endReason });
  trace.note('7.2.2.8', 'the session is over', done(endReason));
}
