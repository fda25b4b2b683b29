/** Steps that several INVITE procedures have in common; each clause names them by its own ids. */

import { deviceOf, hasIsFocus } from '../../sip/contact.ts';
import { allowedMethods, optionTags, privacyValues } from '../../sip/option-tags.ts';
import { sdpOf } from '../bodies.ts';
import { newAlias } from '../chat-alias.ts';
import type { ConferenceRow, LegRow, ParticipantRow } from '../conference.ts';
import { hasKey } from '../conference.ts';
import { type DecidingRule, forbidden, refusal } from '../decision.ts';
import { cseqNumber, dialogFromRequest } from '../dialogs.ts';
import { chooseDisplayName } from '../display-name.ts';
import { isSecure, offeredTransport, peerMediaFromOffer, readOffer, supportedDescription } from '../media.ts';
import { authenticatedOriginator } from '../originator.ts';
import { by, done, pass, refuse, type Step, skip, step } from '../procedure.ts';
import { leavesRefreshToUs, negotiateInterval } from '../session-timer.ts';
import type { RequestTurn } from '../turn.ts';
import { targetOf } from './target.ts';

/** 5.1, A-9: who asks, as asserted by the edge. */
export function findOriginator(turn: RequestTurn) {
  turn.originator = authenticatedOriginator(turn.origin.asserted);
  return turn.originator;
}

export const NOT_AUTHENTICATED = forbidden('the originator is not authenticated: no identity was asserted');

export function isFocusCheck(id: string): Step<RequestTurn> {
  return step(id, 'Contact does not have isfocus yet', ({ request }) =>
    hasIsFocus(request)
      ? refuse(forbidden('isfocus already assigned'), 'Contact has isfocus: another server is the focus')
      : pass('Contact has no isfocus'),
  );
}

/** The methods in Allow are kept with the leg; none that is missing there is sent to this client. */
export function storeAllow(id: string): Step<RequestTurn> {
  return step(id, 'remember the methods of Allow', (turn) => {
    const methods = allowedMethods(turn.request);
    turn.allow = methods ?? [];
    return methods === undefined ? skip('no Allow header') : done(methods.join(', '));
  });
}

export function useDisplayName(id: string): Step<RequestTurn> {
  return step(id, 'display name by priority (5.5)', (turn) => {
    const { displayNamePriority } = turn.world.settings;
    const chosen = chooseDisplayName(displayNamePriority, turn.verified, turn.request, turn.group);
    turn.displayName = chosen?.name;
    return chosen === undefined ? skip('none is given') : done(`"${chosen.name}" from ${chosen.source}`);
  });
}

/** 7.2.3.2: an alias unique in the session. `isAllowed` says what grants it, or undefined. */
export const ANONYMITY_NOT_ALLOWED = forbidden('anonymity is not allowed in this session');

export function useChatAlias(
  id: string,
  grant: (turn: RequestTurn) => {
    readonly isAllowed: boolean;
    readonly by: string;
    readonly rule?: DecidingRule;
  },
): Step<RequestTurn> {
  return step(id, 'chat alias when privacy is requested (7.2.3.2)', (turn) => {
    const wanted = privacyValues(turn.request).some((value) => ['id', 'user', 'header'].includes(value));
    if (!wanted) return skip('no privacy is requested');
    const { isAllowed, by: why, rule } = grant(turn);
    if (!isAllowed && turn.world.settings.readings.anonymityRefused === 'show') {
      return by(
        rule,
        skip(`privacy is requested but ${why}: the address is shown (readings.anonymityRefused)`),
      );
    }
    if (!isAllowed) return by(rule, refuse(ANONYMITY_NOT_ALLOWED, why));
    turn.isAnonymous = true;
    return by(rule, done(`an alias is shown instead of the address (${why})`));
  });
}

/** R-…-6/-7: at least one acceptable m=message line; the 488 describes what is supported. */
export function checkOffer(id: string): Step<RequestTurn> {
  return step(id, 'the SDP offer is acceptable', (turn) => {
    const { settings } = turn.world;
    const sdp = sdpOf(turn.request);
    if (sdp === undefined && leavesOfferToUs(turn))
      return skip('the INVITE has no offer: the 200 has ours, the ACK the answer (RFC 3264)');
    const offer =
      sdp === undefined
        ? { ok: false as const, reason: 'the request has no SDP offer' }
        : readOffer(sdp, settings.media);
    if (!offer.ok) {
      return refuse(
        refusal(
          488,
          'Not Acceptable Here',
          offer.reason,
          [['Content-Type', 'application/sdp']],
          supportedDescription(settings),
        ),
      );
    }
    turn.offer = offer;
    return pass(
      `m-line ${offer.index + 1}: ${offer.media.protocol}, accept-types ${offer.media.acceptTypes.join(' ')}`,
    );
  });
}

/**
 * An INVITE without a body leaves the offer to us (RFC 3264 section 5). Not one to a factory: an ad-hoc session speaks what
 * its inviter offers (R-7.2.1.2-ok-2a).
 */
function leavesOfferToUs({ request, world }: RequestTurn): boolean {
  return request.body.length === 0 && targetOf(request, world) !== 'factory';
}

/** RFC 4028 section 9: 422 for an interval below ours. */
export const checkInterval: Step<RequestTurn> = step(
  'RFC4028-9',
  'the session interval is long enough',
  (turn) => {
    const supportsTimer = optionTags(turn.request, 'Supported').includes('timer');
    const interval = negotiateInterval(turn.request, supportsTimer, turn.world.settings.session);
    if (interval.ok) return pass(`${interval.expiresS} s`);
    return refuse(
      refusal(
        422,
        'Session Interval Too Small',
        `the session interval must be at least ${interval.minSeS} s`,
        [['Min-SE', String(interval.minSeS)]],
      ),
    );
  },
);

/** The participant and the leg of who sent the INVITE; rejoining brings an old participant back. */
export function admitSender(turn: RequestTurn, role: ParticipantRow['role'] = 'user'): LegRow {
  const { work, world, request, origin, offer, verified } = turn;
  const known = work.participants.find((participant) => hasKey(participant, verified.keys));
  const participant = work.participants.put({
    ...(known ?? { id: `user-${world.ids.token(60)}`, presence: 'disconnected' as const, isExpelled: false }),
    keys: [...new Set([...verified.keys, ...(known?.keys ?? [])])],
    address: known?.address ?? verified.primary,
    role: known?.role ?? role,
    ...(turn.displayName === undefined ? {} : { displayName: turn.displayName }),
    ...(known?.alias === undefined && turn.isAnonymous ? { alias: newAlias(work, world.ids) } : {}),
  });
  const supportsTimer = optionTags(request, 'Supported').includes('timer');
  const interval = negotiateInterval(request, supportsTimer, world.settings.session);
  const leg = work.legs.put({
    id: `leg-${world.ids.token(60)}`,
    participant: participant.id,
    origin: 'incoming',
    state: 'offered',
    dialog: dialogFromRequest(request, origin, turn.toTag),
    transaction: origin.transaction,
    allow: turn.allow,
    supportsTimer,
    ...deviceOf(request),
    sessionId: world.ids.token(100),
    isTls: isSecure(offer?.transport ?? offeredTransport(turn.work.row)),
    ...(offer === undefined ? {} : { media: peerMediaFromOffer(offer), remoteSdp: offer.text }),
    inviteCSeq: cseqNumber(request),
    ...(turn.charging.length === 0 ? {} : { echoed: turn.charging }),
    sdpVersion: 0,
    expiresS: interval.ok ? interval.expiresS : world.settings.session.expiresS,
    ...(leavesRefreshToUs(request, supportsTimer, world.settings.readings) ? { isRefresher: true } : {}),
    deadlines: {},
  });
  turn.participant = participant;
  turn.leg = leg;
  return leg;
}

/** The identity of a new session: unguessable, and known to Kamailio by its prefix. */
export function newConference(
  turn: RequestTurn,
  of: Pick<ConferenceRow, 'kind' | 'address'> &
    Partial<Pick<ConferenceRow, 'groupKey' | 'group' | 'subject'>>,
  passedOn: ConferenceRow['passedOn'],
): ConferenceRow {
  const { settings, ids, nowMs } = turn.world;
  const id = `${settings.sessionPrefix}${ids.token(100)}`;
  return {
    id,
    identity: `sip:${id}@${settings.host}`,
    ...of,
    passedOn,
    phase: 'forming',
    revision: 0,
    switchId: '',
    switchAddress: { host: '', port: 0 },
    switchRevision: 0,
    initiator: '',
    acceptTypes: [],
    createdMs: nowMs,
  };
}
