/** Decisions on what became of our own re-INVITEs and UPDATEs (RFC 3261 section 14.1, RFC 3311, RFC 4028). */
import { isSameRevision, parseSdp } from '../sdp/session.ts';
import { refreshTarget } from '../sip/dialog.ts';
import { header, type SipResponse } from '../sip/message.ts';
import { parseUri } from '../sip/uri.ts';
import type { Asked, Dialog, LegRow, Wanted } from './conference.ts';
import { concluded, type Decision } from './decide.ts';
import { cseqMethod, cseqNumber } from './dialogs.ts';
import { bothWanted, glareDelayMs, modifyLeg, retryAfterMs, sendWanted } from './leg-modification.ts';
import { legHasMoved, legIsLost } from './leg-move.ts';
import { peerMediaFromAnswer } from './media.ts';
import { done, type Outcome, stop, Trace } from './procedure.ts';
import { noteReleasePolicy, sendBye } from './removal.ts';
import { intervalAskedFor, timedByAnswer } from './session-timer.ts';
import { putLegs } from './user-plane.ts';
import { Work } from './work.ts';
import type { World } from './world.ts';

const HEADING = { clause: '7.2.2.6', name: 'A client answers our re-INVITE or UPDATE' } as const;

/** Whether this is an answer to what we asked of the leg last. */
export function answersAsked({ asked }: LegRow, response: SipResponse): boolean {
  return asked?.cseq === cseqNumber(response) && asked.method === cseqMethod(response);
}

/** Undefined for a provisional response that changes nothing. */
export function decideAskedAnswer(
  world: World,
  work: Work,
  leg: LegRow,
  response: SipResponse,
): Decision | undefined {
  const { asked } = leg;
  if (asked === undefined) return undefined;
  const trace = new Trace();
  if (response.status < 200) {
    if (asked.method !== 'INVITE') return undefined;
    // A person may have to say yes: from now on the time of an invitation counts.
    const due = world.nowMs + world.settings.inviteTimeoutS * 1_000;
    work.legs.put({ ...leg, deadlines: { ...leg.deadlines, asked: due } });
    trace.note('RFC3261-14.1', 'the client is at it', done(`${response.status} ${response.reason}`));
    return concluded(world, HEADING, work, trace);
  }
  const settled = work.legs.put(withoutAsked(leg));
  const outcome =
    response.status < 300
      ? accepted(world, work, trace, settled, asked, response)
      : refusedBy(world, work, trace, settled, asked, response);
  trace.note('7.2.2.6', 'the client has answered', outcome);
  return concluded(world, HEADING, work, trace);
}

/** No final response came in time: nobody is there (RFC 3261 section 12.2.1.2). */
export function decideAskedTimeout(world: World, work: Work, leg: LegRow): Decision | undefined {
  const { asked } = leg;
  if (asked === undefined) return undefined;
  const trace = new Trace();
  trace.note('7.2.2.6', 'the client has answered', stop(`no final response to the ${asked.method}`));
  end(world, work, trace, withoutAsked(leg), asked, 'a request in the session was not answered');
  return concluded(
    world,
    { ...HEADING, name: 'A client does not answer our re-INVITE or UPDATE' },
    work,
    trace,
  );
}

/** A request of unknown fate (after a restart of ours, or of Kamailio): asked again, with the next CSeq. */
export function decideAskAgain(
  world: World,
  conferenceId: string,
  legId: string,
  waitMs = 0,
): Decision | undefined {
  const conference = world.findConference(conferenceId);
  const leg = conference?.legs.get(legId);
  if (conference === undefined || leg?.asked === undefined || leg.state !== 'connected') return undefined;
  const work = Work.on(conference);
  const trace = new Trace();
  const settled = withoutAsked(leg);
  const wanted = stillWanted(leg, leg.asked);
  if (waitMs === 0) modifyLeg(work, world, trace, settled, wanted);
  else {
    const deadlines = { ...settled.deadlines, wanted: world.nowMs + waitMs };
    work.legs.put({ ...settled, wanted, deadlines });
  }
  trace.note('recovery', 'of unknown fate: asked again', done(leg.asked.method));
  return concluded(world, { clause: 'recovery', name: 'A re-INVITE or UPDATE of unknown fate' }, work, trace);
}

export function withoutAsked(row: LegRow): LegRow {
  const { asked: _, ...leg } = row;
  const { asked: __, ...deadlines } = leg.deadlines;
  return { ...leg, deadlines };
}

function accepted(
  world: World,
  work: Work,
  trace: Trace,
  leg: LegRow,
  asked: Asked,
  response: SipResponse,
): Outcome {
  const { minSeS } = world.settings.session;
  const dialog = withTargetOf(leg.dialog, response);
  const timed = timedByAnswer({ ...leg, dialog }, response, minSeS, world.nowMs);
  const answer = asked.method === 'INVITE' ? response.body.toString('utf8') : '';
  // Moved on since: what was agreed on here leads to a switch that the session has left.
  const isOvertaken = leg.wanted?.isMove === true;
  const current = work.legs.put(
    asked.sdp === undefined || isOvertaken ? timed : { ...timed, localSdp: asked.sdp },
  );
  const isMoved = asked.isMove === true && !isOvertaken;
  // A client that finds nothing new on its side answers a move with what it said before.
  if (!isMoved && (answer === '' || isSame(answer, leg.remoteSdp)))
    return next(world, work, trace, current, 'nothing changes');
  const media = peerMediaFromAnswer(answer);
  if (media === undefined) {
    if (asked.isVital === true)
      return end(world, work, trace, current, asked, 'the answer has no usable MSRP line');
    return next(world, work, trace, current, 'the answer has no usable MSRP line: the old parameters stay');
  }
  const answered = work.legs.put({ ...current, media, remoteSdp: answer });
  const changed = isMoved ? legHasMoved(work, answered) : answered;
  putLegs(work, world, [changed], false);
  return next(world, work, trace, changed, 'the switch is told of the new answer');
}

/** A 2xx moves the target (RFC 3261 section 12.2.1.2); one whose Contact nobody can read leaves it where it was. */
function withTargetOf(dialog: Dialog, response: SipResponse): Dialog {
  try {
    const { remoteTarget } = refreshTarget(dialog, 'INVITE', response);
    parseUri(remoteTarget);
    return { ...dialog, remoteTarget };
  } catch {
    return dialog;
  }
}

function isSame(answer: string, before: string | undefined): boolean {
  if (before === undefined) return false;
  try {
    return isSameRevision(parseSdp(answer), parseSdp(before));
  } catch {
    return false;
  }
}

function refusedBy(
  world: World,
  work: Work,
  trace: Trace,
  leg: LegRow,
  asked: Asked,
  response: SipResponse,
): Outcome {
  const { status } = response;
  const told = `${status} ${response.reason}`;
  if (status === 408 || status === 481)
    return end(world, work, trace, leg, asked, `the client's answer was ${told}`);
  const wanted = wantedAgain(asked);
  const waitMs =
    status === 491
      ? glareDelayMs(leg, world.ids)
      : status === 500 || status === 503
        ? retryAfterMs(header(response, 'retry-after'))
        : undefined;
  if (waitMs !== undefined) {
    const deadlines = { ...leg.deadlines, wanted: world.nowMs + waitMs };
    work.legs.put({ ...leg, wanted: stillWanted(leg, asked), deadlines });
    return done(`${told}: again in ${waitMs} ms`);
  }
  const expiresS = intervalAskedFor(response, leg.expiresS ?? world.settings.session.expiresS);
  if (expiresS !== undefined) {
    modifyLeg(work, world, trace, { ...leg, expiresS }, wanted);
    return done(`${told}: again with an interval of ${expiresS} s`);
  }
  if (asked.method === 'UPDATE') {
    // Whatever it has against UPDATE: every client understands a re-INVITE.
    modifyLeg(work, world, trace, { ...leg, allow: leg.allow.filter((one) => one !== 'UPDATE') }, wanted);
    return done(`${told}: again by re-INVITE`);
  }
  if (asked.isVital === true) return end(world, work, trace, leg, asked, `the client's answer was ${told}`);
  return next(world, work, trace, leg, `${told}: all stays as it was, and the session timer runs on`);
}

function wantedAgain(asked: Asked): Wanted {
  const { method: _, cseq: __, ...wanted } = asked;
  return wanted;
}

/** What was asked in vain, with what is wanted since. */
export function stillWanted({ wanted }: LegRow, asked: Asked): Wanted {
  return bothWanted(wantedAgain(asked), wanted ?? {});
}

/** What was wanted meanwhile has its turn. */
function next(world: World, work: Work, trace: Trace, leg: LegRow, found: string): Outcome {
  sendWanted(work, world, trace, leg);
  return done(found);
}

function end(world: World, work: Work, trace: Trace, leg: LegRow, asked: Asked, reason: string): Outcome {
  if (asked.isMove === true) legIsLost(work, leg, reason);
  sendBye(work, world, trace, leg, { method: 'failed', reason });
  noteReleasePolicy(work, world, trace);
  return stop(`${reason}: BYE`);
}
