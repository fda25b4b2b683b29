/** Decisions on what comes back: responses to our requests, ACKs, and deadlines. */
import { header, type SipRequest, type SipResponse } from '../sip/message.ts';
import { tagOf } from '../sip/name-addr.ts';
import { holdsBye, type LegDeadline, type LegRow, type SubscriptionRow } from './conference.ts';
import { concluded, type Decision, findDialog, run } from './decide.ts';
import { answersAsked, decideAskedAnswer, decideAskedTimeout } from './decide-modification.ts';
import { STAGE } from './decision.ts';
import { cseqMethod, cseqNumber } from './dialogs.ts';
import { inviteAgain } from './invitation.ts';
import { done, Trace } from './procedure.ts';
import { acknowledged } from './procedures/acknowledged.ts';
import { inviteeFails } from './procedures/invitee-failures.ts';
import { answerOfFork, inviteeAnswers, inviteeRings } from './procedures/invitee-responses.ts';
import { legModification } from './procedures/leg-modification.ts';
import { removed } from './procedures/removed.ts';
import { sessionExpiry } from './procedures/session-expiry.ts';
import { subscriptionDue } from './procedures/subscription-due.ts';
import { sendBye, sendHeldBye } from './removal.ts';
import { intervalAskedFor } from './session-timer.ts';
import { endFork, endStray } from './stray-answers.ts';
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
      ? endStray(world, response, found?.row === 'leg' ? found.leg : undefined)
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
  if (leg.state === 'connected' && answersAsked(leg, response))
    return decideAskedAnswer(world, work, leg, response);
  if (method !== 'INVITE') return undefined;
  const turn = { world, work, trace, leg, response };
  if (leg.state === 'inviting') {
    if (!isSuccess(response) && cseqNumber(response) !== leg.dialog.localCSeq) return undefined;
    if (response.status < 200) return run(world, inviteeRings, turn, '');
    if (isSuccess(response)) return run(world, inviteeAnswers(work.row), turn, '');
    const expiresS = intervalAskedFor(response, leg.expiresS ?? world.settings.session.expiresS);
    if (expiresS !== undefined) {
      inviteAgain(work, world, trace, leg, expiresS);
      const heading = { clause: '7.2.2.2', name: 'An invited user wants a longer interval' };
      return concluded(world, heading, work, trace);
    }
    return run(world, inviteeFails(work.row), turn, '');
  }
  return isSuccess(response) && answerOfFork(turn) ? endFork(world, response, leg) : undefined;
}

function isSuccess(response: SipResponse): boolean {
  return response.status >= 200 && response.status < 300;
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
  return run(world, removed, { world, work, trace, leg, response }, '');
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

/** ACK of a 2xx of ours, perhaps with the answer to our offer; undefined when nothing waits for this one. */
export function decideAck(world: World, request: SipRequest): Decision | undefined {
  const callId = header(request, 'call-id') ?? '';
  const found = findDialog(world, callId, tagOf(header(request, 'to') ?? '') ?? '', undefined);
  if (found?.row !== 'leg' || found.leg.deadlines.ack === undefined) return undefined;
  const { leg } = found;
  if (leg.inviteCSeq !== undefined && leg.inviteCSeq !== cseqNumber(request)) return undefined;
  // The mark that Kamailio kept while we were away has no tag of the sender.
  const fromTag = tagOf(header(request, 'from') ?? '');
  if (fromTag !== undefined && fromTag !== leg.dialog.remoteTag) return undefined;
  return run(
    world,
    acknowledged,
    { world, work: Work.on(found.conference), trace: new Trace(), leg, request },
    '',
  );
}

export type DeadlineName = LegDeadline | 'expiry' | 'notify';

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
  const dueMs = leg?.deadlines[at.name as LegDeadline];
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
        { world, work, trace, leg, response: { status: 408, reason: 'no answer in time' } },
        '',
      );
    }
    case 'ack':
      if (holdsBye(leg)) sendHeldBye(work, world, trace, leg);
      else sendBye(work, world, trace, leg, { method: 'failed', reason: 'the 200 was not acknowledged' });
      return concluded(world, { clause: '7.2.1.9', name: 'No ACK came' }, work, trace);
    case 'session':
      return run(world, sessionExpiry, { world, work, trace, leg }, '');
    case 'refresh':
    case 'wanted':
      return run(world, legModification, { world, work, trace, leg, due: at.name }, '');
    case 'asked':
      return decideAskedTimeout(world, work, leg);
    case 'bye':
      return run(world, removed, { world, work, trace, leg, response: undefined }, '');
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
  if (name !== 'notify' && name !== 'expiry') return undefined;
  if ((subscription.deadlines[name] ?? Number.POSITIVE_INFINITY) > world.nowMs) return undefined;
  return run(world, subscriptionDue(subscription.event, name), { world, work, trace, subscription }, '');
}
