/** 7.2.1.10 BYE received. */
import { type HeaderLine, STAGE } from '../decision.ts';
import { cseqNumber } from '../dialogs.ts';
import { done, type Procedure, step } from '../procedure.ts';
import { applyReleasePolicy, legIsOver, release } from '../removal.ts';
import { serverHeader } from '../responses.ts';
import type { LegRequestTurn } from '../turn.ts';
import { terminatePending } from './cancel.ts';

export const byeReceived: Procedure<LegRequestTurn> = {
  clause: '7.2.1.10',
  name: 'BYE received',
  steps: [
    step('R-7.2.1.10-1', 'answer 200', ({ work, world, leg, origin }) => {
      const headers: HeaderLine[] = [serverHeader(world.settings)];
      work.effect({
        stage: STAGE.reply,
        kind: 'reply',
        transaction: origin.transaction,
        leg: leg.id,
        reply: { code: 200, reason: 'OK', toTag: leg.dialog.localTag, headers },
      });
      return done('sent');
    }),
    step('R-7.2.1.10-2', 'release the MSRP resources of the leg', (turn) => {
      const { work, world, trace, request } = turn;
      const leg = { ...turn.leg, dialog: { ...turn.leg.dialog, remoteCSeq: cseqNumber(request) } };
      // A BYE that crosses ours: they left, and ours is answered by their client.
      const wasForming = work.row.phase === 'forming' && work.row.initiator === leg.participant;
      // In an early dialog it gives the INVITE up as a CANCEL does (RFC 3261 section 15.1.2).
      if (leg.state === 'offered') terminatePending(work, world, leg);
      legIsOver(work, world, leg, { method: 'departed' });
      if (wasForming) release(work, world, trace, 'the inviter gave the request up');
      return done(`leg of ${work.participants.get(leg.participant)?.address ?? leg.id}`);
    }),
    step('R-7.2.1.10-3', 'release policy (7.2.2.8)', ({ work, world, trace }) =>
      done(applyReleasePolicy(work, world, trace)),
    ),
    step('R-7.2.1.10-4', 'subscription termination policy (7.2.2.11)', () =>
      done('the subscriptions of who left have ended'),
    ),
  ],
};
