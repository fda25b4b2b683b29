/** What an invited user's response does: the "-ok-" and "-fail-" lists of 7.2.1.2 and 7.2.1.3. */

import { deviceOf } from '../../sip/contact.ts';
import { header } from '../../sip/message.ts';
import { allowedMethods } from '../../sip/option-tags.ts';
import type { ConferenceRow, LegRow } from '../conference.ts';
import { type HeaderLine, STAGE } from '../decision.ts';
import { dialogFromResponse, remoteTag } from '../dialogs.ts';
import { acceptPendingInitiator, pendingInitiator } from '../initiator.ts';
import { peerMediaFromAnswer } from '../media.ts';
import { failureCode } from '../policy/failure-code.ts';
import { done, type Outcome, type Procedure, skip, step, stop } from '../procedure.ts';
import { tellReferrers } from '../refer-subscription.ts';
import { applyReleasePolicy, legIsOver, release, removeParticipant, sendBye } from '../removal.ts';
import { focusContact, serverHeader, warningHeader } from '../responses.ts';
import { sessionDeadlineMs } from '../session-timer.ts';
import type { InviteeTurn, LegTurn } from '../turn.ts';
import { putLegs } from '../user-plane.ts';

/** The clause that set the session up; both have the same two lists. */
type SetUpClause = '7.2.1.2' | '7.2.1.3';

export const inviteeRings: Procedure<InviteeTurn> = {
  clause: '7.2.2.2',
  name: 'An invited user is reached',
  steps: [
    step('7.2.2.2-1xx', 'the invitation rings', ({ work, world, leg, response }) => {
      const participant = work.participants.get(leg.participant);
      if (participant === undefined || response.status < 180) return skip(`${response.status}`);
      tellReferrers(work, world, leg.id, response);
      if (participant.presence === 'invited') {
        work.participants.put({ ...participant, presence: 'alerting' });
        work.rosterChanged();
      }
      const pending = pendingInitiator(work);
      if (pending?.transaction === undefined || pending.hasRung === true)
        return done(`${participant.address} rings`);
      work.legs.put({ ...pending, hasRung: true });
      work.effect({
        stage: STAGE.reply,
        kind: 'reply',
        transaction: pending.transaction,
        leg: pending.id,
        reply: {
          code: 180,
          reason: 'Ringing',
          toTag: pending.dialog.localTag,
          headers: [focusContact(work.row, world.settings), serverHeader(world.settings)],
        },
      });
      return done(`${participant.address} rings; the inviter is told`);
    }),
  ],
};

const answers = (clause: SetUpClause): Procedure<InviteeTurn> => ({
  clause,
  name: 'An invited user has answered',
  steps: [
    step('7.2.2.2-2xx', 'the leg of the invited user stands', (turn) => {
      const { work, world, leg, response, trace } = turn;
      const dialog = dialogFromResponse(leg.dialog, response);
      const media = peerMediaFromAnswer(response.body.toString('utf8'));
      const expires = Number.parseInt(header(response, 'session-expires') ?? '', 10);
      const expiresS =
        Number.isFinite(expires) && expires >= world.settings.session.minSeS ? expires : leg.expiresS;
      const answered: LegRow = {
        ...leg,
        dialog,
        allow: allowedMethods(response) ?? [],
        supportsTimer: header(response, 'session-expires') !== undefined,
        ...deviceOf(response),
      };
      if (media === undefined) {
        sendBye(work, world, trace, answered, {
          method: 'failed',
          reason: 'the answer has no usable MSRP line',
        });
        turn.leg = work.legs.get(leg.id) ?? answered;
        failLeg(turn, 488, 'no usable MSRP line in the answer');
        trace.note(`R-${clause}-fail-1`, ALL_HAVE_FAILED, refuseInviterIfAllFailed(turn));
        return stop('the answer has no usable MSRP line: BYE, counted as a failure');
      }
      const connected = work.legs.put({
        ...answered,
        state: 'connected',
        media,
        remoteSdp: response.body.toString('utf8'),
        // A client that did not agree to refresh is supervised by nobody (RFC 4028 section 7.2).
        deadlines:
          answered.supportsTimer && expiresS !== undefined
            ? { session: sessionDeadlineMs(world.nowMs, expiresS) }
            : {},
        ...(expiresS === undefined ? {} : { expiresS }),
      });
      turn.leg = connected;
      const participant = work.participants.get(leg.participant);
      if (participant === undefined) throw new Error('A leg without its participant.');
      const { left: _, ...present } = participant;
      work.participants.put({ ...present, presence: 'connected', joined: 'dialed-out' });
      work.rosterChanged();
      work.event({ kind: 'participant-joined', session: work.row.id, participant: participant.address });
      putLegs(work, [connected], false);
      tellReferrers(work, world, leg.id, response);
      return done(`${participant.address} is connected; accept-types ${media.acceptTypes.join(' ')} (A-14)`);
    }),
    step(`R-${clause}-ok-1`, 'answer the inviter by 7.2.1.1 unless that was done', (turn): Outcome => {
      const { work, world, trace, leg } = turn;
      const types = acceptPendingInitiator(work, world, trace, leg.media?.acceptTypes ?? []);
      if (types === undefined) return stop('the inviter has its final response');
      return done(`200 with an SDP answer (-ok-2), accept-types ${types.join(' ')} (-ok-2a)`);
    }),
    step(`R-${clause}-ok-3`, 'send the 200 to the inviter', () => done('sent')),
    step(`R-${clause}-ok-4`, 'work with the MSRP switch', ({ work }) =>
      done(`switch ${work.row.switchId} has the leg`),
    ),
  ],
});

/** The same answer once more, or one from another fork: each is ACKed with its own tag, the fork is ended. */
export function answerOfFork(turn: InviteeTurn): boolean {
  const { leg, response } = turn;
  return leg.dialog.remoteTag !== '' && remoteTag(response) !== leg.dialog.remoteTag;
}

/** `status` is also 408 for no answer in time. */
type FailureTurn = LegTurn & { readonly status: number; readonly reason: string; readonly warning?: string };

const ALL_HAVE_FAILED = 'all have failed and the inviter is unanswered: send the final response';

const fails = (clause: SetUpClause): Procedure<FailureTurn> => ({
  clause,
  name: 'An invited user has refused or cannot be reached',
  steps: [
    step('7.2.2.2-fail', 'the invitation failed', (turn) => {
      failLeg(turn, turn.status, turn.reason);
      return done(`${turn.status} ${turn.reason}`);
    }),
    step(`R-${clause}-fail-1`, ALL_HAVE_FAILED, refuseInviterIfAllFailed),
    step(`R-${clause}-fail-2`, 'all have failed and the inviter was answered: remove the inviter', (turn) => {
      const { work, world, trace } = turn;
      if (work.row.phase !== 'active') return skip('the session is not running');
      const others = work.legs.filter(
        (leg) =>
          leg.participant !== work.row.initiator && (leg.state === 'connected' || leg.state === 'inviting'),
      );
      const inviter = work.participants.get(work.row.initiator);
      if (others.length > 0 || inviter?.presence !== 'connected')
        return skip('somebody is there or still comes');
      removeParticipant(work, world, trace, inviter, {
        method: 'booted',
        reason: 'none of the invited users joined',
      });
      return done('nobody is left who could come (A-15): BYE');
    }),
    step('R-7.2.1.10-3', 'release policy after a failed invitation', ({ work, world, trace }) =>
      done(`${applyReleasePolicy(work, world, trace)} (A-43)`),
    ),
  ],
});

function refuseInviterIfAllFailed({ work, world, trace }: LegTurn): Outcome {
  const pending = pendingInitiator(work);
  const ringing = work.legs.filter((leg) => leg.state === 'inviting').length;
  if (pending === undefined) return skip('the inviter has its final response');
  if (ringing > 0) return stop(`${ringing} invitation(s) still pending`);
  const codes = work.legs
    .filter(() => true)
    .flatMap(({ failureCode: code }) => (code === undefined ? [] : [code]));
  const code = failureCode(codes, world.settings.adHoc.failureCode);
  const reason = REASONS[code] ?? 'Invitation Failed';
  const lines: HeaderLine[] = [
    warningHeader(world.settings, `none of the invited users joined (${codes.join(', ')})`),
    serverHeader(world.settings),
  ];
  if (pending.transaction !== undefined) {
    work.effect({
      stage: STAGE.reply,
      kind: 'reply',
      transaction: pending.transaction,
      leg: pending.id,
      reply: { code, reason, toTag: pending.dialog.localTag, headers: lines },
    });
  }
  legIsOver(work, world, pending, { method: 'failed', reason: `SIP;cause=${code}` });
  release(work, world, trace, 'all invitations failed');
  return stop(`-fail-1s: ${code} chosen of ${codes.join(', ')}`);
}

const PROCEDURES = {
  'ad-hoc': { answers: answers('7.2.1.2'), fails: fails('7.2.1.2') },
  group: { answers: answers('7.2.1.3'), fails: fails('7.2.1.3') },
} as const satisfies Record<ConferenceRow['kind'], object>;

export function inviteeAnswers({ kind }: ConferenceRow): Procedure<InviteeTurn> {
  return PROCEDURES[kind].answers;
}

export function inviteeFails({ kind }: ConferenceRow): Procedure<FailureTurn> {
  return PROCEDURES[kind].fails;
}

function failLeg(turn: LegTurn & { readonly warning?: string }, status: number, reason: string): void {
  const { work, world, leg, warning } = turn;
  // R-7.2.1.7-10, and with its Warning R-7.2.1.7-fwd403.
  tellReferrers(work, world, leg.id, { status, reason, ...(warning === undefined ? {} : { warning }) });
  const current = work.legs.get(leg.id) ?? leg;
  const marked = work.legs.put({ ...current, failureCode: status });
  if (marked.state === 'leaving') return;
  const method = status === 486 || status === 600 ? 'busy' : 'failed';
  legIsOver(work, world, marked, { method, reason: `SIP;cause=${status};text="${reason}"` });
}

const REASONS: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};
