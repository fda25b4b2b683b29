/** Decisions after a restart or a lost Kamailio: what of unknown fate is done again, under a name of its own. */
import { closeDecision } from './closing.ts';
import type { Dialog } from './conference.ts';
import type { Decision } from './decide.ts';
import { concluded, run } from './decide.ts';
import { decideAskAgain } from './decide-modification.ts';
import { type Effect, STAGE } from './decision.ts';
import { inviterOf, inviteUser } from './invitation.ts';
import { legIsOver } from './leg-end.ts';
import { notifyNow } from './notification.ts';
import { done, Trace } from './procedure.ts';
import { inviteeFails } from './procedures/invitee-failures.ts';
import { noteReleasePolicy, release, sendBye } from './removal.ts';
import { dropLegs, putLegs } from './user-plane.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

type RequestEffect = Extract<Effect, { readonly kind: 'request' }>;

const HEADING = { clause: 'recovery', name: 'After a restart' } as const;

/** An invitation of unknown fate: the old INVITE is cancelled, a new one leaves with a new Call-ID. */
export function decideReinvite(world: World, conferenceId: string, legId: string): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const leg = conference?.legs.get(legId);
  if (leg?.asked !== undefined) return decideAskAgain(world, conferenceId, legId);
  if (conference === undefined || leg?.state !== 'inviting') return undefined;
  const work = Work.on(conference);
  const participant = work.participants.get(leg.participant);
  if (participant === undefined) return undefined;
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
  const again = inviteUser(work, world, {
    participant,
    uri: dialog.remoteTarget,
    inviter: inviterOf(work, leg),
    kam: dialog.kam,
    replaces: leg.replaces,
  });
  putLegs(work, world, [again], true);
  // Who referred to the user is told of the new invitation.
  for (const row of work.subscriptions.filter(({ outcomes }) => outcomes !== undefined)) {
    const outcomes = row.outcomes?.map((one) => (one.leg === leg.id ? { ...one, leg: again.id } : one)) ?? [];
    work.subscriptions.put({ ...row, outcomes });
  }
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
  effect: RequestEffect,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  if (conference === undefined || effect.of.row === 'none') return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  if (effect.of.row === 'subscription') {
    const subscription = work.subscriptions.get(effect.of.id);
    if (subscription?.event === 'conference') notifyNow(work, world, subscription);
    else if (!repeatProgress(work, effect)) return undefined;
  } else {
    const leg = work.legs.get(effect.of.id);
    if (leg?.asked?.cseq === effect.cseq) return decideAskAgain(world, conferenceId, leg.id);
    if (effect.method !== 'BYE' || leg?.state !== 'leaving') return undefined;
    sendBye(work, world, trace, leg, {
      method: leg.leaveAs ?? 'departed',
      reason: leg.endReason ?? 'removed',
    });
  }
  trace.note('recovery', 'of unknown fate: sent again with the next CSeq', done(effect.method));
  return concluded(world, HEADING, work, trace);
}

/** A 2xx has left only now: the time for its ACK begins (RFC 3261 section 13.3.1.4), not with the decision before the restart. */
export function decideAnsweredLate(world: World, conferenceId: string, legId: string): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const leg = conference?.legs.get(legId);
  if (conference === undefined || leg?.deadlines.ack === undefined) return undefined;
  const work = Work.on(conference);
  const ack = world.nowMs + 64 * world.settings.t1Ms;
  work.legs.put({ ...leg, deadlines: { ...leg.deadlines, ack } });
  const trace = new Trace();
  trace.note(
    'RFC3261-13.3.1.4',
    'the answer has left now: its ACK has time from here on',
    done(leg.dialog.callId),
  );
  return concluded(world, HEADING, work, trace);
}

/**
 * The progress of a REFER, word for word. It may share the dialog of a leg, whose CSeq then counts: the leg's next
 * request must not have the same. @returns false when its dialog is over
 */
function repeatProgress(work: Work, effect: RequestEffect): boolean {
  const isOurs = ({ dialog }: { readonly dialog: Dialog }) =>
    dialog.callId === effect.callId &&
    effect.headers.some(([, value]) => value.endsWith(`;tag=${dialog.localTag}`));
  const leg = work.legs.find((row) => (row.state === 'connected' || row.state === 'leaving') && isOurs(row));
  const subscription = work.subscriptions.find((row) => row.sharedLeg === undefined && isOurs(row));
  const row = leg ?? subscription;
  if (row === undefined) return false;
  const cseq = Math.max(row.dialog.localCSeq, effect.cseq) + 1;
  const dialog = { ...row.dialog, localCSeq: cseq };
  if (leg !== undefined) work.legs.put({ ...leg, dialog });
  else if (subscription !== undefined) work.subscriptions.put({ ...subscription, dialog });
  const headers = effect.headers.map((line) =>
    line[0] === 'CSeq' ? (['CSeq', `${cseq} ${effect.method}`] as const) : line,
  );
  work.effect({ ...effect, cseq, headers });
  return true;
}

/** After a start of Kamailio: its clients may have to connect first. */
const ASK_AGAIN_MS = 2_000;

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
  // What we asked of standing legs is asked again, once the new one runs.
  const asking = work.legs.find(
    ({ state, asked, dialog }) => state === 'connected' && asked !== undefined && dialog.kam === kam,
  );
  if (asking !== undefined && lost.length === 0)
    return decideAskAgain(world, conferenceId, asking.id, ASK_AGAIN_MS);
  // INVITEs of ours died with it too: what they would have brought will never come.
  const pending = work.legs.find(
    ({ state, dialog, kamEpoch }) => state === 'inviting' && dialog.kam === kam && kamEpoch !== epoch,
  );
  if (pending !== undefined && lost.length === 0) {
    const turn = {
      world,
      work,
      trace,
      leg: pending,
      response: { status: 503, reason: 'Kamailio was restarted' },
    };
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
