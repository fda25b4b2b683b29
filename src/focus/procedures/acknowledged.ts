/** The ACK of a 200 of ours, perhaps with the answer to our offer (RFC 3261 section 13.3.1.4, RFC 3264). */
import type { SipRequest } from '../../sip/message.ts';
import { sdpOf } from '../bodies.ts';
import { holdsBye } from '../conference.ts';
import { sendWanted } from '../leg-modification.ts';
import { peerMediaFromAnswer } from '../media.ts';
import { done, type Procedure, skip, step, stop } from '../procedure.ts';
import { noteReleasePolicy, sendBye, sendHeldBye } from '../removal.ts';
import type { LegTurn } from '../turn.ts';
import { putLegs } from '../user-plane.ts';

export interface AckTurn extends LegTurn {
  readonly request: SipRequest;
}

export const acknowledged: Procedure<AckTurn> = {
  clause: '7.2.1.1',
  name: 'ACK',
  steps: [
    step('RFC3261-13.3.1.4', 'the 200 is acknowledged: it is not waited for any more', (turn) => {
      const { ack: _, ...deadlines } = turn.leg.deadlines;
      const { isAnswering: __, ...leg } = turn.leg;
      turn.leg = turn.work.legs.put({ ...leg, deadlines, isConfirmed: true });
      return done(turn.leg.dialog.callId);
    }),
    step('RFC3261-15', 'a BYE that waited for it leaves', ({ work, world, trace, leg }) => {
      if (!holdsBye(leg)) return skip('none waits');
      sendHeldBye(work, world, trace, leg);
      return stop(leg.endReason ?? '');
    }),
    step('RFC3264-5', 'an answer to the offer of the 200', (turn) => {
      const { work, world, trace, request } = turn;
      const { awaitsAnswer, ...leg } = turn.leg;
      // Only what was asked for is an answer: anybody can send an ACK.
      if (awaitsAnswer === undefined) return skip('the 200 had the answer');
      turn.leg = work.legs.put(leg);
      const remoteSdp = sdpOf(request);
      const media = remoteSdp === undefined ? undefined : peerMediaFromAnswer(remoteSdp);
      if (remoteSdp !== undefined && media !== undefined) {
        turn.leg = work.legs.put({ ...leg, media, remoteSdp });
        putLegs(work, world, [turn.leg], false);
        return done('the switch is told');
      }
      if (leg.media !== undefined) return skip('no usable answer: the old parameters stay');
      sendBye(work, world, trace, leg, { method: 'failed', reason: 'the ACK brought no usable answer' });
      noteReleasePolicy(work, world, trace);
      return stop('no usable answer: BYE');
    }),
    step('7.2.2.6', 'what waited for the ACK is asked of the client now', ({ work, world, trace, leg }) => {
      if (leg.wanted === undefined) return skip('nothing waits');
      sendWanted(work, world, trace, leg);
      return done(leg.wanted.sdp === undefined ? 'a refresh' : 'an offer');
    }),
  ],
};
