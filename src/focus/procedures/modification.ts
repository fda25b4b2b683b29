/** 7.2.1.6 Session modification and 7.2.1.11 Session refresh: a re-INVITE or UPDATE inside the dialog of a leg. */
import { isSameRevision, parseSdp } from '../../sdp/session.ts';
import { allowedMethods, optionTags } from '../../sip/option-tags.ts';
import { sdpOf } from '../bodies.ts';
import { type HeaderLine, refusal, STAGE } from '../decision.ts';
import { contactUri, cseqNumber } from '../dialogs.ts';
import {
  answerText,
  chooseAcceptTypes,
  offerText,
  peerMediaFromOffer,
  readOffer,
  supportedDescription,
} from '../media.ts';
import { done, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { ALLOW, focusContact, SUPPORTED, serverHeader } from '../responses.ts';
import { negotiateInterval, sessionDeadlineMs } from '../session-timer.ts';
import type { LegRequestTurn } from '../turn.ts';
import { putLegs } from '../user-plane.ts';

export const modification: Procedure<LegRequestTurn> = {
  clause: '7.2.1.6',
  name: 'Session modification or refresh',
  steps: [
    step('RFC3261-14.2', 'no other INVITE of this leg is pending', ({ leg }) =>
      leg.transaction === undefined
        ? pass('none is')
        : refuse(refusal(491, 'Request Pending', 'another request of this leg is pending')),
    ),
    step('RFC4028-9', 'the session interval is long enough', (turn) => {
      const { leg, request, world } = turn;
      const supportsTimer = optionTags(request, 'Supported').includes('timer');
      const interval = negotiateInterval(request, supportsTimer, world.settings.session);
      if (!interval.ok) {
        return refuse(
          refusal(
            422,
            'Session Interval Too Small',
            `the session interval must be at least ${interval.minSeS} s`,
            [['Min-SE', String(interval.minSeS)]],
          ),
        );
      }
      turn.leg = {
        ...leg,
        expiresS: interval.expiresS,
        supportsTimer,
        allow: allowedMethods(request) ?? leg.allow,
        dialog: {
          ...leg.dialog,
          remoteCSeq: cseqNumber(request),
          remoteTarget: contactUri(request) ?? leg.dialog.remoteTarget,
          flow: turn.origin.src,
        },
      };
      return pass(`${interval.expiresS} s`);
    }),
    step('R-7.2.1.6-1', 'the new offer is acceptable', (turn) => {
      const { work, world, leg } = turn;
      const text = sdpOf(turn.request);
      if (text === undefined) {
        // Without an offer the 200 carries ours and the answer comes in the ACK (RFC 3264, A-31); UPDATE has none at all.
        if (turn.request.method === 'INVITE') {
          turn.leg = { ...leg, localSdp: leg.localSdp ?? offerText(work.row, world.settings, leg.sessionId) };
        }
        return skip('no offer: a refresh');
      }
      if (leg.remoteSdp !== undefined && isSameRevision(parseSdp(text), parseSdp(leg.remoteSdp))) {
        return skip('the same offer again: a refresh');
      }
      const offer = readOffer(text, world.settings.media);
      if (!offer.ok) {
        return refuse(
          refusal(
            488,
            'Not Acceptable Here',
            offer.reason,
            [['Content-Type', 'application/sdp']],
            supportedDescription(world.settings),
          ),
        );
      }
      const acceptTypes = chooseAcceptTypes(
        offer.media.acceptTypes,
        undefined,
        world.settings.media.acceptTypes,
      );
      const localSdp = answerText(work.row, world.settings, leg, offer, acceptTypes);
      turn.leg = work.legs.put({
        ...leg,
        media: peerMediaFromOffer(offer),
        remoteSdp: text,
        localSdp,
        sdpVersion: leg.sdpVersion + 1,
      });
      putLegs(work, [turn.leg], true);
      return done(`accept-types ${acceptTypes.join(' ')}; the switch is told (R-7.2.1.6-2)`);
    }),
    step('R-7.2.1.11-1', 'a 200 with Session-Expires, refresher=uac; the timer restarts', (turn) => {
      const { work, world, leg, request, origin } = turn;
      const expiresS = leg.expiresS ?? world.settings.session.expiresS;
      turn.leg = work.legs.put({
        ...leg,
        deadlines: {
          ...leg.deadlines,
          ...(leg.deadlines.session === undefined && !leg.supportsTimer
            ? {}
            : { session: sessionDeadlineMs(world.nowMs, expiresS) }),
          ...(request.method === 'INVITE' ? { ack: world.nowMs + 32_000 } : {}),
        },
      });
      const hasBody = request.method === 'INVITE' || sdpOf(request) !== undefined;
      const headers: HeaderLine[] = [
        ALLOW,
        SUPPORTED,
        ...(leg.supportsTimer ? ([['Require', 'timer']] as const) : []),
        ['Session-Expires', `${expiresS};refresher=uac`],
        focusContact(work.row, world.settings),
        serverHeader(world.settings),
        ...(hasBody ? ([['Content-Type', 'application/sdp']] as const) : []),
      ];
      work.effect({
        stage: STAGE.reply,
        kind: 'reply',
        transaction: origin.transaction,
        leg: leg.id,
        reply: {
          code: 200,
          reason: 'OK',
          toTag: leg.dialog.localTag,
          headers,
          ...(hasBody && leg.localSdp !== undefined ? { body: leg.localSdp } : {}),
        },
      });
      return done(`${expiresS} s`);
    }),
  ],
};
