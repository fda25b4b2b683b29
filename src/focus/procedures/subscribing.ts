/** 7.2.1.12 Subscribing to participant information: SUBSCRIBE with Event: conference. */

import { CONTENT_TYPES } from '../../documents/content-types.ts';
import { accepts } from '../../sip/accept.ts';
import { parseEvent } from '../../sip/event.ts';
import { header } from '../../sip/message.ts';
import { parseExpires } from '../../sip/session-expires.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { hasKey, type SubscriptionRow } from '../conference.ts';
import { type Effect, forbidden, type HeaderLine, refusal, STAGE } from '../decision.ts';
import { dialogFromRequest } from '../dialogs.ts';
import { lastNotify, stateNotify } from '../notification.ts';
import { rightsIn } from '../policy/group-policy.ts';
import { by, done, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { focusContact, serverHeader } from '../responses.ts';
import type { RequestTurn } from '../turn.ts';
import { Work } from '../work.ts';
import { takeFromCore } from './core-step.ts';
import { conferenceMissing } from './group-steps.ts';
import { findOriginator, NOT_AUTHENTICATED } from './invite-steps.ts';
import { ownSessionOfFactory, sessionOf, targetOf } from './target.ts';

const DEFAULT_EXPIRES_S = 3600;

export interface SubscribeTurn extends RequestTurn {
  /** The subscription that is being set up, with what is told of it. */
  subscribed?: {
    readonly subscription: SubscriptionRow;
    readonly expiresS: number;
    code?: 200;
    readonly headers: HeaderLine[];
    notify: Effect | undefined;
  };
}

export const subscribing: Procedure<SubscribeTurn> = {
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
    step('RFC6665-8.2.1', 'the sender takes documents of the package', ({ request }) =>
      accepts(request, CONTENT_TYPES.conferenceInfo)
        ? pass(header(request, 'accept') ?? 'no Accept header: the default type')
        : refuse(
            refusal(406, 'Not Acceptable', `only ${CONTENT_TYPES.conferenceInfo} is sent here`, [
              ['Accept', CONTENT_TYPES.conferenceInfo],
            ]),
            `Accept: ${header(request, 'accept')}`,
          ),
    ),
    step('R-7.2.1.12-1', 'the session identity is owned by this server', (turn) => {
      if (targetOf(turn.request, turn.world) !== 'session') return pass('not a session identity');
      const conference = sessionOf(turn.request, turn.world);
      if (conference === undefined)
        return refuse(conferenceMissing(turn.world), `no session has the identity ${turn.request.uri}`);
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
      const conference = turn.world.findConferenceOfGroup(addressKey(address));
      const group = conference?.row.group ?? turn.world.findGroup(address);
      if (group === undefined)
        return refuse(conferenceMissing(turn.world), `${address} is no group of this server (11.2)`);
      turn.group = group;
      if (conference !== undefined) turn.work = Work.on(conference);
      return pass(address);
    }),
    step('R-7.2.1.12-3', 'the originator is authenticated and authorised', (turn) => {
      const originator = findOriginator(turn);
      if (originator === undefined) return refuse(NOT_AUTHENTICATED);
      return pass(`${originator.primary} (${turn.origin.trust})`);
    }),
    step('R-7.2.1.12-3-note', 'the user has not too many subscriptions (local policy)', (turn) => {
      const { maxSubscriptionsPerUser } = turn.world.settings.limits;
      const own = turn.workIfAny?.subscriptions.filter(({ event, participant }) => {
        const subscriber = turn.work.participants.get(participant);
        return event === 'conference' && subscriber !== undefined && hasKey(subscriber, turn.verified.keys);
      });
      const found = `${own?.length ?? 0} of ${maxSubscriptionsPerUser}`;
      return (own?.length ?? 0) >= maxSubscriptionsPerUser
        ? refuse(forbidden('the user has too many subscriptions to this session'), found)
        : pass(found);
    }),
    step('R-7.2.1.12-4', 'allow-conference-state permits it and the user takes part', (turn) => {
      const group = turn.workIfAny?.row.group ?? turn.group;
      const inGroup = group === undefined ? undefined : rightsIn(group, turn.verified, turn.world.nowMs);
      const rule = inGroup?.ruleFor('conferenceState');
      const granted = inGroup === undefined ? '' : `${inGroup.wordsFor('conferenceState')}; `;
      if (inGroup !== undefined && !inGroup.rights.conferenceState) {
        const why = forbidden('the user is not allowed to see the participants of this group');
        return by(rule, refuse(why, `${turn.verified.primary}: ${inGroup.wordsFor('conferenceState')}`));
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
      return by(rule, pass(`${granted}${participant.address} takes part`));
    }),
    takeFromCore('R-7.2.1.12-ims'),
    step('R-7.2.1.12-5', 'create the subscription', (turn) => {
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
      turn.subscribed = { subscription, expiresS, headers: [], notify: undefined };
      return done(`expires in ${expiresS} s`);
    }),
    step('R-7.2.1.12-5a', 'build a 200 with what was granted', ({ subscribed, world, charging }) => {
      if (subscribed === undefined) return skip('there is no subscription');
      subscribed.code = 200;
      subscribed.headers.push(
        ['Expires', String(subscribed.expiresS)],
        serverHeader(world.settings),
        ...charging,
      );
      return done('200');
    }),
    step('R-7.2.1.12-6', "Contact is the server's address", ({ subscribed, work, world }) => {
      subscribed?.headers.push(focusContact(work.row, world.settings));
      return done(work.row.identity);
    }),
    step('R-7.2.1.12-7', 'send the 200', ({ subscribed, work, origin, toTag }) => {
      if (subscribed?.code === undefined) return skip('there is no 200');
      const { code, headers } = subscribed;
      work.effect({
        stage: STAGE.reply,
        kind: 'reply',
        transaction: origin.transaction,
        reply: { code, reason: 'OK', toTag, headers },
      });
      return done('sent');
    }),
    step('R-7.2.1.12-8', 'build an initial NOTIFY with the full state (7.2.2.10)', (turn) => {
      const { subscribed, work, world } = turn;
      if (subscribed === undefined) return skip('there is no subscription');
      const { subscription, expiresS } = subscribed;
      const isFetch = expiresS === 0;
      subscribed.notify = isFetch
        ? lastNotify(work, world, subscription, 'timeout')
        : stateNotify(work, world, subscription);
      return done(isFetch ? 'the only one: Expires was 0 (A-46)' : 'active');
    }),
    step('R-7.2.1.12-9', 'send it', ({ subscribed, work }) => {
      if (subscribed?.notify === undefined) return skip('there is no NOTIFY');
      work.effect(subscribed.notify);
      return done('after the 200');
    }),
  ],
};

/** What the client asks for, up to our maximum (RFC 6665 section 4.2.1.1). */
export function grantedExpiresS(request: RequestTurn['request'], maximumS: number): number {
  const asked = header(request, 'expires');
  return Math.min(asked === undefined ? DEFAULT_EXPIRES_S : parseExpires(asked), maximumS);
}
