/** What the end of a leg brings, part by part: clauses that end one name each part as a step of its own. */
import { isLive, type LegRow, type ParticipantRow } from './conference.ts';
import { terminateSubscription } from './notification.ts';
import { tellReferrers } from './refer-subscription.ts';
import { dropLegs } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export interface LegEnd {
  readonly method: 'departed' | 'booted' | 'failed' | 'busy';
  readonly reason?: string;
}

/** The dialog is over, whoever ended it; who referred to this leg and was told nothing else hears 487. */
export function endDialog(work: Work, world: World, leg: LegRow, { reason }: LegEnd): void {
  const { transaction: _, ...rest } = leg;
  const endReason = reason === undefined ? {} : { endReason: reason };
  work.legs.put({ ...rest, state: 'ended', deadlines: {}, ...endReason });
  tellReferrers(work, world, leg.id, { status: 487, reason: 'Request Terminated' });
}

/** The switch delivers nothing more to the leg and takes nothing from it. */
export function releaseMedia(work: Work, leg: LegRow): void {
  dropLegs(work, [leg.id]);
}

/** The roster shows the participant as gone. @returns false when another leg of theirs goes on, or it does already */
export function participantLeaves(work: Work, leg: LegRow, { method, reason }: LegEnd): boolean {
  const participant = work.participants.get(leg.participant);
  if (participant === undefined || leg.hasLeft === true || hasOtherLeg(work, leg)) return false;
  const why = reason === undefined ? {} : { reason };
  work.participants.put({ ...participant, presence: 'disconnected', left: { method, ...why } });
  work.rosterChanged();
  work.event({
    kind: participant.presence === 'connected' ? 'participant-left' : 'invitation-failed',
    session: work.row.id,
    participant: participant.address,
    ...why,
  });
  return true;
}

/** Only participants may have a subscription (7.2.2.11): those of who has left end. @returns how many */
export function endSubscriptionsOfLeaver(work: Work, world: World, leg: LegRow): number {
  const participant = work.participants.get(leg.participant);
  return participant === undefined || hasOtherLeg(work, leg)
    ? 0
    : endSubscriptionsOf(work, world, participant);
}

/** @returns how many */
export function endSubscriptionsOf(work: Work, world: World, { id }: ParticipantRow): number {
  const theirs = work.subscriptions.filter(
    ({ participant, event }) => participant === id && event === 'conference',
  );
  for (const subscription of theirs) terminateSubscription(work, world, subscription, 'noresource');
  return theirs.length;
}

/** All of it, where no clause asks for the parts one by one. */
export function legIsOver(work: Work, world: World, leg: LegRow, end: LegEnd): void {
  endDialog(work, world, leg, end);
  releaseMedia(work, leg);
  if (participantLeaves(work, leg, end)) endSubscriptionsOfLeaver(work, world, leg);
}

function hasOtherLeg(work: Work, { id, participant }: LegRow): boolean {
  return (
    work.legs.find(
      (leg) =>
        leg.id !== id &&
        leg.participant === participant &&
        (isLive(leg) || (leg.state === 'leaving' && leg.hasLeft !== true)),
    ) !== undefined
  );
}
