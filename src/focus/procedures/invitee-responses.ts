/** What an invited user's answer does: 7.2.2.2, and the "-ok-" lists of 7.2.1.2 and 7.2.1.3. */

import { deviceOf } from '../../sip/contact.ts';
import { allowedMethods } from '../../sip/option-tags.ts';
import type { ConferenceRow, LegRow } from '../conference.ts';
import { STAGE } from '../decision.ts';
import { dialogFromResponse, remoteTag } from '../dialogs.ts';
import { initiatorAnswered, pendingInitiator } from '../initiator.ts';
import { moveLeg } from '../leg-move.ts';
import { peerMediaFromAnswer } from '../media.ts';
import { done, type Procedure, runSteps, type Step, skip, step, stop } from '../procedure.ts';
import { tellReferrers } from '../refer-subscription.ts';
import { sendBye } from '../removal.ts';
import { focusContact, serverHeader } from '../responses.ts';
import { timedByAnswer } from '../session-timer.ts';
import type { InviteeTurn } from '../turn.ts';
import { putLegs } from '../user-plane.ts';
import { inviteeFails, type SetUpClause } from './invitee-failures.ts';

/** A response of the invited user is progress for who referred to them (7.2.2.10). */
const tellReferrer: Step<InviteeTurn> = step(
  'R-7.2.1.7-10',
  'NOTIFY who referred of the progress',
  ({ work, world, leg, response }) => {
    if (response.status < 180) return skip(`${response.status}`);
    const count = tellReferrers(work, world, leg.id, response);
    return count === 0 ? skip('nobody waits for it') : done(`${response.status}`);
  },
);

export const inviteeRings: Procedure<InviteeTurn> = {
  clause: '7.2.2.2',
  name: 'An invited user is reached',
  steps: [
    tellReferrer,
    step('7.2.2.2-1xx', 'the invitation rings', ({ work, world, leg, response }) => {
      const participant = work.participants.get(leg.participant);
      if (participant === undefined || response.status < 180) return skip(`${response.status}`);
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

const inviteeStands: Step<InviteeTurn> = step('7.2.2.2-2xx', 'the leg of the invited user stands', (turn) => {
  const { work, world, leg, response } = turn;
  const media = peerMediaFromAnswer(response.body.toString('utf8'));
  const { invite: _, ...deadlines } = leg.deadlines;
  const answered: LegRow = {
    ...leg,
    dialog: dialogFromResponse(leg.dialog, response),
    allow: allowedMethods(response) ?? [],
    ...deviceOf(response),
    deadlines,
  };
  if (media === undefined) {
    refuseUnusable(turn, answered);
    return stop('the answer has no usable MSRP line: BYE, counted as a failure');
  }
  turn.leg = work.legs.put({
    ...timedByAnswer(answered, response, world.settings.session.minSeS, world.nowMs),
    state: 'connected',
    media,
    remoteSdp: response.body.toString('utf8'),
  });
  const participant = work.participants.get(leg.participant);
  if (participant === undefined) throw new Error('A leg without its participant.');
  const { left: __, ...present } = participant;
  work.participants.put({ ...present, presence: 'connected', joined: 'dialed-out' });
  work.rosterChanged();
  work.event({ kind: 'participant-joined', session: work.row.id, participant: participant.address });
  // Invited to a switch that the session has left since.
  if (turn.leg.isMoving === true) turn.leg = moveLeg(work, world, turn.trace, turn.leg);
  putLegs(work, world, [turn.leg], false);
  return done(`${participant.address} is connected; accept-types ${media.acceptTypes.join(' ')} (A-14)`);
});

/** The dialog stands and must be ended; for whoever waits it is a failure like another. */
function refuseUnusable(turn: InviteeTurn, answered: LegRow): void {
  const { work, world, trace, leg } = turn;
  sendBye(work, world, trace, answered, { method: 'failed', reason: 'the answer has no usable MSRP line' });
  const failure = {
    world,
    work,
    trace,
    leg: work.legs.get(leg.id) ?? answered,
    response: { status: 488, reason: 'no usable MSRP line in the answer' },
  };
  runSteps(inviteeFails(work.row).steps, failure, trace);
}

const answers = (clause: SetUpClause): Procedure<InviteeTurn> => ({
  clause,
  name: 'An invited user has answered',
  steps: [inviteeStands, tellReferrer, ...initiatorAnswered[clause === '7.2.1.2' ? 'ad-hoc' : 'group']],
});

/** The same answer once more, or one from another fork: each is ACKed with its own tag, the fork is ended. */
export function answerOfFork(turn: InviteeTurn): boolean {
  const { leg, response } = turn;
  return leg.dialog.remoteTag !== '' && remoteTag(response) !== leg.dialog.remoteTag;
}

const PROCEDURES = { 'ad-hoc': answers('7.2.1.2'), group: answers('7.2.1.3') } as const;

export function inviteeAnswers({ kind }: ConferenceRow): Procedure<InviteeTurn> {
  return PROCEDURES[kind];
}
