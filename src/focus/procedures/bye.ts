/** 7.2.1.10 BYE received. */
import { type HeaderLine, STAGE } from '../decision.ts';
import { cseqNumber } from '../dialogs.ts';
import { endDialog, endSubscriptionsOfLeaver, participantLeaves, releaseMedia } from '../leg-end.ts';
import { done, type Procedure, skip, step } from '../procedure.ts';
import { applyReleasePolicy, release, whoseLeg } from '../removal.ts';
import { serverHeader } from '../responses.ts';
import type { LegRequestTurn } from '../turn.ts';
import { terminatePending } from './cancel.ts';
import { takeFromCore } from './core-step.ts';

export const byeReceived: Procedure<LegRequestTurn> = {
  clause: '7.2.1.10',
  name: 'BYE received',
  steps: [
    takeFromCore('R-7.2.1.10-ims', ({ leg }) => leg.dialog.routeSet),
    step('R-7.2.1.10-1', 'answer 200', ({ work, world, leg, origin, charging }) => {
      const headers: HeaderLine[] = [serverHeader(world.settings), ...charging];
      work.effect({
        stage: STAGE.reply,
        kind: 'reply',
        transaction: origin.transaction,
        leg: leg.id,
        reply: { code: 200, reason: 'OK', toTag: leg.dialog.localTag, headers },
      });
      return done('sent');
    }),
    // In an early dialog it gives the INVITE up as a CANCEL does (RFC 3261 section 15.1.2).
    step('RFC3261-15.1.2', 'the dialog is over, and a request in it that waits ends', (turn) => {
      const { work, world, request } = turn;
      const isPending = turn.leg.state === 'offered';
      if (isPending) terminatePending(work, world, turn.leg);
      // A BYE that crosses ours: they left, and ours is answered by their client.
      turn.leg = { ...turn.leg, dialog: { ...turn.leg.dialog, remoteCSeq: cseqNumber(request) } };
      endDialog(work, world, turn.leg, { method: 'departed' });
      return done(`${whoseLeg(work, turn.leg)} leaves${isPending ? ': 487 to the INVITE' : ''}`);
    }),
    step('R-7.2.1.10-2', 'release the MSRP resources of the leg', ({ work, leg }) => {
      releaseMedia(work, leg);
      return done(`leg of ${whoseLeg(work, leg)}`);
    }),
    step('7.2.2.10', 'the roster shows who has left', ({ work, leg }) =>
      participantLeaves(work, leg, { method: 'departed' })
        ? done('the others are told (R-7.2.1.12-chg)')
        : skip(leg.hasLeft === true ? 'it does already' : 'another device of the user goes on'),
    ),
    step('R-7.2.1.10-3', 'release policy (7.2.2.8)', ({ work, world, trace, leg }) => {
      if (work.row.phase === 'forming' && work.row.initiator === leg.participant) {
        release(work, world, trace, 'the inviter gave the request up');
        return done('the inviter gave the request up: the session is released');
      }
      return done(applyReleasePolicy(work, world, trace));
    }),
    step('R-7.2.1.10-4', 'subscription termination policy (7.2.2.11)', ({ work, world, leg }) => {
      const count = endSubscriptionsOfLeaver(work, world, leg);
      return count === 0
        ? skip('who left has no subscription that ends')
        : done(`${count} of who left: terminated`);
    }),
  ],
};
