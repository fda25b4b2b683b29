/** Decisions after a restart or a lost Kamailio: what of unknown fate is done again, under a name of its own. */
import { closeDecision } from './closing.ts';
import type { Decision } from './decide.ts';
import { concluded, run } from './decide.ts';
import { type Effect, STAGE } from './decision.ts';
import { inviteUser } from './invitation.ts';
import { notifyNow } from './notification.ts';
import { done, Trace } from './procedure.ts';
import { inviteeFails } from './procedures/invitee-responses.ts';
import { legIsOver, noteReleasePolicy, release, sendBye } from './removal.ts';
import { dropLegs, putLegs } from './user-plane.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

const HEADING = { clause: 'recovery', name: 'After a restart' } as const;

/** An invitation of unknown fate: the old INVITE is cancelled, a new one leaves with a new Call-ID. */
export function decideReinvite(world: World, conferenceId: string, legId: string): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const leg = conference?.legs.get(legId);
  if (conference === undefined || leg?.state !== 'inviting') return undefined;
  const work = Work.on(conference);
  const participant = work.participants.get(leg.participant);
  const inviter = work.participants.get(work.row.initiator);
  if (participant === undefined || inviter === undefined) return undefined;
  const { dialog } = leg;
  work.effect({
    stage: STAGE.reply,
    kind: 'cancel',
    callId: dialog.callId,
    cseq: dialog.localCSeq,
    kam: dialog.kam,
    leg: leg.id,
  });
  work.legs.put({ ...leg, state: 'ended', deadlines: {}, endReason: 'invited again after a restart' });
  const again = inviteUser(work, world, { participant, inviter, kam: dialog.kam });
  putLegs(work, [again], true);
  // Last, as it leaves last: the switch takes commands in the order of their revisions.
  dropLegs(work, [leg.id]);
  const trace = new Trace();
  trace.note('7.2.2.2', 'the invitation is sent again', done(participant.address));
  return concluded(world, HEADING, work, trace);
}

/** A BYE or NOTIFY of unknown fate: again with the next CSeq. */
export function decideResend(
  world: World,
  conferenceId: string,
  effect: Extract<Effect, { readonly kind: 'request' }>,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  if (conference === undefined || effect.of.row === 'none') return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  if (effect.of.row === 'subscription') {
    const subscription = work.subscriptions.get(effect.of.id);
    if (subscription === undefined || subscription.event === 'refer') return undefined;
    notifyNow(work, world, subscription);
  } else {
    const leg = work.legs.get(effect.of.id);
    if (effect.method !== 'BYE' || leg?.state !== 'leaving') return undefined;
    sendBye(work, world, trace, leg, {
      method: leg.leaveAs ?? 'departed',
      reason: leg.endReason ?? 'removed',
    });
  }
  trace.note('recovery', 'of unknown fate: sent again with the next CSeq', done(effect.method));
  return concluded(world, HEADING, work, trace);
}

/** A Kamailio was started anew: its pending transactions are gone. */
export function decideKamailioRestarted(
  world: World,
  conferenceId: string,
  kam: string,
  epoch: string,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  if (conference === undefined) return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  const lost = work.legs.filter(
    ({ state, transaction }) =>
      state === 'offered' &&
      transaction !== undefined &&
      transaction.kam === kam &&
      transaction.epoch !== epoch,
  );
  for (const leg of lost) {
    trace.note(
      'RFC3261-17',
      'the caller’s transaction is gone with the old Kamailio',
      done(leg.dialog.callId),
    );
    legIsOver(work, world, leg, { method: 'failed', reason: 'Kamailio was restarted' });
    if (work.row.phase === 'forming' && leg.participant === work.row.initiator) {
      release(work, world, trace, 'the inviter is gone');
    } else noteReleasePolicy(work, world, trace);
  }
  // INVITEs of ours died with it too: what they would have brought will never come.
  const pending = work.legs.find((leg) => leg.state === 'inviting' && leg.dialog.kam === kam);
  if (pending !== undefined && lost.length === 0) {
    const turn = { world, work, trace, leg: pending, status: 503, reason: 'Kamailio was restarted' };
    return run(world, inviteeFails(work.row), turn, '');
  }
  if (lost.length === 0) return undefined;
  closeDecision(work, world, trace);
  return {
    clause: HEADING.clause,
    procedure: 'Kamailio was restarted',
    trace: trace.steps,
    changes: work.changes(),
    conference: work.applied(),
  };
}
