/** Decisions on effects that failed: the switch took nothing, the caller of an answer was gone, Kamailio did not take a request. */
import type { Asked, Conference, LegRow, SubscriptionRow } from './conference.ts';
import { holdsBye } from './conference.ts';
import { concluded, type Decision, run } from './decide.ts';
import { decideAskAgain, stillWanted, withoutAsked } from './decide-modification.ts';
import { type Effect, refusal, STAGE } from './decision.ts';
import { legIsOver } from './leg-end.ts';
import { sendWanted } from './leg-modification.ts';
import { notTold, wasLost } from './notification.ts';
import { Trace } from './procedure.ts';
import { inviteeFails } from './procedures/invitee-failures.ts';
import { noteReleasePolicy, release, sendBye } from './removal.ts';
import { replyToRefusal } from './responses.ts';
import { strand } from './stranding.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

type ReplyEffect = Extract<Effect, { readonly kind: 'reply' }>;
type RequestEffect = Extract<Effect, { readonly kind: 'request' }>;

/**
 * What leaves although the gate before it has failed: answers that are about no leg, and NOTIFYs, whose numbers are given out.
 * Only the last one that a subscription to the roster was promised can be taken back, with its version (RFC 4575 section 4.3).
 */
export function keptBehindGate(
  world: World,
  conferenceId: string,
  behind: readonly Effect[],
): readonly Effect[] {
  const conference = world.findConference(conferenceId);
  return behind.filter(
    (effect) =>
      (effect.kind === 'reply' && effect.leg === undefined) ||
      (effect.kind === 'request' &&
        effect.method === 'NOTIFY' &&
        revocable(conference?.subscriptions, effect) === undefined),
  );
}

/** The subscription whose last document this NOTIFY has. */
function revocable(
  subscriptions: Pick<Conference['subscriptions'], 'get'> | undefined,
  { of, cseq }: RequestEffect,
): SubscriptionRow | undefined {
  const subscription = of.row === 'subscription' ? subscriptions?.get(of.id) : undefined;
  return subscription?.event === 'conference' && subscription.dialog.localCSeq === cseq
    ? subscription
    : undefined;
}

/** A gate failed (the switch refused or is silent): what waited behind it never leaves, so it is undone. */
export function decideGateFailure(
  world: World,
  conferenceId: string,
  dropped: readonly Effect[],
  why: string,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const trace = new Trace();
  trace.note('7.2.3', 'the switch takes the legs', { verdict: 'stop', found: why });
  if (conference === undefined) return afterTheEnd(world, dropped, trace);
  const work = Work.on(conference);
  const unavailable = refusal(
    503,
    'Service Unavailable',
    `the message switch did not take the session: ${why}`,
    [['Retry-After', '5']],
  );
  let isMoveLost = false;
  for (const effect of dropped) {
    if (effect.kind === 'reply' && effect.leg !== undefined) {
      const leg = work.legs.get(effect.leg);
      const isOver = leg === undefined || leg.state === 'ended';
      const refused = isOver ? TERMINATED : unavailable;
      work.effect({ ...effect, reply: replyToRefusal(world.settings, refused, effect.reply.toTag) });
      if (isOver) continue;
      endLeg(work, world, trace, leg, effect, 'the message switch did not take the change', why);
    } else if (effect.kind === 'cancel') work.effect(effect);
    else if (effect.kind === 'request' && effect.method === 'NOTIFY') {
      const subscription = revocable(work.subscriptions, effect);
      if (subscription !== undefined) notTold(work, world, subscription);
    } else if (effect.kind === 'request' && effect.method === 'BYE') {
      // Of a dialog that is over however this ends: where who comes back has left an old one behind.
      work.effect(effect);
    } else if (effect.kind === 'request' && effect.method === 'INVITE' && effect.of.row === 'leg') {
      const leg = work.legs.get(effect.of.id);
      if (leg?.state === 'inviting') {
        work.legs.put({ ...leg, failureCode: 503 });
        legIsOver(work, world, { ...leg, failureCode: 503 }, { method: 'failed', reason: why });
      } else if (leg?.asked?.cseq === effect.cseq && leg.state === 'connected') {
        isMoveLost = notAsked(work, world, trace, leg, leg.asked) || isMoveLost;
      }
    }
  }
  if (isMoveLost)
    trace.note('design-move-6', 'the switch takes the session', strand(work, world, trace, why, true));
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
  return concluded(world, HEADING, work, trace);
}

const HEADING = { clause: '7.2.3', name: 'The switch did not take the session' } as const;

/** RFC 3261 section 15.1.2: what was pending in a dialog when its BYE came. */
const TERMINATED = refusal(487, 'Request Terminated', 'the dialog has ended meanwhile');

/** The session is over before the switch has refused: whoever still waits is answered, and what ends something else leaves. */
function afterTheEnd(world: World, dropped: readonly Effect[], trace: Trace): Decision | undefined {
  const looseEffects = dropped.flatMap((effect): Effect[] => {
    if (effect.kind === 'reply' && effect.leg !== undefined)
      return [{ ...effect, reply: replyToRefusal(world.settings, TERMINATED, effect.reply.toTag) }];
    return effect.kind === 'cancel' || (effect.kind === 'request' && effect.method === 'BYE') ? [effect] : [];
  });
  if (looseEffects.length === 0) return undefined;
  return { clause: HEADING.clause, procedure: HEADING.name, trace: trace.steps, looseEffects };
}

/** Our re-INVITE or UPDATE has not left. @returns true when it was for a move that has come to nothing */
function notAsked(work: Work, world: World, trace: Trace, leg: LegRow, asked: Asked): boolean {
  const isOvertaken = leg.wanted?.isMove === true;
  const settled = work.legs.put({ ...withoutAsked(leg), wanted: stillWanted(leg, asked) });
  if (isOvertaken) sendWanted(work, world, trace, settled);
  else if (asked.isMove !== true) {
    const deadlines = { ...settled.deadlines, wanted: world.nowMs + LOST_RETRY_MS };
    work.legs.put({ ...settled, deadlines });
  }
  return asked.isMove === true && !isOvertaken;
}

/** A peer that holds the dialog (this was about a request in it) is sent a BYE; one whose first INVITE failed holds none. */
function endLeg(
  work: Work,
  world: World,
  trace: Trace,
  leg: LegRow,
  { makesDialog }: ReplyEffect,
  whyConfirmed: string,
  whyNot: string,
): void {
  if (makesDialog === true) legIsOver(work, world, leg, { method: 'failed', reason: whyNot });
  else if (leg.state === 'connected')
    sendBye(work, world, trace, leg, { method: 'failed', reason: whyConfirmed });
}

/** The caller of an accepted INVITE is gone: the answer found no pending transaction. */
export function decideAnswerLost(
  world: World,
  conferenceId: string,
  answer: ReplyEffect,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const leg = conference?.legs.get(answer.leg ?? '');
  if (conference === undefined || leg === undefined || !(leg.state === 'connected' || holdsBye(leg)))
    return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  trace.note('RFC3261-13.3.1.4', 'the caller is still there', {
    verdict: 'stop',
    found: 'the INVITE is not pending any more',
  });
  endLeg(
    work,
    world,
    trace,
    leg,
    answer,
    'the answer could not be sent',
    'the caller was gone before the answer',
  );
  noteReleasePolicy(work, world, trace);
  return concluded(world, { clause: '7.2.1.9', name: 'The caller is gone' }, work, trace);
}

/** When what Kamailio did not take is tried again. */
const LOST_RETRY_MS = 2_000;

/** Kamailio did not take a request of ours. */
export function decideRequestLost(
  world: World,
  conferenceId: string,
  effect: RequestEffect,
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
      return run(
        world,
        inviteeFails(work.row),
        { world, work, trace, leg, response: { status: 503, reason: why } },
        '',
      );
    }
    if (leg?.asked?.cseq === effect.cseq) return decideAskAgain(world, conferenceId, leg.id, LOST_RETRY_MS);
    // A BYE that could not leave: the deadline of the leg ends it.
    return undefined;
  }
  if (effect.of.row === 'subscription') {
    const subscription = work.subscriptions.get(effect.of.id);
    if (subscription === undefined || subscription.event === 'refer') return undefined;
    wasLost(work, subscription, world.nowMs + LOST_RETRY_MS);
    return concluded(world, { clause: '7.2.2.10', name: 'A NOTIFY could not leave' }, work, trace);
  }
  return undefined;
}
