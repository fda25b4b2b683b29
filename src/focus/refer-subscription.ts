/**
 * The implicit subscription of a REFER (RFC 3515, 7.2.2.10): one NOTIFY for each step of its progress. For a list of
 * users there is one subscription, with one NOTIFY for each user's final result.
 */
import { formatSipfrag } from '../documents/sipfrag.ts';
import type { SipRequest } from '../sip/message.ts';
import type { LegRow, ReferOutcome, SubscriptionRow } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { cseqNumber, dialogFromRequest, inDialog } from './dialogs.ts';
import { focusContact, warningHeader } from './responses.ts';
import type { Work } from './work.ts';
import type { RequestOrigin, World } from './world.ts';

/** RFC 3515 leaves the length to the notifier; by then every invitation has ended. */
const REFER_EXPIRES_S = 300;

/** Of what is settled without a request. */
const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 403: 'Forbidden' };

export interface Progress {
  readonly status: number;
  readonly reason: string;
  /** Text of a Warning that the fragment carries (R-7.2.1.7-fwd403). */
  readonly warning?: string;
}

export interface ReferSource {
  readonly request: SipRequest;
  readonly origin: RequestOrigin;
  readonly toTag: string;
  /** The leg in whose dialog the REFER came. */
  readonly leg: LegRow | undefined;
  readonly participant: string;
}

/**
 * Opens the subscription: 100 Trying when something is under way, then what is settled already, one NOTIFY each.
 * With nothing under way the last of them ends it.
 */
export function openReferSubscription(
  work: Work,
  world: World,
  source: ReferSource,
  outcomes: readonly ReferOutcome[],
): SubscriptionRow {
  const { request, origin, toTag, leg, participant } = source;
  const expiresAtMs = world.nowMs + REFER_EXPIRES_S * 1000;
  const subscription = work.subscriptions.put({
    id: `refer-${world.ids.token(60)}`,
    participant,
    event: 'refer',
    ...(leg === undefined ? {} : { sharedLeg: leg.id }),
    outcomes,
    dialog: leg?.dialog ?? dialogFromRequest(request, origin, toTag),
    // Several REFERs may share a dialog: the CSeq of each tells their NOTIFYs apart (RFC 3515 section 2.4.6).
    eventId: String(cseqNumber(request)),
    wantsYourOwn: false,
    expiresAtMs,
    version: -1,
    lastNotifyMs: world.nowMs,
    isStale: false,
    deadlines: { expiry: expiresAtMs },
  });
  const settled = outcomes.flatMap(({ status, warning }) =>
    status === undefined
      ? []
      : [{ status, reason: REASONS[status] ?? 'OK', ...(warning === undefined ? {} : { warning }) }],
  );
  const isUnderWay = settled.length < outcomes.length;
  if (isUnderWay) sendProgress(work, world, subscription, { status: 100, reason: 'Trying' }, false);
  for (const [index, progress] of settled.entries()) {
    const isLast = !isUnderWay && index === settled.length - 1;
    sendProgress(work, world, subscription, progress, isLast);
  }
  if (!isUnderWay) work.subscriptions.delete(subscription.id);
  return subscription;
}

/** Tells every referrer who waits for this leg what has become of it. A provisional is told for a single user only. */
export function tellReferrers(work: Work, world: World, legId: string, progress: Progress): number {
  const waiting = work.subscriptions.filter(
    ({ outcomes }) => outcomes?.some(({ leg, status }) => leg === legId && status === undefined) ?? false,
  );
  for (const subscription of waiting) tell(work, world, subscription, legId, progress);
  return waiting.length;
}

function tell(
  work: Work,
  world: World,
  subscription: SubscriptionRow,
  legId: string,
  progress: Progress,
): void {
  const { outcomes = [] } = subscription;
  if (progress.status < 200) {
    if (outcomes.length === 1) sendProgress(work, world, subscription, progress, false);
    return;
  }
  const settled = outcomes.map((outcome) =>
    outcome.leg === legId ? { ...outcome, status: progress.status } : outcome,
  );
  const updated = work.subscriptions.put({ ...subscription, outcomes: settled });
  if (settled.every(({ status }) => status !== undefined)) finish(work, world, updated, progress);
  else sendProgress(work, world, updated, progress, false);
}

/** The last NOTIFY; the subscription is then gone. */
function finish(work: Work, world: World, subscription: SubscriptionRow, progress: Progress): void {
  sendProgress(work, world, subscription, progress, true);
  work.subscriptions.delete(subscription.id);
}

/** What a refreshed subscription is told: that the outcome is not known yet. */
export function repeatProgress(work: Work, world: World, subscription: SubscriptionRow): void {
  sendProgress(work, world, subscription, { status: 100, reason: 'Trying' }, false);
}

/** Ends a refer subscription whose outcome will not be known any more. */
export function abandonReferSubscription(work: Work, world: World, subscription: SubscriptionRow): void {
  finish(work, world, subscription, { status: 487, reason: 'Request Terminated' });
}

function sendProgress(
  work: Work,
  world: World,
  subscription: SubscriptionRow,
  progress: Progress,
  isLast: boolean,
): void {
  const dialog = nextDialog(work, subscription);
  if (dialog === undefined) return;
  const request = inDialog(dialog, 'NOTIFY', dialog.localCSeq);
  const remainingS = Math.max(1, Math.round((subscription.expiresAtMs - world.nowMs) / 1000));
  const headers: HeaderLine[] = [
    ...request.headers,
    focusContact(work.row, world.settings),
    ['Event', subscription.eventId === undefined ? 'refer' : `refer;id=${subscription.eventId}`],
    ['Subscription-State', isLast ? 'terminated;reason=noresource' : `active;expires=${remainingS}`],
    ['User-Agent', world.settings.release],
    ['Content-Type', 'message/sipfrag;version=2.0'],
  ];
  const { status, reason, warning } = progress;
  work.effect({
    // In the dialog of a leg that a BYE ends, the NOTIFY must go first, and after the 2xx all the same.
    stage: subscription.sharedLeg === undefined ? STAGE.notifications : STAGE.progress,
    kind: 'request',
    method: 'NOTIFY',
    callId: dialog.callId,
    cseq: dialog.localCSeq,
    of: { row: 'subscription', id: subscription.id },
    kam: dialog.kam,
    requestUri: request.requestUri,
    nextHop: request.nextHop,
    headers,
    body: formatSipfrag({
      status,
      reason,
      ...(warning === undefined ? {} : { warning: warningHeader(world.settings, warning)[1] }),
    }),
  });
}

/** The dialog with its next CSeq, its own or that of the leg it shares; undefined when that leg is over. */
function nextDialog(work: Work, subscription: SubscriptionRow): SubscriptionRow['dialog'] | undefined {
  if (subscription.sharedLeg === undefined) {
    const current = work.subscriptions.get(subscription.id) ?? subscription;
    const dialog = { ...current.dialog, localCSeq: current.dialog.localCSeq + 1 };
    work.subscriptions.put({ ...current, dialog });
    return dialog;
  }
  const leg = work.legs.get(subscription.sharedLeg);
  if (leg?.state !== 'connected') return undefined;
  const dialog = { ...leg.dialog, localCSeq: leg.dialog.localCSeq + 1 };
  work.legs.put({ ...leg, dialog });
  return dialog;
}
