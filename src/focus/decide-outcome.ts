/** Decisions on what comes back: responses to our requests, ACKs, deadlines, and effects that failed. */
import { header, type SipRequest, type SipResponse } from '../sip/message.ts';
import { parseNameAddr, tagOf } from '../sip/name-addr.ts';
import { parseWarning } from '../sip/warning.ts';
import type { LegRow, SubscriptionRow } from './conference.ts';
import { concluded, type Decision, findDialog, run } from './decide.ts';
import { type Effect, refusal, STAGE, type Stage } from './decision.ts';
import { cseqMethod, cseqNumber, dialogFromResponse, inDialog } from './dialogs.ts';
import { peerMediaFromAnswer } from './media.ts';
import { notifyNow, terminateSubscription } from './notification.ts';
import { done, Trace } from './procedure.ts';
import { answerOfFork, inviteeAnswers, inviteeFails, inviteeRings } from './procedures/invitee-responses.ts';
import { abandonReferSubscription, tellReferrers } from './refer-subscription.ts';
import { legIsOver, noteReleasePolicy, release, sendBye } from './removal.ts';
import { replyToRefusal } from './responses.ts';
import { putLegs } from './user-plane.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

/** A response to a request of ours; undefined when it changes nothing. */
export function decideResponse(world: World, response: SipResponse): Decision | undefined {
  const callId = header(response, 'call-id') ?? '';
  const found = findDialog(world, callId, tagOf(header(response, 'from') ?? '') ?? '', undefined);
  const method = cseqMethod(response);
  if (found === undefined || (found.row === 'leg' && found.leg.state === 'ended')) {
    // An answer after the session is over: tm has ACKed it, and nobody here wants the dialog.
    return method === 'INVITE' && isSuccess(response)
      ? endStray(response, found?.row === 'leg' ? found.leg : undefined)
      : undefined;
  }
  const work = Work.on(found.conference);
  const trace = new Trace();
  if (found.row === 'subscription') {
    return method === 'NOTIFY'
      ? notifyAnswered(world, work, trace, found.subscription, response.status)
      : undefined;
  }
  const { leg } = found;
  if (method === 'BYE') return byeAnswered(world, work, trace, leg, response);
  if (method !== 'INVITE') return undefined;
  const turn = { world, work, trace, leg, response };
  if (leg.state === 'inviting') {
    if (response.status < 200) return run(world, inviteeRings, turn, '');
    if (isSuccess(response)) return run(world, inviteeAnswers(work.row), turn, '');
    return run(
      world,
      inviteeFails(work.row),
      { ...turn, status: response.status, reason: response.reason, ...warningOf(response) },
      '',
    );
  }
  return isSuccess(response) && answerOfFork(turn) ? endFork(response, leg) : undefined;
}

/** The text that the referrer is told: `isfocus already assigned` of an invitee that is a focus itself. */
function warningOf(response: SipResponse): { readonly warning?: string } {
  const value = header(response, 'warning');
  if (value === undefined) return {};
  try {
    return { warning: parseWarning(value).text };
  } catch {
    return {};
  }
}

function isSuccess(response: SipResponse): boolean {
  return response.status >= 200 && response.status < 300;
}

/** Another fork answered too: its dialog is ACKed with its own tag (tm uses the first one's) and ended. */
function endFork(response: SipResponse, leg: LegRow): Decision {
  const dialog = { ...dialogFromResponse(leg.dialog, response), localCSeq: 1 };
  const ack = inDialog(dialog, 'ACK', 1);
  const bye = inDialog(dialog, 'BYE', 2);
  const effect = (method: string, stage: Stage, cseq: number, request: typeof ack): Effect => ({
    stage,
    kind: 'request',
    method,
    callId: dialog.callId,
    cseq,
    of: { row: 'none' },
    kam: dialog.kam,
    ...request,
  });
  return {
    clause: 'RFC3261-13.2.2.4',
    procedure: 'A second fork has answered',
    trace: [
      {
        id: 'RFC3261-13.2.2.4',
        title: 'one dialog for each invitation',
        verdict: 'done',
        found: `ACK and BYE to fork ${dialog.remoteTag}`,
      },
    ],
    looseEffects: [effect('ACK', STAGE.reply, 1, ack), effect('BYE', STAGE.requests, 2, bye)],
  };
}

/** A 2xx to an INVITE whose leg is over (cancelled, timed out, session ended): BYE. */
function endStray(response: SipResponse, leg: LegRow | undefined): Decision {
  const from = parseNameAddr(header(response, 'from') ?? '');
  const to = parseNameAddr(header(response, 'to') ?? '');
  const base = leg?.dialog ?? {
    callId: header(response, 'call-id') ?? '',
    localTag: from.params.get('tag') ?? '',
    remoteTag: '',
    localUri: from.uri,
    remoteUri: to.uri,
    remoteTarget: to.uri,
    routeSet: [],
    localCSeq: 1,
    kam: '',
  };
  const dialog = dialogFromResponse(base, response);
  const cseq = Math.max(2, cseqNumber(response) + 1);
  return {
    clause: 'RFC3261-15',
    procedure: 'An answer after the session ended',
    trace: [
      {
        id: 'RFC3261-15',
        title: 'end the dialog that nobody wants',
        verdict: 'done',
        found: `BYE to ${dialog.remoteTarget}`,
      },
    ],
    looseEffects: [
      {
        stage: STAGE.requests,
        kind: 'request',
        method: 'BYE',
        callId: dialog.callId,
        cseq,
        of: { row: 'none' },
        kam: dialog.kam,
        ...inDialog(dialog, 'BYE', cseq),
      },
    ],
  };
}

/** any final response ends the dialog. */
function byeAnswered(
  world: World,
  work: Work,
  trace: Trace,
  leg: LegRow,
  response: SipResponse,
): Decision | undefined {
  if (leg.state !== 'leaving' || response.status < 200 || cseqNumber(response) !== leg.byeCSeq)
    return undefined;
  tellReferrers(work, world, leg.id, response);
  return legLeft(world, work, trace, leg, `${response.status} to the BYE`);
}

function legLeft(world: World, work: Work, trace: Trace, leg: LegRow, found: string): Decision {
  legIsOver(work, world, leg, {
    method: leg.leaveAs ?? 'departed',
    ...(leg.endReason === undefined ? {} : { reason: leg.endReason }),
  });
  const who = work.participants.get(leg.participant)?.address ?? leg.id;
  trace.note('R-7.2.1.9-ok-1', 'release the MSRP resources of the leg', done(`${found}: leg of ${who}`));
  trace.note('R-7.2.1.9-ok-2', 'notify conference subscribers that a user left', done('R-7.2.1.9-ok-3'));
  noteReleasePolicy(work, world, trace);
  return concluded(world, { clause: '7.2.1.9', name: 'Removing a participant' }, work, trace);
}

/** RFC 6665 section 4.2.2: the subscriber is gone, or has forgotten the subscription. */
function notifyAnswered(
  world: World,
  work: Work,
  trace: Trace,
  subscription: SubscriptionRow,
  status: number,
): Decision | undefined {
  if (status < 300 || status === 491 || status === 500 || status === 503) return undefined;
  work.subscriptions.delete(subscription.id);
  trace.note('7.2.2.10', 'the NOTIFY was refused: the subscription is dropped', done(String(status)));
  return concluded(world, { clause: '7.2.2.10', name: 'Generating a NOTIFY' }, work, trace);
}

/** ACK of a 2xx of ours, perhaps with the answer to our offer; undefined when it changes nothing. */
export function decideAck(world: World, request: SipRequest): Decision | undefined {
  const callId = header(request, 'call-id') ?? '';
  const found = findDialog(world, callId, tagOf(header(request, 'to') ?? '') ?? '', undefined);
  if (found?.row !== 'leg' || found.leg.deadlines.ack === undefined) return undefined;
  const work = Work.on(found.conference);
  const trace = new Trace();
  const { ack: _, ...deadlines } = found.leg.deadlines;
  const leg = work.legs.put({ ...found.leg, deadlines, isConfirmed: true });
  trace.note('R-7.2.1.1-1', 'the 200 is acknowledged', done(callId));
  if (header(request, 'content-type')?.toLowerCase().startsWith('application/sdp') === true) {
    const text = request.body.toString('utf8');
    const media = peerMediaFromAnswer(text);
    if (media !== undefined) putLegs(work, [work.legs.put({ ...leg, media, remoteSdp: text })], false);
  }
  return concluded(world, { clause: '7.2.1.1', name: 'ACK' }, work, trace);
}

export type DeadlineName = 'invite' | 'ack' | 'session' | 'bye' | 'expiry' | 'notify';

/** A deadline of a row has passed; undefined when the row has moved on since. */
export function decideDeadline(
  world: World,
  at: {
    readonly conference: string;
    readonly row: 'leg' | 'subscription';
    readonly id: string;
    readonly name: DeadlineName;
  },
): Decision | undefined {
  const conference = world.findConference(at.conference);
  if (conference === undefined) return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  if (at.row === 'subscription') return subscriptionDeadline(world, work, trace, at.id, at.name);
  const leg = work.legs.get(at.id);
  const dueMs = leg?.deadlines[at.name as 'invite' | 'ack' | 'session' | 'bye'];
  if (leg === undefined || dueMs === undefined || dueMs > world.nowMs) return undefined;
  switch (at.name) {
    case 'invite': {
      work.effect({
        stage: STAGE.requests,
        kind: 'cancel',
        callId: leg.dialog.callId,
        cseq: leg.dialog.localCSeq,
        kam: leg.dialog.kam,
        leg: leg.id,
      });
      return run(
        world,
        inviteeFails(work.row),
        { world, work, trace, leg, status: 408, reason: 'no answer in time' },
        '',
      );
    }
    case 'ack':
      sendBye(work, world, trace, leg, { method: 'failed', reason: 'the 200 was not acknowledged' });
      return concluded(world, { clause: '7.2.1.9', name: 'No ACK came' }, work, trace);
    case 'session':
      trace.note(
        'R-7.2.1.11-exp',
        'the session timer expired',
        done(`not refreshed within ${leg.expiresS} s`),
      );
      sendBye(work, world, trace, leg, { method: 'booted', reason: 'the session timer expired' });
      return concluded(world, { clause: '7.2.1.11', name: 'Session expiry' }, work, trace);
    case 'bye':
      return legLeft(world, work, trace, leg, 'no response to the BYE in time');
    default:
      return undefined;
  }
}

function subscriptionDeadline(
  world: World,
  work: Work,
  trace: Trace,
  id: string,
  name: DeadlineName,
): Decision | undefined {
  const subscription = work.subscriptions.get(id);
  if (subscription === undefined) return undefined;
  if (subscription.event === 'refer') {
    abandonReferSubscription(work, world, subscription);
    trace.note('7.2.2.10', 'the subscription of a REFER has expired', done('terminated'));
    return concluded(world, { clause: '7.2.2.10', name: 'Expiry of a subscription' }, work, trace);
  }
  if (name === 'notify') {
    if ((subscription.deadlines.notify ?? Number.POSITIVE_INFINITY) > world.nowMs) return undefined;
    notifyNow(work, world, subscription);
    trace.note(
      'R-7.2.1.12-chg',
      'notify of the changes since the last NOTIFY',
      done(`version ${subscription.version + 1}`),
    );
    return concluded(world, { clause: '7.2.1.12', name: 'Change of the conference state' }, work, trace);
  }
  if ((subscription.deadlines.expiry ?? Number.POSITIVE_INFINITY) > world.nowMs) return undefined;
  terminateSubscription(work, world, subscription, 'timeout');
  trace.note('R-7.2.1.12-term', 'the subscription has expired', done('NOTIFY terminated;reason=timeout'));
  return concluded(world, { clause: '7.2.1.12', name: 'Expiry of a subscription' }, work, trace);
}

/** A gate failed (the switch refused or is silent): what waited behind it never leaves, so it is undone. */
export function decideGateFailure(
  world: World,
  conferenceId: string,
  dropped: readonly Effect[],
  why: string,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  if (conference === undefined) return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  trace.note('7.2.3', 'the switch takes the legs', { verdict: 'stop', found: why });
  const unavailable = refusal(
    503,
    'Service Unavailable',
    `the message switch did not take the session: ${why}`,
    [['Retry-After', '5']],
  );
  for (const effect of dropped) {
    if (effect.kind === 'reply' && effect.leg !== undefined) {
      const leg = work.legs.get(effect.leg);
      if (leg === undefined || leg.state === 'ended') continue;
      const reply = replyToRefusal(world.settings, unavailable, leg.dialog.localTag);
      work.effect({ stage: STAGE.reply, kind: 'reply', transaction: effect.transaction, leg: leg.id, reply });
      endLeg(work, world, trace, leg, 'the message switch did not take the change', why);
    } else if (effect.kind === 'cancel') work.effect(effect);
    else if (effect.kind === 'request' && effect.method === 'INVITE' && effect.of.row === 'leg') {
      const leg = work.legs.get(effect.of.id);
      if (leg?.state === 'inviting') {
        work.legs.put({ ...leg, failureCode: 503 });
        legIsOver(work, world, { ...leg, failureCode: 503 }, { method: 'failed', reason: why });
      }
    }
  }
  if (work.row.phase === 'forming') {
    for (const leg of work.legs.filter((row) => row.state === 'offered')) {
      if (leg.transaction !== undefined) {
        const reply = replyToRefusal(world.settings, unavailable, leg.dialog.localTag);
        work.effect({ stage: STAGE.reply, kind: 'reply', transaction: leg.transaction, leg: leg.id, reply });
      }
      const { transaction: _, ...answered } = leg;
      legIsOver(work, world, answered, { method: 'failed', reason: why });
    }
    release(work, world, trace, why);
  } else noteReleasePolicy(work, world, trace);
  return concluded(world, { clause: '7.2.3', name: 'The switch did not take the session' }, work, trace);
}

/** A peer that holds the dialog (this was about a re-INVITE) is sent a BYE; one whose first INVITE failed holds none. */
function endLeg(
  work: Work,
  world: World,
  trace: Trace,
  leg: LegRow,
  whyConfirmed: string,
  whyNot: string,
): void {
  if (leg.origin === 'incoming' && leg.isConfirmed !== true)
    legIsOver(work, world, leg, { method: 'failed', reason: whyNot });
  else if (leg.state === 'connected')
    sendBye(work, world, trace, leg, { method: 'failed', reason: whyConfirmed });
}

/** The caller of an accepted INVITE is gone: the answer found no pending transaction. */
export function decideAnswerLost(world: World, conferenceId: string, legId: string): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const leg = conference?.legs.get(legId);
  if (conference === undefined || leg?.state !== 'connected') return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  trace.note('RFC3261-13.3.1.4', 'the caller is still there', {
    verdict: 'stop',
    found: 'the INVITE is not pending any more',
  });
  endLeg(work, world, trace, leg, 'the answer could not be sent', 'the caller was gone before the answer');
  noteReleasePolicy(work, world, trace);
  return concluded(world, { clause: '7.2.1.9', name: 'The caller is gone' }, work, trace);
}

/** Kamailio did not take a request of ours. */
export function decideRequestLost(
  world: World,
  conferenceId: string,
  effect: Extract<Effect, { readonly kind: 'request' }>,
  why: string,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  if (conference === undefined) return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  trace.note('7.2.2.2', 'Kamailio takes the request', { verdict: 'stop', found: `${effect.method}: ${why}` });
  if (effect.of.row === 'leg') {
    const leg = work.legs.get(effect.of.id);
    if (effect.method === 'INVITE' && leg?.state === 'inviting') {
      return run(world, inviteeFails(work.row), { world, work, trace, leg, status: 503, reason: why }, '');
    }
    // A BYE that could not leave: the deadline of the leg ends it.
    return undefined;
  }
  if (effect.of.row === 'subscription') {
    const subscription = work.subscriptions.get(effect.of.id);
    if (subscription === undefined || subscription.event === 'refer') return undefined;
    const retryMs = world.nowMs + 2_000;
    work.subscriptions.put({
      ...subscription,
      isStale: true,
      deadlines: { ...subscription.deadlines, notify: retryMs },
    });
    return concluded(world, { clause: '7.2.2.10', name: 'A NOTIFY could not leave' }, work, trace);
  }
  return undefined;
}
