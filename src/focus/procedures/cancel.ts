/** CANCEL of an INVITE that has no final response (RFC 3261 section 9.2); the Kamailio script has answered it 200. */
import type { LegRow } from '../conference.ts';
import { STAGE } from '../decision.ts';
import { legIsOver } from '../leg-end.ts';
import { done, type Procedure, step } from '../procedure.ts';
import { applyReleasePolicy, release } from '../removal.ts';
import { serverHeader } from '../responses.ts';
import type { LegTurn } from '../turn.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';

/** The final reply of an INVITE that its caller has given up. */
export function terminatePending(work: Work, world: World, { id, dialog, transaction }: LegRow): void {
  if (transaction === undefined) return;
  work.effect({
    stage: STAGE.reply,
    kind: 'reply',
    transaction,
    leg: id,
    reply: {
      code: 487,
      reason: 'Request Terminated',
      toTag: dialog.localTag,
      headers: [serverHeader(world.settings)],
    },
  });
}

export const cancelReceived: Procedure<LegTurn> = {
  clause: 'RFC3261-9.2',
  name: 'CANCEL of a pending INVITE',
  steps: [
    step('RFC3261-9.2', 'answer the INVITE with 487', ({ work, world, leg }) => {
      terminatePending(work, world, leg);
      return done('487');
    }),
    step('7.2.2.2-cancel', 'the invitations of a session that does not come about are cancelled', (turn) => {
      const { work, world, trace, leg } = turn;
      const isInitiator = work.row.initiator === leg.participant;
      legIsOver(work, world, leg, { method: 'departed', reason: 'the request was cancelled' });
      if (work.row.phase === 'forming' && isInitiator) {
        release(work, world, trace, 'the inviter cancelled the request');
        return done('the session is given up');
      }
      return done(`the caller is gone; ${applyReleasePolicy(work, world, trace)}`);
    }),
  ],
};
