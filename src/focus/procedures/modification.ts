/** 7.2.1.6 Session modification and 7.2.1.11 Session refresh: a re-INVITE or UPDATE inside the dialog of a leg. */
import { isSameRevision, parseSdp } from '../../sdp/session.ts';
import { allowedMethods, optionTags } from '../../sip/option-tags.ts';
import { sdpOf } from '../bodies.ts';
import type { LegRow } from '../conference.ts';
import { type HeaderLine, refusal, STAGE } from '../decision.ts';
import { cseqNumber, newTarget } from '../dialogs.ts';
import { upTo } from '../leg-modification.ts';
import { legHasMoved } from '../leg-move.ts';
import {
  type AcceptableOffer,
  answerText,
  chooseAcceptTypes,
  offerText,
  peerMediaFromOffer,
  readOffer,
  supportedDescription,
} from '../media.ts';
import { tellOthers } from '../policy/modification.ts';
import { done, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { ALLOW, focusContact, SUPPORTED, serverHeader } from '../responses.ts';
import {
  agreedInterval,
  leavesRefreshToUs,
  negotiateInterval,
  timerDeadlines,
  withoutTimer,
} from '../session-timer.ts';
import type { LegRequestTurn } from '../turn.ts';
import { putLegs } from '../user-plane.ts';
import type { Work } from '../work.ts';
import { takeFromCore } from './core-step.ts';

export interface ModificationTurn extends LegRequestTurn {
  /** The offer that changes something. */
  newOffer?: AcceptableOffer;
  /** Header fields of the 200 that is being built. */
  accepted?: HeaderLine[];
}

export const modification: Procedure<ModificationTurn> = {
  clause: '7.2.1.6',
  name: 'Session modification or refresh',
  steps: [
    step('RFC3261-14.2', 'no earlier INVITE of the client waits for its final response', (turn) => {
      const { leg, world } = turn;
      const isWaiting = leg.transaction !== undefined || leg.isAnswering === true;
      if (!isWaiting) return pass('none does');
      if (!isOffering(turn)) return pass('one does, but this is no offer');
      const retryAfterS = String(upTo(10, world.ids));
      return refuse(
        refusal(500, 'Server Internal Error', 'an earlier INVITE has no final response yet', [
          ['Retry-After', retryAfterS],
        ]),
      );
    }),
    step('RFC3261-14.2', 'no offer of ours is open', (turn) => {
      const { leg } = turn;
      const isOpen = leg.asked?.method === 'INVITE' || leg.awaitsAnswer === true;
      if (!isOpen) return pass('none is');
      if (!isOffering(turn)) return pass('one is, but this is no offer');
      return refuse(refusal(491, 'Request Pending', 'an offer of ours in this session has no answer yet'));
    }),
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
          remoteTarget: newTarget(request) ?? leg.dialog.remoteTarget,
          flow: turn.origin.src,
        },
      };
      return pass(`${interval.expiresS} s`);
    }),
    step('R-7.2.1.6-1', 'the new offer is acceptable', (turn) => {
      const { world, leg } = turn;
      const text = sdpOf(turn.request);
      if (text === undefined) return skip('no offer: a refresh');
      // Who does not know yet where the session has moved to finds it in the answer.
      const isRefresh = leg.isMoving !== true && leg.remoteSdp !== undefined;
      if (isRefresh && isSameRevision(parseSdp(text), parseSdp(leg.remoteSdp ?? '')))
        return skip('the same offer again: a refresh');
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
      turn.newOffer = offer;
      return done(`m-line ${offer.index + 1}, accept-types ${offer.media.acceptTypes.join(' ')}`);
    }),
    // Without an offer the 200 carries ours and the answer comes in the ACK; UPDATE has none at all.
    step('RFC3264-5', 'a re-INVITE without an offer asks for ours', (turn) => {
      const { work, world, leg, request } = turn;
      if (request.method !== 'INVITE' || sdpOf(request) !== undefined) return skip('it does not');
      const localSdp = leg.localSdp ?? offerText(work.row, world.settings, leg.sessionId);
      turn.leg = { ...leg, localSdp, awaitsAnswer: true };
      return done('in the 200');
    }),
    step('R-7.2.1.6-2', 'work with the MSRP switch', (turn) => {
      const { work, world, leg, newOffer, request } = turn;
      if (newOffer === undefined) return skip('nothing changes for it');
      turn.leg = work.legs.put({
        ...(leg.isMoving === true ? moved(work, leg) : leg),
        media: peerMediaFromOffer(newOffer),
        remoteSdp: newOffer.text,
        ...(request.method === 'INVITE' ? { isAnswering: true } : {}),
      });
      putLegs(work, world, [turn.leg], true);
      return done(`switch ${work.row.switchId} is told of the new parameters`);
    }),
    takeFromCore(['R-7.2.1.6-ims', 'R-7.2.1.11-ims'], ({ leg }) => leg.dialog.routeSet),
    step('R-7.2.1.6-3', 'build a 200', (turn) => {
      const { work, world, charging } = turn;
      turn.accepted = [
        ALLOW,
        SUPPORTED,
        focusContact(work.row, world.settings),
        serverHeader(world.settings),
        ...charging,
      ];
      return done('200');
    }),
    step('R-7.2.1.6-3a', 'an SDP answer of the new offer in it', (turn) => {
      const { work, world, leg, newOffer } = turn;
      if (newOffer === undefined) return skip('there is no new offer');
      const permitted = world.settings.media.acceptTypes;
      const acceptTypes = chooseAcceptTypes(newOffer.media.acceptTypes, undefined, permitted);
      const localSdp = answerText(work.row, world.settings, leg, newOffer, acceptTypes);
      turn.leg = { ...leg, localSdp, sdpVersion: leg.sdpVersion + 1 };
      return done(`accept-types ${acceptTypes.join(' ')}`);
    }),
    step('R-7.2.1.11-1', 'Session-Expires with refresher=uac; the timer restarts', (turn) => {
      const { world, leg, request, accepted } = turn;
      const expiresS = leg.expiresS ?? world.settings.session.expiresS;
      const isSupervised =
        leg.state === 'connected' && (leg.supportsTimer || leg.deadlines.session !== undefined);
      // From now on it is settled by this request, whoever refreshed before.
      const { isRefresher: _, ...others } = leg;
      const isRefresher = leavesRefreshToUs(request, leg.supportsTimer, world.settings.readings);
      turn.leg = {
        ...others,
        ...(isRefresher ? { isRefresher } : {}),
        deadlines: {
          ...withoutTimer(leg),
          ...(isSupervised ? timerDeadlines(world.nowMs, expiresS, isRefresher) : {}),
        },
      };
      if (leg.supportsTimer) accepted?.push(['Require', 'timer']);
      accepted?.push(agreedInterval(expiresS, turn.leg));
      return done(`${expiresS} s`);
    }),
    step('R-7.2.1.6-3b', 'send the 200', (turn) => {
      const { work, world, leg, request, origin, accepted } = turn;
      if (accepted === undefined) return skip('there is no 200');
      const isInvite = request.method === 'INVITE';
      const answered = isInvite
        ? {
            inviteCSeq: cseqNumber(request),
            deadlines: { ...leg.deadlines, ack: world.nowMs + 64 * world.settings.t1Ms },
          }
        : {};
      turn.leg = work.legs.put({ ...leg, ...answered });
      const body = isInvite || sdpOf(request) !== undefined ? leg.localSdp : undefined;
      const headers: HeaderLine[] = [...accepted];
      if (body !== undefined) headers.push(['Content-Type', 'application/sdp']);
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
          ...(body === undefined ? {} : { body }),
        },
      });
      return done('along the route of the dialog');
    }),
    step('R-7.2.1.6-note', 'tell the others, by local policy (7.2.2.6)', (turn) => {
      const { work, world, trace, leg, newOffer } = turn;
      if (newOffer === undefined) return skip('nothing changes for them');
      if (world.settings.readings.modificationTells === 'nobody')
        return skip('the policy is not to (readings.modificationTells)');
      const told = tellOthers(work, world, trace, leg);
      if (told === undefined) return skip('the types that all of them take are what they were');
      return done(`${told.count} other(s): accept-types ${told.acceptTypes.join(' ')}`);
    }),
  ],
};

/** The answer has the path to the present switch: the client need not be asked any more. */
function moved(work: Work, leg: LegRow): LegRow {
  const { wanted: _, ...rest } = leg;
  const { wanted: __, ...deadlines } = leg.deadlines;
  return legHasMoved(work, { ...rest, deadlines });
}

/** An UPDATE without SDP is outside of offer and answer, and may come at any time (RFC 3311 section 5.2). */
function isOffering({ request }: LegRequestTurn): boolean {
  return request.method === 'INVITE' || sdpOf(request) !== undefined;
}
