/** 7.2.2.10 Generating a SIP NOTIFY request, and 7.2.2.11 Terminating the subscription. */

import type { SubscriptionRow } from './conference.ts';
import { type Effect, type HeaderLine, STAGE } from './decision.ts';
import { inDialog } from './dialogs.ts';
import { focusContact } from './responses.ts';
import { rosterDocument } from './roster-document.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export type TerminationReason = 'noresource' | 'timeout' | 'rejected' | 'deactivated' | 'giveup';

/** What has changed is noted with every subscription that is to be told of it. @returns how many */
export function noteChange(work: Work): number {
  const changed = work.participants.changes().map(({ id }) => id);
  const subscriptions = work.subscriptions.filter(({ event }) => event === 'conference');
  for (const subscription of subscriptions)
    work.subscriptions.put({ ...withUntold(subscription, changed), isStale: true });
  return subscriptions.length;
}

/**
 * Tells whoever is to be told: subscriptions whose last NOTIFY is old enough now, the others when the interval is over
 * (`notify.minIntervalMs`), so that a burst of joins costs one NOTIFY. @returns how many now
 */
export function notifySubscribers(work: Work, world: World): number {
  let count = 0;
  for (const subscription of work.subscriptions.filter(
    ({ event, isStale }) => event === 'conference' && isStale,
  )) {
    const dueMs = subscription.lastNotifyMs + world.settings.notifyMinIntervalMs;
    if (dueMs > world.nowMs) {
      work.subscriptions.put(dueLater(subscription, dueMs));
      continue;
    }
    notifyNow(work, world, subscription);
    count += 1;
  }
  return count;
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
  work.effect(stateNotify(work, world, subscription));
}

/** The next NOTIFY of a subscription; the subscription counts it as sent. */
export function stateNotify(work: Work, world: World, subscription: SubscriptionRow): Effect {
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
  return notifyEffect(work, world, notified, `active;expires=${remainingS}`, body);
}

/**
 * The last NOTIFY of a subscription has never left: its version is given out again (RFC 4575 section 4.3 has them rise by one),
 * and the state is told anew.
 */
export function notTold(work: Work, world: World, subscription: SubscriptionRow): void {
  const { notifyMinIntervalMs } = world.settings;
  const { version } = subscription;
  wasLost(work, { ...subscription, version: version - 1 }, world.nowMs + notifyMinIntervalMs);
}

/** Nobody knows what the subscriber was told last: the next document is a full one, whatever a part of it was to say. */
export function wasLost(work: Work, row: SubscriptionRow, againMs: number): void {
  const { untold: _, ...subscription } = row;
  const deadlines = { ...subscription.deadlines, notify: againMs };
  work.subscriptions.put({ ...subscription, isStale: true, deadlines });
}

/** Ends a subscription and tells its subscriber. */
export function terminateSubscription(
  work: Work,
  world: World,
  subscription: SubscriptionRow,
  reason: TerminationReason,
): void {
  work.effect(lastNotify(work, world, subscription, reason));
}

/** The last NOTIFY of a subscription, which is then gone. */
export function lastNotify(
  work: Work,
  world: World,
  subscription: SubscriptionRow,
  reason: TerminationReason,
): Effect {
  const last = {
    ...subscription,
    version: subscription.version + 1,
    dialog: { ...subscription.dialog, localCSeq: subscription.dialog.localCSeq + 1 },
  };
  work.subscriptions.delete(subscription.id);
  return notifyEffect(
    work,
    world,
    last,
    `terminated;reason=${reason}`,
    // Who may not see the state any more is not told it once more.
    reason === 'rejected' ? undefined : rosterDocument(work, world, last).body,
  );
}

function notifyEffect(
  work: Work,
  world: World,
  subscription: SubscriptionRow,
  state: string,
  body: string | undefined,
): Effect {
  const { dialog } = subscription;
  const request = inDialog(dialog, 'NOTIFY', dialog.localCSeq);
  const event = subscription.eventId === undefined ? 'conference' : `conference;id=${subscription.eventId}`;
  const headers: HeaderLine[] = [
    ...request.headers,
    focusContact(work.row, world.settings),
    ['Event', event],
    ['Subscription-State', state],
    ['User-Agent', world.settings.release],
    ...(body === undefined ? [] : ([['Content-Type', 'application/conference-info+xml']] as const)),
  ];
  return {
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
    ...(body === undefined ? {} : { body }),
  };
}
