/** decide(world, event): the one entry into the focus. Pure: same world and event, same decision. */
import { ParseError } from '../lib/errors.ts';
import { header, type SipRequest } from '../sip/message.ts';
import { tagOf } from '../sip/name-addr.ts';
import { closeDecision } from './closing.ts';
import type { Conference, LegRow, SubscriptionRow } from './conference.ts';
import { type Effect, type Refusal, refusal, type SipReply, type TraceStep } from './decision.ts';
import { cseqNumber } from './dialogs.ts';
import { type Procedure, runSteps, Trace } from './procedure.ts';
import { byeReceived } from './procedures/bye.ts';
import { cancelReceived } from './procedures/cancel.ts';
import { methodNotAllowed, noSuchDialog, options } from './procedures/dialogless.ts';
import { modification } from './procedures/modification.ts';
import { resubscribing } from './procedures/resubscribing.ts';
import { selectProcedure } from './procedures/table.ts';
import { replyToRefusal } from './responses.ts';
import { RequestTurn } from './turn.ts';
import { type Changes, Work } from './work.ts';
import type { RequestOrigin, World } from './world.ts';

export interface Decision {
  readonly clause: string;
  readonly procedure: string;
  readonly trace: readonly TraceStep[];
  /** For a request: its final reply when it is a refusal or needs no session. */
  readonly reply?: SipReply;
  /** The refusal behind `reply`. */
  readonly refusal?: Refusal;
  /** What changed in which conference; absent when nothing did. */
  readonly changes?: Changes;
  /** The conference with the changes. */
  readonly conference?: Conference;
  /** Effects that belong to no conference. */
  readonly looseEffects?: readonly Effect[];
}

/** A request from a client: INVITE, BYE, SUBSCRIBE … (ACK and CANCEL have their own entries). */
export function decideRequest(world: World, request: SipRequest, origin: RequestOrigin): Decision {
  const trace = new Trace();
  try {
    const { maxBodyBytes } = world.settings.limits;
    if (request.body.length > maxBodyBytes) {
      const large = refusal(413, 'Request Entity Too Large', `a body may have ${maxBodyBytes} bytes at most`);
      trace.note('RFC3261-21.4.11', 'the body is not too large', {
        verdict: 'refuse',
        found: large.warning,
        refusal: large,
      });
      return refused(
        world,
        { clause: 'RFC3261-21.4.11', name: 'Body too large' },
        trace,
        large,
        world.ids.token(50),
      );
    }
    const toTag = tagOf(header(request, 'to') ?? '');
    if (toTag === undefined) return decideInitial(world, request, origin, trace);
    return decideInDialog(world, request, origin, toTag, trace);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const bad = refusal(400, 'Bad Request', `${error.message} (${error.code})`);
    trace.note('RFC3261-21.4.1', 'the request can be read', {
      verdict: 'refuse',
      found: bad.warning,
      refusal: bad,
    });
    return refused(
      world,
      { clause: 'RFC3261-21.4.1', name: 'Malformed request' },
      trace,
      bad,
      world.ids.token(50),
    );
  }
}

function decideInitial(world: World, request: SipRequest, origin: RequestOrigin, trace: Trace): Decision {
  const turn = new RequestTurn(world, request, origin, trace);
  const procedure = selectProcedure(turn);
  const outcome = runSteps(procedure.steps, turn, trace);
  if (typeof outcome !== 'string') return refused(world, procedure, trace, outcome, turn.toTag);
  if (turn.reply !== undefined) return { ...heading(procedure, trace), reply: turn.reply };
  return concluded(world, procedure, turn.work, trace);
}

function decideInDialog(
  world: World,
  request: SipRequest,
  origin: RequestOrigin,
  toTag: string,
  trace: Trace,
): Decision {
  const found = findDialog(
    world,
    header(request, 'call-id') ?? '',
    toTag,
    tagOf(header(request, 'from') ?? '') ?? '',
  );
  if (found === undefined || (found.row === 'leg' && found.leg.state === 'ended')) {
    return sessionless(world, noSuchDialog, request, origin, trace, toTag);
  }
  const { dialog } = found.row === 'leg' ? found.leg : found.subscription;
  if (cseqNumber(request) <= (dialog.remoteCSeq ?? 0)) {
    const late = refusal(
      500,
      'Server Internal Error',
      'the CSeq is not above the last one (RFC 3261 section 12.2.2)',
    );
    trace.note('RFC3261-12.2.2', 'requests arrive in order', {
      verdict: 'refuse',
      found: late.warning,
      refusal: late,
    });
    return refused(world, { clause: 'RFC3261-12.2.2', name: 'Out-of-order request' }, trace, late, toTag);
  }
  const work = Work.on(found.conference);
  if (found.row === 'subscription') {
    if (request.method !== 'SUBSCRIBE')
      return sessionless(world, methodNotAllowed, request, origin, trace, toTag);
    return run(
      world,
      resubscribing,
      { world, work, request, origin, trace, subscription: found.subscription },
      toTag,
    );
  }
  const turn = { world, work, request, origin, trace, leg: found.leg };
  switch (request.method) {
    case 'BYE':
      return run(world, byeReceived, turn, toTag);
    case 'INVITE':
    case 'UPDATE':
      return run(world, modification, turn, toTag);
    case 'OPTIONS':
      return sessionless(world, options, request, origin, trace, toTag);
    default:
      return sessionless(world, methodNotAllowed, request, origin, trace, toTag);
  }
}

/** CANCEL; undefined when the INVITE has its final response, or never was ours. */
export function decideCancel(world: World, request: SipRequest): Decision | undefined {
  const fromTag = tagOf(header(request, 'from') ?? '');
  for (const ref of world.findDialogs(header(request, 'call-id') ?? '')) {
    const conference = ref.row === 'leg' ? world.findConference(ref.conference) : undefined;
    const leg = conference?.legs.get(ref.id);
    if (conference === undefined || leg?.transaction === undefined || leg.state !== 'offered') continue;
    if (leg.dialog.remoteTag !== fromTag) continue;
    return run(
      world,
      cancelReceived,
      { world, work: Work.on(conference), trace: new Trace(), leg },
      leg.dialog.localTag,
    );
  }
  return undefined;
}

/** Runs a procedure on an existing conference and closes the decision. */
export function run<C extends { readonly work: Work; readonly trace: Trace }>(
  world: World,
  procedure: Procedure<C>,
  turn: C,
  toTag: string,
): Decision {
  const outcome = runSteps(procedure.steps, turn, turn.trace);
  if (typeof outcome !== 'string') return refused(world, procedure, turn.trace, outcome, toTag);
  return concluded(world, procedure, turn.work, turn.trace);
}

function sessionless(
  world: World,
  procedure: Procedure<RequestTurn>,
  request: SipRequest,
  origin: RequestOrigin,
  trace: Trace,
  toTag: string,
): Decision {
  const turn = new RequestTurn(world, request, origin, trace);
  const outcome = runSteps(procedure.steps, turn, trace);
  if (typeof outcome !== 'string') return refused(world, procedure, trace, outcome, toTag);
  return {
    ...heading(procedure, trace),
    ...(turn.reply === undefined ? {} : { reply: { ...turn.reply, toTag } }),
  };
}

export function concluded(
  world: World,
  procedure: { readonly clause: string; readonly name: string },
  work: Work,
  trace: Trace,
): Decision {
  closeDecision(work, world, trace);
  return { ...heading(procedure, trace), changes: work.changes(), conference: work.applied() };
}

function refused(
  world: World,
  procedure: { readonly clause: string; readonly name: string },
  trace: Trace,
  why: Refusal,
  toTag: string,
): Decision {
  return { ...heading(procedure, trace), reply: replyToRefusal(world.settings, why, toTag), refusal: why };
}

function heading(procedure: { readonly clause: string; readonly name: string }, trace: Trace) {
  return { clause: procedure.clause, procedure: procedure.name, trace: trace.steps };
}

export type FoundDialog =
  | { readonly row: 'leg'; readonly conference: Conference; readonly leg: LegRow }
  | { readonly row: 'subscription'; readonly conference: Conference; readonly subscription: SubscriptionRow };

/** `remoteTag` undefined: any (a response to our INVITE may bring a new one). */
export function findDialog(
  world: World,
  callId: string,
  localTag: string,
  remoteTag: string | undefined,
): FoundDialog | undefined {
  for (const ref of world.findDialogs(callId)) {
    const conference = world.findConference(ref.conference);
    if (conference === undefined) continue;
    const row = ref.row === 'leg' ? conference.legs.get(ref.id) : conference.subscriptions.get(ref.id);
    if (row === undefined || row.dialog.localTag !== localTag) continue;
    if (remoteTag !== undefined && row.dialog.remoteTag !== remoteTag) continue;
    return ref.row === 'leg'
      ? { row: 'leg', conference, leg: row as LegRow }
      : { row: 'subscription', conference, subscription: row as SubscriptionRow };
  }
  return undefined;
}
