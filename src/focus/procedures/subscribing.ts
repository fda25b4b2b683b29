/** 7.2.1.12 Subscribing to participant information: SUBSCRIBE with Event: conference. */

import { parseEvent } from '../../sip/event.ts';
import { header } from '../../sip/message.ts';
import { parseExpires } from '../../sip/session-expires.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasKey } from '../conference.ts';
import { forbidden, type HeaderLine, refusal, STAGE } from '../decision.ts';
import { dialogFromRequest } from '../dialogs.ts';
import { notifyNow, terminateSubscription } from '../notification.ts';
import { rightsIn } from '../policy/group-policy.ts';
import { done, type Procedure, pass, refuse, step } from '../procedure.ts';
import { focusContact, serverHeader } from '../responses.ts';
import type { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import { CONFERENCE_MISSING } from './group-steps.ts';
import { findOriginator, NOT_AUTHENTICATED } from './invite-steps.ts';
import { ownSessionOfFactory, sessionOf, targetOf } from './target.ts';

const DEFAULT_EXPIRES_S = 3600;

export const subscribing: Procedure<RequestTurn> = {
  clause: '7.2.1.12',
  name: 'Subscribing to participant information',
  steps: [
    step('RFC6665-7.2.1', 'the event package is conference', ({ request }) => {
      const event = header(request, 'event');
      return event !== undefined && parseEvent(event).package === 'conference'
        ? pass('conference')
        : refuse(
            refusal(489, 'Bad Event', 'only the event package conference is served here', [
              ['Allow-Events', 'conference'],
            ]),
            event === undefined ? 'no Event header' : `Event: ${event}`,
          );
    }),
    step('R-7.2.1.12-1', 'the session identity is owned by this server', (turn) => {
      if (targetOf(turn.request, turn.world) !== 'session') return pass('not a session identity');
      const conference = sessionOf(turn.request, turn.world);
      if (conference === undefined)
        return refuse(CONFERENCE_MISSING, `no session has the identity ${turn.request.uri}`);
      turn.work = Work.on(conference);
      return pass(conference.row.identity);
    }),
    step('R-7.2.1.12-2', 'the group identity is owned by this server', (turn) => {
      if (turn.workIfAny !== undefined) return pass('a session identity');
      const own = ownSessionOfFactory(turn.request, turn.world, findOriginator(turn)?.keys ?? []);
      if (own !== undefined) {
        turn.work = Work.on(own);
        return pass(`the sender's own session of that factory: ${own.row.identity}`);
      }
      const address = canonicalAddress(turn.request.uri);
      const group = turn.world.findGroup(address);
      if (group === undefined)
        return refuse(CONFERENCE_MISSING, `${address} is no group of this server (11.2)`);
      turn.group = group;
      const conference = turn.world.findConferenceOfGroup(addressKey(group.uri));
      if (conference !== undefined) turn.work = Work.on(conference);
      return pass(address);
    }),
    step('R-7.2.1.12-3', 'the originator is authenticated and authorised', (turn) => {
      const originator = findOriginator(turn);
      if (originator === undefined) return refuse(NOT_AUTHENTICATED);
      const { maxSubscriptionsPerUser } = turn.world.settings.limits;
      const own = turn.workIfAny?.subscriptions.filter((subscription) => {
        const subscriber = turn.work.participants.get(subscription.participant);
        return (
          subscription.event === 'conference' &&
          subscriber !== undefined &&
          hasKey(subscriber, originator.keys)
        );
      });
      return (own?.length ?? 0) >= maxSubscriptionsPerUser
        ? refuse(
            forbidden('the user has too many subscriptions to this session'),
            `${own?.length} of ${maxSubscriptionsPerUser}`,
          )
        : pass(`${originator.primary} (${turn.origin.trust})`);
    }),
    step('R-7.2.1.12-4', 'allow-conference-state permits it and the user takes part', (turn) => {
      const group = turn.workIfAny?.row.group ?? turn.group;
      let granted = '';
      if (group !== undefined) {
        const { rights, grantedBy } = rightsIn(group, turn.verified, turn.world.nowMs);
        if (!rights.conferenceState) {
          return refuse(
            forbidden('the user is not allowed to see the participants of this group'),
            'no rule grants allow-conference-state',
          );
        }
        granted = `allow-conference-state by ${grantedBy('conferenceState')}; `;
      }
      const participant = turn.workIfAny?.participants.find(
        (candidate) => candidate.presence === 'connected' && hasKey(candidate, turn.verified.keys),
      );
      if (participant === undefined) {
        return refuse(
          forbidden('the user does not take part in the session'),
          `${turn.verified.primary} is no participant`,
        );
      }
      turn.participant = participant;
      return pass(`${granted}${participant.address} takes part`);
    }),
    step('R-7.2.1.12-5', 'create the subscription and answer 200', (turn) => {
      const { work, world, request, origin, participant } = turn;
      if (participant === undefined) throw new Error('The participant was not found before this step.');
      const expiresS = grantedExpiresS(request, world.settings.limits.maxSubscriptionExpiresS);
      const event = parseEvent(header(request, 'event') ?? 'conference');
      const expiresAtMs = world.nowMs + expiresS * 1000;
      const subscription = work.subscriptions.put({
        id: `sub-${world.ids.token(60)}`,
        participant: participant.id,
        event: 'conference',
        dialog: dialogFromRequest(request, origin, turn.toTag),
        ...(event.id === undefined ? {} : { eventId: event.id }),
        wantsYourOwn: /\b(IM-client|CPM-client)\b/i.test(header(request, 'user-agent') ?? ''),
        expiresAtMs,
        version: -1,
        lastNotifyMs: 0,
        isStale: false,
        deadlines: { expiry: expiresAtMs },
      });
      reply(turn, work, expiresS);
      if (expiresS === 0) terminateSubscription(work, world, subscription, 'timeout');
      else notifyNow(work, world, subscription);
      return done(`expires in ${expiresS} s`);
    }),
    step('R-7.2.1.12-6', "Contact is the server's address", ({ work }) => done(work.row.identity)),
    step('R-7.2.1.12-8', 'an initial NOTIFY with the full state', () =>
      done('sent after the 200 (R-7.2.1.12-9)'),
    ),
  ],
};

function reply(turn: RequestTurn, work: Work, expiresS: number): void {
  const headers: HeaderLine[] = [
    focusContact(work.row, turn.world.settings),
    ['Expires', String(expiresS)],
    serverHeader(turn.world.settings),
  ];
  work.effect({
    stage: STAGE.reply,
    kind: 'reply',
    transaction: turn.origin.transaction,
    reply: { code: 200, reason: 'OK', toTag: turn.toTag, headers },
  });
}

/** What the client asks for, up to our maximum (RFC 6665 section 4.2.1.1). */
export function grantedExpiresS(request: RequestTurn['request'], maximumS: number): number {
  const asked = header(request, 'expires');
  return Math.min(asked === undefined ? DEFAULT_EXPIRES_S : parseExpires(asked), maximumS);
}
