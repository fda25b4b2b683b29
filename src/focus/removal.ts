/** 7.2.1.9 Removing a participant, what follows when a leg is over, and 7.2.2.8 release. */
import { isLive, type LegRow, type ParticipantRow } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { inDialog } from './dialogs.ts';
import { terminateSubscription } from './notification.ts';
import { minimumParticipants } from './policy/release.ts';
import { done, type Trace } from './procedure.ts';
import { tellReferrers } from './refer-subscription.ts';
import { serverHeader, warningHeader } from './responses.ts';
import { dropLegs } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** 64·T1 of RFC 3261 and a little: by then tm has given up on a BYE. */
const BYE_TIMEOUT_MS = 34_000;

export interface Removal {
  readonly method: 'departed' | 'booted' | 'failed';
  readonly reason: string;
}

/** Ends every leg of the participant in the way its state asks for. */
export function removeParticipant(
  work: Work,
  world: World,
  trace: Trace,
  participant: ParticipantRow,
  removal: Removal,
): void {
  for (const leg of work.legs.filter((row) => row.participant === participant.id && isLive(row))) {
    if (leg.state === 'connected') sendBye(work, world, trace, leg, removal);
    else if (leg.state === 'inviting') cancelInvitation(work, world, trace, leg, removal);
    else refusePending(work, world, trace, leg, removal);
  }
}

/** R-7.2.1.9-1 and -2. The leg is over when the BYE's response or its time-out comes. */
export function sendBye(work: Work, world: World, trace: Trace, leg: LegRow, removal: Removal): void {
  const cseq = leg.dialog.localCSeq + 1;
  const request = inDialog(leg.dialog, 'BYE', cseq);
  work.legs.put({
    ...leg,
    state: 'leaving',
    byeCSeq: cseq,
    leaveAs: removal.method,
    endReason: removal.reason,
    dialog: { ...leg.dialog, localCSeq: cseq },
    deadlines: { bye: world.nowMs + BYE_TIMEOUT_MS },
  });
  const headers: HeaderLine[] = [
    ...request.headers,
    ['Reason', `SIP;cause=200;text="${removal.reason}"`],
    ['User-Agent', world.settings.release],
  ];
  work.effect({
    stage: STAGE.requests,
    kind: 'request',
    method: 'BYE',
    callId: leg.dialog.callId,
    cseq,
    of: { row: 'leg', id: leg.id },
    kam: leg.dialog.kam,
    requestUri: request.requestUri,
    nextHop: request.nextHop,
    headers,
  });
  const who = work.participants.get(leg.participant)?.address ?? leg.id;
  trace.note('R-7.2.1.9-1', 'build a BYE', done(`for ${who}: ${removal.reason}`));
  trace.note(
    'R-7.2.1.9-2',
    'send it to the participant',
    done(`CSeq ${cseq} in dialog ${leg.dialog.callId}`),
  );
}

function cancelInvitation(work: Work, world: World, trace: Trace, leg: LegRow, removal: Removal): void {
  work.effect({
    stage: STAGE.requests,
    kind: 'cancel',
    callId: leg.dialog.callId,
    cseq: leg.dialog.localCSeq,
    kam: leg.dialog.kam,
    leg: leg.id,
  });
  trace.note(
    'RFC3261-9.1',
    'CANCEL the pending invitation',
    done(work.participants.get(leg.participant)?.address ?? leg.id),
  );
  legIsOver(work, world, leg, { method: removal.method, reason: removal.reason });
}

/** Their INVITE was waiting for an answer that now cannot come. */
function refusePending(work: Work, world: World, trace: Trace, leg: LegRow, removal: Removal): void {
  if (leg.transaction !== undefined) {
    work.effect({
      stage: STAGE.reply,
      kind: 'reply',
      transaction: leg.transaction,
      leg: leg.id,
      reply: {
        code: 480,
        reason: 'Temporarily Unavailable',
        toTag: leg.dialog.localTag,
        headers: [warningHeader(world.settings, removal.reason), serverHeader(world.settings)],
      },
    });
  }
  legIsOver(work, world, leg, removal);
}

export interface LegEnd {
  readonly method: 'departed' | 'booted' | 'failed' | 'busy';
  readonly reason?: string;
}

/**
 * The dialog of a leg is over, whoever ended it: its MSRP resources are released, its participant has left when
 * this was the last leg, and that participant's own subscriptions end, because only participants may have one.
 */
export function legIsOver(work: Work, world: World, leg: LegRow, end: LegEnd): void {
  const { transaction: _, ...rest } = leg;
  work.legs.put({
    ...rest,
    state: 'ended',
    deadlines: {},
    ...(end.reason === undefined ? {} : { endReason: end.reason }),
  });
  dropLegs(work, [leg.id]);
  tellReferrers(work, world, leg.id, { status: 487, reason: 'Request Terminated' });
  const participant = work.participants.get(leg.participant);
  if (participant === undefined) return;
  const hasOtherLeg = work.legs.find(
    (other) => other.participant === participant.id && (isLive(other) || other.state === 'leaving'),
  );
  if (hasOtherLeg !== undefined) return;
  const wasConnected = participant.presence === 'connected';
  work.participants.put({
    ...participant,
    presence: 'disconnected',
    left: { method: end.method, ...(end.reason === undefined ? {} : { reason: end.reason }) },
  });
  work.rosterChanged();
  work.event({
    kind: wasConnected ? 'participant-left' : 'invitation-failed',
    session: work.row.id,
    participant: participant.address,
    ...(end.reason === undefined ? {} : { reason: end.reason }),
  });
  for (const subscription of work.subscriptions.filter(
    ({ participant: subscriber, event }) => subscriber === participant.id && event === 'conference',
  )) {
    terminateSubscription(work, world, subscription, 'noresource');
  }
}

/** R-7.2.1.10-3 (and A-43: after any removal). Evaluated once; removing the rest does not ask again. @returns what was found */
export function applyReleasePolicy(work: Work, world: World, trace: Trace): string {
  if (work.row.phase !== 'active') return 'the session is ending already';
  const minimum = minimumParticipants(work.row, world.settings.releasePolicy);
  const present = work.participants.filter(
    (participant) =>
      participant.role === 'user' &&
      work.legs.find((leg) => leg.participant === participant.id && isLive(leg)) !== undefined,
  ).length;
  const found = `present: ${present}, at least ${minimum} needed`;
  if (present >= minimum) return `${found}: the session goes on`;
  release(work, world, trace, 'the session is released: too few participants remain');
  return `${found}: the session is released`;
}

/** The same, noted in the trace: for removals that no step of a clause goes on from. */
export function noteReleasePolicy(work: Work, world: World, trace: Trace): void {
  trace.note('R-7.2.1.10-3', 'release policy (7.2.2.8)', done(applyReleasePolicy(work, world, trace)));
}

/** Removes everybody who is still there. */
export function release(work: Work, world: World, trace: Trace, reason: string): void {
  const { groupKey: _, ...row } = work.row;
  // The group is free at once for a new session: only one may run, and this one takes nobody in any more.
  work.row = { ...row, phase: 'ending', endReason: reason };
  for (const participant of work.participants.filter(() => true)) {
    removeParticipant(work, world, trace, participant, { method: 'departed', reason });
  }
}
