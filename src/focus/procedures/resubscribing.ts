/** A SUBSCRIBE inside its dialog: it refreshes the subscription, or ends it with Expires: 0 (RFC 6665 section 4.2.1.2). */

import { parseEvent } from '../../sip/event.ts';
import { header } from '../../sip/message.ts';
import type { SubscriptionRow } from '../conference.ts';
import { type HeaderLine, refusal, STAGE } from '../decision.ts';
import { cseqNumber, newTarget } from '../dialogs.ts';
import { notifyNow, terminateSubscription } from '../notification.ts';
import { done, type Procedure, pass, refuse, step } from '../procedure.ts';
import { abandonReferSubscription, repeatProgress } from '../refer-subscription.ts';
import { focusContact, serverHeader } from '../responses.ts';
import type { RequestTurn } from '../turn.ts';
import { grantedExpiresS } from './subscribing.ts';

export interface ResubscribeTurn
  extends Pick<RequestTurn, 'world' | 'work' | 'request' | 'origin' | 'trace'> {
  readonly subscription: SubscriptionRow;
}

export const resubscribing: Procedure<ResubscribeTurn> = {
  clause: '7.2.1.12',
  name: 'Refreshing or ending a subscription',
  steps: [
    step('RFC6665-7.2.1', 'the event package is that of the subscription', ({ request, subscription }) => {
      const event = header(request, 'event');
      return event !== undefined && parseEvent(event).package === subscription.event
        ? pass(subscription.event)
        : refuse(
            refusal(489, 'Bad Event', `this dialog is a subscription to ${subscription.event}`, [
              ['Allow-Events', 'conference'],
            ]),
            event === undefined ? 'no Event header' : `Event: ${event}`,
          );
    }),
    step(
      'RFC6665-4.2.1.2',
      'refresh the subscription, or end it',
      ({ world, work, request, origin, subscription }) => {
        const expiresS = grantedExpiresS(request, world.settings.limits.maxSubscriptionExpiresS);
        const expiresAtMs = world.nowMs + expiresS * 1000;
        const refreshed = work.subscriptions.put({
          ...subscription,
          // SUBSCRIBE is a target refresh request (RFC 6665 section 4.1.2.2).
          dialog: {
            ...subscription.dialog,
            remoteCSeq: cseqNumber(request),
            remoteTarget: newTarget(request) ?? subscription.dialog.remoteTarget,
            flow: origin.src,
          },
          expiresAtMs,
          deadlines: { ...subscription.deadlines, expiry: expiresAtMs },
        });
        const headers: HeaderLine[] = [
          focusContact(work.row, world.settings),
          ['Expires', String(expiresS)],
          serverHeader(world.settings),
        ];
        work.effect({
          stage: STAGE.reply,
          kind: 'reply',
          transaction: origin.transaction,
          reply: { code: 200, reason: 'OK', toTag: subscription.dialog.localTag, headers },
        });
        if (refreshed.event === 'refer') {
          if (expiresS === 0) abandonReferSubscription(work, world, refreshed);
          else repeatProgress(work, world, refreshed);
          return done(`refer: expires in ${expiresS} s`);
        }
        if (expiresS > 0) {
          notifyNow(work, world, refreshed);
          return done(`expires in ${expiresS} s`);
        }
        terminateSubscription(work, world, refreshed, 'timeout');
        return done('R-7.2.1.12-term: ended by the client');
      },
    ),
  ],
};
