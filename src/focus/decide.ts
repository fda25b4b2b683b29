/** decide(world, event): the one entry into the focus. Pure: same world and event, same decision. */
import { ParseError } from '../lib/errors.ts';
import { header, type SipRequest } from '../sip/message.ts';
import { tagOf } from '../sip/name-addr.ts';
import { closeDecision } from './closing.ts';
import type { Conference, LegRow, SubscriptionRow } from './conference.ts';
import { type Effect, forbidden, type Refusal, refusal, type SipReply, type TraceStep } from './decision.ts';
import { isFromPeer } from './dialog-peer.ts';
import { cseqNumber } from './dialogs.ts';
import { type Fault, generalFault } from './fitness.ts';
import { type Procedure, runSteps, Trace } from './procedure.ts';
import { AddingTurn, adding } from './procedures/adding.ts';
import { byeReceived } from './procedures/bye.ts';
import { cancelReceived } from './procedures/cancel.ts';
import { dialogNotReused, methodNotAllowed, noSuchDialog, options } from './procedures/dialogless.ts';
import { modification } from './procedures/modification.ts';
import { ReferByeTurn, referBye } from './procedures/refer-bye.ts';
import { askedOf, type ReferMethodTurn, referMethod } from './procedures/refer-method.ts';
import { type ReferTurn, replyTag } from './procedures/refer-steps.ts';
import { resubscribing } from './procedures/resubscribing.ts';
import { selectProcedure } from './procedures/table.ts';
import { replyToRefusal } from './responses.ts';
import { RequestTurn } from './turn.ts';
import { type Changes, Work } from './work.ts';
import type { RequestOrigin, World } from './world.ts';

export interface EndedDialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

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
  /** A dialog of an INVITE of ours that nobody wants any more; it has been sent its BYE. */
  readonly endedDialog?: EndedDialog;
  /** Effects that belong to no conference. */
  readonly looseEffects?: readonly Effect[];
}

/** A request from a client: INVITE, BYE, SUBSCRIBE … (ACK and CANCEL have their own entries). */
export function decideRequest(world: World, request: SipRequest, origin: RequestOrigin): Decision {
  const decision = decided(world, request, origin);
  // What a procedure has accepted it counts itself; of the rest the number counts too (RFC 3261 section 12.2.2).
  return decision.reply === undefined || decision.changes !== undefined
    ? decision
    : { ...decision, ...counted(world, request, origin) };
}

function decided(world: World, request: SipRequest, origin: RequestOrigin): Decision {
  const trace = new Trace();
  let toTag: string | undefined;
  try {
    toTag = tagOf(header(request, 'to') ?? '');
    const unfit = generalFault(request, world.settings);
    if (unfit !== undefined) return refusedFor(world, trace, unfit, toTag);
    if (toTag === undefined) return decideInitial(world, request, origin, trace);
    return decideInDialog(world, request, origin, toTag, trace);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const why = refusal(400, 'Bad Request', `${error.message} (${error.code})`);
    return refusedFor(world, trace, { id: 'RFC3261-21.4.1', title: 'the request can be read', why }, toTag);
  }
}

function refusedFor(
  world: World,
  trace: Trace,
  { id, title, why }: Fault,
  toTag: string | undefined,
): Decision {
  trace.note(id, title, { verdict: 'refuse', found: why.warning, refusal: why });
  return refused(
    world,
    { clause: id, name: 'Refused before any clause' },
    trace,
    why,
    toTag ?? world.ids.token(50),
  );
}

function decideInitial(world: World, request: SipRequest, origin: RequestOrigin, trace: Trace): Decision {
  if (isMerged(world, request)) {
    const why = refusal(482, 'Loop Detected', 'the same request has come by another path');
    return refusedFor(
      world,
      trace,
      { id: 'RFC3261-8.2.2.2', title: 'the request is no copy', why },
      undefined,
    );
  }
  const turn = new RequestTurn(world, request, origin, trace);
  if (request.method === 'REFER') return decideRefer(world, request, origin, trace, undefined);
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
  if (found === undefined || (found.row === 'leg' && !takesRequests(found.leg, request.method))) {
    return sessionless(world, noSuchDialog, request, origin, trace, toTag);
  }
  const row = found.row === 'leg' ? found.leg : found.subscription;
  const { dialog } = row;
  if (!isFromPeer(dialog, found.conference.participants.get(row.participant), origin)) {
    const why = forbidden('the request does not come from the other end of its dialog');
    return refusedFor(world, trace, { id: '5.1', title: 'the sender is who the dialog is with', why }, toTag);
  }
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
  const turn = { world, work, request, origin, trace, leg: found.leg, charging: [] };
  switch (request.method) {
    case 'BYE':
      return run(world, byeReceived, turn, toTag);
    case 'INVITE':
    case 'UPDATE':
      return run(world, modification, turn, toTag);
    case 'REFER':
      return decideRefer(world, request, origin, trace, found);
    case 'OPTIONS':
      return sessionless(world, options, request, origin, trace, toTag);
    case 'SUBSCRIBE':
      return sessionless(world, dialogNotReused, request, origin, trace, toTag);
    case 'NOTIFY':
      return sessionless(world, noSuchDialog, request, origin, trace, toTag);
    default:
      return sessionless(world, methodNotAllowed, request, origin, trace, toTag);
  }
}

/** The dialog with the CSeq of a request in it that changes nothing else there: of an OPTIONS, or of one refused. */
function counted(
  world: World,
  request: SipRequest,
  origin: RequestOrigin,
): Pick<Decision, 'changes' | 'conference'> {
  const found = dialogOf(world, request);
  if (found === undefined) return {};
  const row = found.row === 'leg' ? found.leg : found.subscription;
  if (found.row === 'leg' && !takesRequests(found.leg, request.method)) return {};
  if (!isFromPeer(row.dialog, found.conference.participants.get(row.participant), origin)) return {};
  const remoteCSeq = cseqNumber(request);
  if (remoteCSeq <= (row.dialog.remoteCSeq ?? 0)) return {};
  const work = Work.on(found.conference);
  const dialog = { ...row.dialog, remoteCSeq };
  if (found.row === 'leg') work.legs.put({ ...found.leg, dialog });
  else work.subscriptions.put({ ...found.subscription, dialog });
  return { changes: work.changes(), conference: work.applied() };
}

/** Undefined for a request outside a dialog, or in none of ours, or that cannot be read so far. */
function dialogOf(world: World, request: SipRequest): FoundDialog | undefined {
  try {
    const [toTag, fromTag] = ['to', 'from'].map((name) => tagOf(header(request, name) ?? ''));
    cseqNumber(request);
    return toTag === undefined || fromTag === undefined
      ? undefined
      : findDialog(world, header(request, 'call-id') ?? '', toTag, fromTag);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/**
 * A copy that a proxy has forked, with a branch of its own: tm takes it for another request (RFC 3261 section 8.2.2.2).
 * Same Call-ID, From tag and CSeq as what made a dialog that stands.
 */
function isMerged(world: World, request: SipRequest): boolean {
  const fromTag = tagOf(header(request, 'from') ?? '') ?? '';
  return world.findDialogs(header(request, 'call-id') ?? '').some(({ conference, row, id }) => {
    const found = world.findConference(conference);
    const made = row === 'leg' ? found?.legs.get(id) : found?.subscriptions.get(id);
    if (made === undefined || made.dialog.remoteTag !== fromTag) return false;
    const cseq = 'inviteCSeq' in made ? made.inviteCSeq : made.dialog.remoteCSeq;
    return cseq === cseqNumber(request);
  });
}

/** 7.2.1.7 or 7.2.1.8 by the method in Refer-To; another method is not served. */
function decideRefer(
  world: World,
  request: SipRequest,
  origin: RequestOrigin,
  trace: Trace,
  found: Extract<FoundDialog, { row: 'leg' }> | undefined,
): Decision {
  const leg = found?.leg;
  const selection: ReferMethodTurn = { world, target: askedOf(request), clause: undefined };
  const why = runSteps(referMethod, selection, trace);
  if (typeof why !== 'string') {
    const toTag = leg?.dialog.localTag ?? world.ids.token(50);
    return refused(world, { clause: 'RFC3515-2.4.2', name: 'REFER with another method' }, trace, why, toTag);
  }
  return selection.clause === '7.2.1.7'
    ? runRefer(world, adding, new AddingTurn(world, request, origin, trace, leg), found)
    : runRefer(world, referBye, new ReferByeTurn(world, request, origin, trace, leg), found);
}

function runRefer<C extends ReferTurn>(
  world: World,
  procedure: Procedure<C>,
  turn: C,
  found: Extract<FoundDialog, { row: 'leg' }> | undefined,
): Decision {
  if (found !== undefined) turn.work = Work.on(found.conference);
  const outcome = runSteps(procedure.steps, turn, turn.trace);
  if (typeof outcome !== 'string') return refused(world, procedure, turn.trace, outcome, replyTag(turn));
  return concluded(world, procedure, turn.work, turn.trace);
}

/** No dialog stands before the invited user has answered; after our BYE only a BYE that crosses it matters. */
function takesRequests({ state }: LegRow, method: string): boolean {
  if (state === 'leaving') return method === 'BYE';
  return state !== 'ended' && state !== 'inviting';
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
  procedure: Pick<Procedure<never>, 'clause' | 'name' | 'tellsSubscribers'>,
  work: Work,
  trace: Trace,
): Decision {
  closeDecision(work, world, trace, procedure);
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
    // A refer subscription in the dialog of a leg has no dialog of its own.
    if (row === undefined || ('sharedLeg' in row && row.sharedLeg !== undefined)) continue;
    if (row.dialog.localTag !== localTag) continue;
    if (remoteTag !== undefined && row.dialog.remoteTag !== remoteTag) continue;
    return ref.row === 'leg'
      ? { row: 'leg', conference, leg: row as LegRow }
      : { row: 'subscription', conference, subscription: row as SubscriptionRow };
  }
  return undefined;
}
