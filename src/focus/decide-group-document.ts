/** A group document has changed: the group's running session goes by the new one from now on. */
import type { GroupDocument } from '../documents/group-model.ts';
import { isLive, type ParticipantRow } from './conference.ts';
import { concluded, type Decision } from './decide.ts';
import { terminateSubscription } from './notification.ts';
import { rightsIn } from './policy/group-policy.ts';
import { done, Trace } from './procedure.ts';
import { mayWritePrivately, putSession } from './user-plane.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

const HEADING = { clause: '7.2.2', name: 'The group document has changed' } as const;

/**
 * Rights are asked for anew with every request, so nobody is removed: who may not join any more stays until they leave. What
 * goes on without a request ends: subscriptions of who may not watch any more (7.2.2.11), private messages.
 * @returns undefined when nothing is different for the session, or it takes nobody in any more
 */
export function decideGroupDocument(
  world: World,
  conferenceId: string,
  group: GroupDocument,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  if (conference?.row.groupKey === undefined || isSame(conference.row.group, group)) return undefined;
  const work = Work.on(conference);
  const before = work.row.group;
  const { subject: _, ...row } = work.row;
  work.row = {
    ...row,
    group,
    ...(group.displayName === undefined ? {} : { subject: group.displayName }),
  };
  const trace = new Trace();
  const isShown =
    before?.displayName !== group.displayName || before?.maxParticipantCount !== group.maxParticipantCount;
  // Name and maximum stand in the conference-info document.
  if (isShown) work.rosterChanged();
  const changed = work.legs.find((leg) => {
    const participant = work.participants.get(leg.participant);
    return (
      isLive(leg) &&
      mayWritePrivately(before, participant, world) !== mayWritePrivately(group, participant, world)
    );
  });
  if (changed !== undefined) putSession(work, world, false);
  const withdrawn = work.subscriptions.filter(
    ({ event, participant }) =>
      event === 'conference' && !mayWatch(group, work.participants.get(participant), world),
  );
  for (const subscription of withdrawn) terminateSubscription(work, world, subscription, 'rejected');
  if (withdrawn.length > 0)
    trace.note('7.2.2.11', 'subscriptions of who may not watch any more end', done(`${withdrawn.length}`));
  trace.note('7.2.2', 'the running session goes by the new document', done(group.uri));
  return concluded(world, HEADING, work, trace);
}

/** R-7.2.1.12-4, asked once more. */
function mayWatch(group: GroupDocument, participant: ParticipantRow | undefined, { nowMs }: World): boolean {
  if (participant === undefined) return false;
  const { address, keys } = participant;
  return rightsIn(group, { addresses: [address, ...keys], keys, primary: address }, nowMs).rights
    .conferenceState;
}

/** Both were made by the same reader (one was in the store since), so the same content is the same text. */
function isSame(one: GroupDocument | undefined, other: GroupDocument): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
