/** 7.2.1.9 Removing a participant: the BYE, and what its response does. 7.2.2.8 Session release. */
import { isLive, type LegRow, type ParticipantRow } from './conference.ts';
import { type Effect, type HeaderLine, STAGE } from './decision.ts';
import { inDialog } from './dialogs.ts';
import { endSubscriptionsOfLeaver, legIsOver, participantLeaves, releaseMedia } from './leg-end.ts';
import { judgeRelease } from './policy/release.ts';
import { done, runSteps, type Step, skip, step, type Trace } from './procedure.ts';
import { serverHeader, warningHeader } from './responses.ts';
import type { LegTurn } from './turn.ts';
import { silenceLegs } from './user-plane.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** 64·T1 of RFC 3261 and a little, in T1: by then tm has given up on a BYE. */
const BYE_TIMEOUT_T1 = 68;

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
  if (work.participants.get(participant.id)?.isExpelled === true) silence(work, world, trace, participant);
}

/** RFC 3261 section 15.1.1: with the BYE on its way there is no session to listen to, answered or not. */
function silence(work: Work, world: World, trace: Trace, { id, address }: ParticipantRow): void {
  const legs = work.legs.filter(
    ({ participant, state, byeCSeq }) => participant === id && state === 'leaving' && byeCSeq !== undefined,
  );
  if (legs.length === 0) return;
  silenceLegs(work, world, legs);
  trace.note('RFC3261-15.1.1', 'who is expelled is not heard while the BYE is out', done(address));
}

interface ByeTurn extends LegTurn {
  readonly removal: Removal;
  bye: Extract<Effect, { readonly kind: 'request' }> | undefined;
}

const byeSteps: readonly Step<ByeTurn>[] = [
  step('R-7.2.1.9-1', 'build a BYE', (turn) => {
    const { work, world, leg, removal } = turn;
    const cseq = leg.dialog.localCSeq + 1;
    const request = inDialog(leg.dialog, 'BYE', cseq);
    const headers: HeaderLine[] = [
      ...request.headers,
      ['Reason', `SIP;cause=200;text="${removal.reason}"`],
      ['User-Agent', world.settings.release],
    ];
    turn.bye = {
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
    };
    return done(`for ${whoseLeg(work, leg)}: ${removal.reason}`);
  }),
  step('R-7.2.1.9-2', 'send it to the participant', ({ work, world, trace, leg, removal, bye }) => {
    if (bye === undefined) return skip('there is no BYE');
    work.legs.put({
      ...leg,
      state: 'leaving',
      byeCSeq: bye.cseq,
      leaveAs: removal.method,
      endReason: removal.reason,
      dialog: { ...leg.dialog, localCSeq: bye.cseq },
      deadlines: { bye: world.nowMs + BYE_TIMEOUT_T1 * world.settings.t1Ms },
    });
    work.effect(bye);
    const { routeSet } = leg.dialog;
    if (routeSet.length > 0)
      trace.note('R-7.2.1.9-ims', 'it takes the route set of the dialog (A-50)', done(routeSet.join(', ')));
    return done(`CSeq ${bye.cseq} in dialog ${bye.callId}`);
  }),
];

/** The leg is over when the BYE's response or its time-out comes: procedures/removed.ts. */
export function sendBye(work: Work, world: World, trace: Trace, leg: LegRow, removal: Removal): void {
  if (awaitsFirstAck(leg, world)) holdBye(work, world, trace, leg, removal);
  else runSteps(byeSteps, { work, world, trace, leg, removal, bye: undefined }, trace);
}

/** Their INVITE has our 2xx, whose ACK has not come and may still come. */
function awaitsFirstAck({ origin, isConfirmed, deadlines }: LegRow, { nowMs }: World): boolean {
  return (
    origin === 'incoming' && isConfirmed !== true && deadlines.ack !== undefined && deadlines.ack > nowMs
  );
}

/** The BYE leaves with the ACK or its time-out; nobody else has to wait for that. */
function holdBye(work: Work, world: World, trace: Trace, leg: LegRow, removal: Removal): void {
  const { method: leaveAs, reason: endReason } = removal;
  const { ack } = leg.deadlines;
  const held = work.legs.put({
    ...leg,
    state: 'leaving',
    hasLeft: true,
    leaveAs,
    endReason,
    deadlines: ack === undefined ? {} : { ack },
  });
  releaseMedia(work, held);
  if (participantLeaves(work, leg, removal)) endSubscriptionsOfLeaver(work, world, leg);
  trace.note(
    'RFC3261-15',
    'no BYE before the ACK of our 200',
    done(`${whoseLeg(work, leg)} has left for everybody; the BYE waits for the ACK (${endReason})`),
  );
}

/** The ACK has come, or will not come any more. */
export function sendHeldBye(work: Work, world: World, trace: Trace, leg: LegRow): void {
  const { ack: _, ...deadlines } = leg.deadlines;
  const removal = { method: leg.leaveAs ?? 'departed', reason: leg.endReason ?? 'removed' } as const;
  sendBye(work, world, trace, { ...leg, deadlines }, removal);
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
  trace.note('RFC3261-9.1', 'CANCEL the pending invitation', done(whoseLeg(work, leg)));
  legIsOver(work, world, leg, removal);
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
  trace.note('RFC3261-21.4.18', 'the INVITE that still waits is refused', done(whoseLeg(work, leg)));
  legIsOver(work, world, leg, removal);
}

export function whoseLeg(work: Work, leg: LegRow): string {
  return work.participants.get(leg.participant)?.address ?? leg.id;
}

/** R-7.2.1.10-3 (and A-43: after any removal). Evaluated once; removing the rest does not ask again. @returns what was found */
export function applyReleasePolicy(work: Work, world: World, trace: Trace): string {
  if (work.row.phase === 'forming') {
    if (mayComeAbout(work)) return 'the session is being set up';
    release(work, world, trace, 'the session cannot come about any more');
    return 'nobody waits, or nobody could come: the session is given up';
  }
  if (work.row.phase !== 'active') return 'the session is ending already';
  const { found, reason } = judgeRelease(work, world);
  if (reason === undefined) return `${found}: the session goes on`;
  release(work, world, trace, reason);
  return `${found}: the session is released`;
}

/** Who set it up still waits for an answer, and somebody may bring it. */
function mayComeAbout(work: Work): boolean {
  const { initiator } = work.row;
  return (
    work.legs.find((leg) => leg.participant === initiator && leg.state === 'offered') !== undefined &&
    work.legs.find((leg) => leg.participant !== initiator && isLive(leg)) !== undefined
  );
}

/** The same, noted in the trace: for removals that no step of a clause goes on from. */
export function noteReleasePolicy(work: Work, world: World, trace: Trace): void {
  runSteps([releaseAfterRemoval], { work, world, trace }, trace);
}

/** every removal asks for the release policy, not only those of .8 and .10 whose text says so. */
export const releaseAfterRemoval: Step<Pick<LegTurn, 'work' | 'world' | 'trace'>> = step(
  'A-43',
  'release policy (7.2.2.8)',
  ({ work, world, trace }) => done(applyReleasePolicy(work, world, trace)),
);

/** Removes everybody who is still there. */
export function release(work: Work, world: World, trace: Trace, reason: string): void {
  const { groupKey: _, ...row } = work.row;
  // The group is free at once for a new session: only one may run, and this one takes nobody in any more.
  work.row = { ...row, phase: 'ending', endReason: reason };
  for (const participant of work.participants.filter(() => true)) {
    removeParticipant(work, world, trace, participant, { method: 'departed', reason });
  }
}
