/** Two steps that several clauses have: build notifications for the conference subscribers, and send them. */
import { isOver } from '../closing.ts';
import { noteChange, notifySubscribers } from '../notification.ts';
import { done, type Outcome, skip } from '../procedure.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';

interface RosterTurn {
  readonly work: Work;
  readonly world: World;
}

/** What has changed goes to every subscription, once however many clauses ask for it (A-5). */
export function buildNotifications({ work }: RosterTurn): Outcome {
  if (!work.isRosterChanged) return skip('nothing has changed for them');
  if (isOver(work)) return skip('the session is over: the last NOTIFY of each subscription tells it');
  const count = noteChange(work);
  return count === 0 ? skip('nobody has subscribed') : done(`${count} subscription(s)`);
}

/** After the answers have left, and with notify.minIntervalMs between two of one subscription. */
export function sendNotifications({ work, world }: RosterTurn): Outcome {
  if (isOver(work)) return skip('the session is over');
  const now = notifySubscribers(work, world);
  const later = work.subscriptions.filter(({ event, isStale }) => event === 'conference' && isStale).length;
  if (now + later === 0) return skip('nobody is to be told');
  return done(`${now} now${later === 0 ? '' : `, ${later} when notify.minIntervalMs is over`}`);
}
