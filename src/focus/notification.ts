/** 7.2.2.10 Generating a SIP NOTIFY request, and 7.2.2.11 Terminating the subscription. */

import type { SubscriptionRow } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { inDialog } from './dialogs.ts';
import { focusContact } from './responses.ts';
import { rosterDocument } from './roster-document.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export type TerminationReason = 'noresource' | 'timeout' | 'rejected' | 'deactivated' | 'giveup';

/**
 * Told at the end of every decision: subscriptions whose last NOTIFY is old enough are notified now, the others
 * when the interval is over (`notify.minIntervalMs`), so that a burst of joins costs one NOTIFY.
 */
export function notifySubscribers(work: Work, world: World): void {
  const changed = work.participants.changes().map(({ id }) => id);
  for (const subscription of work.subscriptions.filter(({ event }) => event === 'conference')) {
    const told = work.subscriptions.put(withUntold(subscription, changed));
    const dueMs = told.lastNotifyMs + world.settings.notifyMinIntervalMs;
    if (dueMs <= world.nowMs) notifyNow(work, world, told);
    else work.subscriptions.put(dueLater(told, dueMs));
  }
}

/** A subscriber of a roster that is told in parts is told of the changed users; others get the full state anyway. */
function withUntold(subscription: SubscriptionRow, changed: readonly string[]): SubscriptionRow {
  if (subscription.untold === undefined) return subscription;
  return { ...subscription, untold: [...new Set([...subscription.untold, ...changed])] };
}

function dueLater(subscription: SubscriptionRow, dueMs: number): SubscriptionRow {
  const notify = subscription.deadlines.notify ?? dueMs;
  return { ...subscription, isStale: true, deadlines: { ...subscription.deadlines, notify } };
}

/** Sends one subscriber the state, or as much of it as one document holds; the rest follows. */
export function notifyNow(work: Work, world: World, subscription: SubscriptionRow): void {
  const { notify: _, ...deadlines } = subscription.deadlines;
  const remainingS = Math.max(1, Math.round((subscription.expiresAtMs - world.nowMs) / 1000));
  const next = {
    ...subscription,
    version: subscription.version + 1,
    lastNotifyMs: world.nowMs,
    isStale: false,
    deadlines,
    dialog: { ...subscription.dialog, localCSeq: subscription.dialog.localCSeq + 1 },
  };
  const { body, untold } = rosterDocument(work, world, next);
  const { untold: __, ...whole } = next;
  const notified = work.subscriptions.put(untold === undefined ? whole : { ...next, untold });
  if ((untold?.length ?? 0) > 0) {
    work.subscriptions.put(dueLater(notified, world.nowMs + world.settings.notifyMinIntervalMs));
  }
  sendNotify(work, world, notified, `active;expires=${remainingS}`, body);
}

/** The last NOTIFY of a subscription, which is then gone. */
export function terminateSubscription(
  work: Work,
  world: World,
  subscription: SubscriptionRow,
  reason: TerminationReason,
): void {
  const last = {
    ...subscription,
    version: subscription.version + 1,
    dialog: { ...subscription.dialog, localCSeq: subscription.dialog.localCSeq + 1 },
  };
  work.subscriptions.delete(subscription.id);
  sendNotify(work, world, last, `terminated;reason=${reason}`, rosterDocument(work, world, last).body);
}

function sendNotify(
  work: Work,
  world: World,
  subscription: SubscriptionRow,
  state: string,
  body: string,
): void {
  const { dialog } = subscription;
  const request = inDialog(dialog, 'NOTIFY', dialog.localCSeq);
  const event = subscription.eventId === undefined ? 'conference' : `conference;id=${subscription.eventId}`;
  const headers: HeaderLine[] = [
    ...request.headers,
    focusContact(work.row, world.settings),
    ['Event', event],
    ['Subscription-State', state],
    ['User-Agent', world.settings.release],
    ['Content-Type', 'application/conference-info+xml'],
  ];
  work.effect({
    stage: STAGE.notifications,
    kind: 'request',
    method: 'NOTIFY',
    callId: dialog.callId,
    cseq: dialog.localCSeq,
    of: { row: 'subscription', id: subscription.id },
    kam: dialog.kam,
    requestUri: request.requestUri,
    nextHop: request.nextHop,
    headers,
    body,
  });
}
