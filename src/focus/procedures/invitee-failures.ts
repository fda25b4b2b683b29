/** What an invited user's refusal does: the "-fail-" lists of 7.2.1.2 and 7.2.1.3. */

import { header, type SipResponse } from '../../sip/message.ts';
import { parseWarning } from '../../sip/warning.ts';
import type { ConferenceRow, LegRow } from '../conference.ts';
import { type HeaderLine, STAGE } from '../decision.ts';
import { pendingInitiator } from '../initiator.ts';
import { legIsOver } from '../leg-end.ts';
import { failureCode } from '../policy/failure-code.ts';
import { done, type Procedure, skip, step, stop } from '../procedure.ts';
import { type Progress, tellReferrers } from '../refer-subscription.ts';
import { release, releaseAfterRemoval, removeParticipant } from '../removal.ts';
import { serverHeader, warningHeader } from '../responses.ts';
import type { LegTurn } from '../turn.ts';
import type { Work } from '../work.ts';

/** The clause that set the session up; both have the same two lists. */
export type SetUpClause = '7.2.1.2' | '7.2.1.3';

/** `response` is also 408 for no answer in time. */
export interface FailureTurn extends LegTurn {
  readonly response: Progress & Partial<Pick<SipResponse, 'headers'>>;
  /** Why the invitee refused, in its own words. */
  warning?: string | undefined;
  /** What the inviter is told; undefined: the inviter is not to be answered, or not yet. */
  code?: number | undefined;
}

const fails = (clause: SetUpClause): Procedure<FailureTurn> => ({
  clause,
  name: 'An invited user has refused or cannot be reached',
  steps: [
    step('R-7.2.1.7-fwd403', 'the Warning of the refusal is for who referred (A-37)', (turn) => {
      turn.warning = warningOf(turn.response);
      return turn.warning === undefined ? skip('it has none') : done(`"${turn.warning}"`);
    }),
    step('R-7.2.1.7-10', 'NOTIFY who referred of the result', ({ work, world, leg, response, warning }) => {
      const { status, reason } = response;
      const told = { status, reason, ...(warning === undefined ? {} : { warning }) };
      const count = tellReferrers(work, world, leg.id, told);
      return count === 0 ? skip('nobody waits for it') : done(`${status}`);
    }),
    step('7.2.2.2-fail', 'the invitation failed', ({ work, world, leg, response: { status, reason } }) => {
      const marked = work.legs.put({ ...(work.legs.get(leg.id) ?? leg), failureCode: status });
      // Ended by our BYE: its response ends the leg.
      if (marked.state === 'leaving') return done(`${status} ${reason}`);
      const method = status === 486 || status === 600 ? 'busy' : 'failed';
      legIsOver(work, world, marked, { method, reason: `SIP;cause=${status};text="${reason}"` });
      return done(`${status} ${reason}`);
    }),
    step(`R-${clause}-fail-1s`, 'all have failed: choose the code for the inviter by policy', (turn) => {
      const { work, world } = turn;
      if (pendingInitiator(work) === undefined) return skip('the inviter has its final response');
      const ringing = work.legs.filter((leg) => leg.state === 'inviting').length;
      if (ringing > 0) return stop(`${ringing} invitation(s) still pending`);
      const codes = codesOf(work);
      turn.code = failureCode(codes, world.settings.adHoc.failureCode);
      return done(`${turn.code} chosen of ${codes.join(', ')}`);
    }),
    step(`R-${clause}-fail-1`, 'all have failed and the inviter is unanswered: send the response', (turn) => {
      const pending = pendingInitiator(turn.work);
      if (pending === undefined) return skip('the inviter has its final response');
      refuseInviter(turn, pending, turn.code ?? NO_CODE_CHOSEN);
      return stop('sent; the session is given up');
    }),
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
    releaseAfterRemoval,
  ],
});

/** Server Internal Error: policy has chosen none. */
const NO_CODE_CHOSEN = 500;

/** The failures so far, one for each invited user that failed. */
function codesOf(work: Work): number[] {
  return work.legs.filter(() => true).flatMap(({ failureCode: code }) => (code === undefined ? [] : [code]));
}

function refuseInviter({ work, world, trace }: LegTurn, pending: LegRow, code: number): void {
  const lines: HeaderLine[] = [
    warningHeader(world.settings, `none of the invited users joined (${codesOf(work).join(', ')})`),
    serverHeader(world.settings),
  ];
  if (pending.transaction !== undefined) {
    work.effect({
      stage: STAGE.reply,
      kind: 'reply',
      transaction: pending.transaction,
      leg: pending.id,
      reply: {
        code,
        reason: REASONS[code] ?? 'Invitation Failed',
        toTag: pending.dialog.localTag,
        headers: lines,
      },
    });
  }
  legIsOver(work, world, pending, { method: 'failed', reason: `SIP;cause=${code}` });
  release(work, world, trace, 'all invitations failed');
}

/** The text of its Warning: `isfocus already assigned` of an invitee that is a focus itself. */
function warningOf({ headers }: FailureTurn['response']): string | undefined {
  const value = headers === undefined ? undefined : header({ headers }, 'warning');
  if (value === undefined) return undefined;
  try {
    return parseWarning(value).text;
  } catch {
    return undefined;
  }
}

const PROCEDURES = { 'ad-hoc': fails('7.2.1.2'), group: fails('7.2.1.3') } as const;

export function inviteeFails({ kind }: ConferenceRow): Procedure<FailureTurn> {
  return PROCEDURES[kind];
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
