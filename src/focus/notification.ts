/** 7.2.2.10 Generating a SIP NOTIFY request, and 7.2.2.11 Terminating the subscription. */
import { type ConferenceInfo, formatConferenceInfo, type UserInfo } from '../documents/conference-info.ts';
import type { ConferenceRow, ParticipantRow, SubscriptionRow } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { inDialog } from './dialogs.ts';
import { shown } from './shown.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export type TerminationReason = 'noresource' | 'timeout' | 'rejected' | 'deactivated' | 'giveup';

/**
 * Told at the end of every decision: subscriptions whose last NOTIFY is old enough are notified now, the others
 * when the interval is over (`notify.minIntervalMs`), so that a burst of joins costs one NOTIFY.
 */
export function notifySubscribers(work: Work, world: World): void {
  for (const subscription of work.subscriptions.filter(({ event }) => event === 'conference')) {
    const dueMs = subscription.lastNotifyMs + world.settings.notifyMinIntervalMs;
    if (dueMs <= world.nowMs) notifyNow(work, world, subscription);
    else
      work.subscriptions.put({
        ...subscription,
        isStale: true,
        deadlines: { ...subscription.deadlines, notify: subscription.deadlines.notify ?? dueMs },
      });
  }
}

/** Sends the full state to one subscriber. */
export function notifyNow(work: Work, world: World, subscription: SubscriptionRow): void {
  const { notify: _, ...deadlines } = subscription.deadlines;
  const remainingS = Math.max(1, Math.round((subscription.expiresAtMs - world.nowMs) / 1000));
  const notified = {
    ...subscription,
    version: subscription.version + 1,
    lastNotifyMs: world.nowMs,
    isStale: false,
    deadlines,
    dialog: { ...subscription.dialog, localCSeq: subscription.dialog.localCSeq + 1 },
  };
  work.subscriptions.put(notified);
  sendNotify(work, world, notified, `active;expires=${remainingS}`);
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
  sendNotify(work, world, last, `terminated;reason=${reason}`);
}

function sendNotify(work: Work, world: World, subscription: SubscriptionRow, state: string): void {
  const { dialog } = subscription;
  const request = inDialog(dialog, 'NOTIFY', dialog.localCSeq);
  const event = subscription.eventId === undefined ? 'conference' : `conference;id=${subscription.eventId}`;
  const headers: HeaderLine[] = [
    ...request.headers,
    ['Contact', `<${work.row.identity}>;isfocus;+g.oma.sip-im`],
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
    body: formatConferenceInfo(conferenceInfo(work, world, subscription)),
  });
}

/** RFC 4575 full state as this subscriber may see it: aliased users only by their alias. */
export function conferenceInfo(work: Work, world: World, subscription: SubscriptionRow): ConferenceInfo {
  const users: UserInfo[] = [];
  let connected = 0;
  for (const participant of work.participants.all()) {
    if (participant.presence === 'connected') connected += 1;
    users.push(
      userInfo(participant, subscription.wantsYourOwn && participant.id === subscription.participant),
    );
  }
  const { row } = work;
  return {
    entity: row.identity,
    state: 'full',
    version: subscription.version,
    ...(row.subject === undefined ? {} : { subject: row.subject }),
    ...(row.group?.displayName === undefined ? {} : { displayText: row.group.displayName }),
    confUris: row.kind === 'group' ? [{ uri: row.address, purpose: 'participation' }] : [],
    maximumUserCount: maximumUserCount(row, world),
    userCount: connected,
    active: row.phase === 'active',
    users,
  };
}

/** What clients cap their UI by. */
function maximumUserCount(row: ConferenceRow, world: World): number {
  return row.group?.maxParticipantCount ?? world.settings.adHoc.maxParticipants;
}

/** Ringing is `pending` to shipping clients; `alerting` they do not know. */
const STATUS = {
  invited: 'dialing-out',
  alerting: 'pending',
  connected: 'connected',
  disconnected: 'disconnected',
} as const;

function userInfo(participant: ParticipantRow, isOwn: boolean): UserInfo {
  const { uri, displayName } = shown(participant);
  const left = participant.presence === 'disconnected' ? participant.left : undefined;
  return {
    entity: uri,
    state: 'full',
    ...(isOwn ? { yourown: true } : {}),
    ...(displayName === undefined ? {} : { displayText: displayName }),
    ...(participant.role === 'history' ? { roles: ['history'] } : {}),
    endpoints: [
      {
        ...(participant.alias === undefined ? { entity: uri } : {}),
        status: STATUS[participant.presence],
        ...(participant.joined === undefined ? {} : { joiningMethod: participant.joined }),
        ...(left === undefined ? {} : { disconnectionMethod: left.method }),
        ...(left?.reason === undefined ? {} : { disconnectionReason: left.reason }),
      },
    ],
  };
}
