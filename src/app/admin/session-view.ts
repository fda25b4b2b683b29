/** One session with all that is known of it, as the admin shows it. */
import type {
  LegView,
  SessionSummaryView,
  SessionView,
  SubscriptionView,
  TimerView,
  TrafficView,
} from '../../admin/view.ts';
import { formatHostPort } from '../../config/address.ts';
import type { Conference, ConferenceRow, LegRow, SubscriptionRow } from '../../focus/conference.ts';
import { maximumUsers } from '../../focus/maximum-users.ts';
import type { TrafficSums } from '../../focus/ports.ts';
import type { FocusSettings } from '../../focus/world.ts';
import type { SessionTraffic } from '../../switch-control/protocol.ts';

/** What has passed through the switch of a session; undefined when it cannot be asked. */
export type TrafficSource = (session: string) => Promise<SessionTraffic | undefined>;

/** At its switch, and at those that have let go of it. */
export interface PassedTraffic {
  readonly passed: SessionTraffic | undefined;
  readonly before: TrafficSums | undefined;
}

export function sessionView(
  conference: Conference,
  settings: FocusSettings,
  { passed, before }: PassedTraffic,
): SessionView {
  const { row, participants, legs, subscriptions } = conference;
  // Who takes part with two devices may have named one of them only.
  const nicknames = new Map(
    (passed?.legs ?? []).flatMap(({ leg, nickname }) => {
      const participant = legs.get(leg)?.participant;
      return participant === undefined || nickname === undefined ? [] : [[participant, nickname] as const];
    }),
  );
  const addressOf = (id: string) => participants.get(id)?.address ?? id;
  return {
    ...sessionOf(row),
    participants: presences(conference),
    revision: row.revision,
    maxParticipants: maximumUsers(row, settings) ?? null,
    isFrozen: row.isFrozen === true,
    roster: [...participants.values()].map(
      ({ id, address, displayName, alias, role, presence, left, isMuted, isExpelled }) => ({
        address,
        displayName: displayName ?? null,
        alias: alias ?? null,
        nickname: nicknames.get(id) ?? null,
        role,
        presence,
        left: left === undefined ? null : { method: left.method, reason: left.reason ?? null },
        isMuted: isMuted === true,
        isExpelled,
      }),
    ),
    legs: [...legs.values()].map((leg) => legView(leg, addressOf, passed?.legs ?? [])),
    subscriptions: [...subscriptions.values()].map((one) => subscriptionView(one, addressOf)),
    switchAddress: formatHostPort(row.switchAddress),
    traffic: sumOf(row.phase === 'ended' ? NOTHING : passed, before),
  };
}

export function sessionOf(row: ConferenceRow): Omit<SessionSummaryView, 'participants'> {
  return {
    id: row.id,
    identity: row.identity,
    kind: row.kind,
    address: row.address,
    subject: row.subject ?? null,
    phase: row.phase,
    switchId: row.switchId,
    createdAt: new Date(row.createdMs).toISOString(),
    endedAt: row.endedMs === undefined ? null : new Date(row.endedMs).toISOString(),
    endReason: row.endReason ?? null,
  };
}

const NOTHING: TrafficView = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };

/** Null while the switch that has the session cannot be asked, and when none has told. */
function sumOf(now: TrafficView | undefined, before: TrafficView | undefined): TrafficView | null {
  if (now === undefined || (now === NOTHING && before === undefined)) return null;
  const past = before ?? NOTHING;
  return {
    messagesIn: now.messagesIn + past.messagesIn,
    messagesOut: now.messagesOut + past.messagesOut,
    bytesIn: now.bytesIn + past.bytesIn,
    bytesOut: now.bytesOut + past.bytesOut,
  };
}

function presences({ participants }: Conference): SessionView['participants'] {
  let connected = 0;
  let invited = 0;
  for (const { presence } of participants.values()) {
    if (presence === 'connected') connected += 1;
    else if (presence !== 'disconnected') invited += 1;
  }
  return { connected, invited };
}

function legView(
  { id, participant, origin, state, dialog, deadlines, instance, isTls, media }: LegRow,
  addressOf: (id: string) => string,
  passed: SessionTraffic['legs'],
): LegView {
  const own = passed.find(({ leg }) => leg === id);
  return {
    id,
    participant: addressOf(participant),
    origin,
    state,
    callId: dialog.callId,
    expiresAt: deadlines.session === undefined ? null : timeText(deadlines.session),
    dialog: {
      localTag: dialog.localTag,
      remoteTag: dialog.remoteTag,
      remoteTarget: dialog.remoteTarget,
      kamailio: dialog.kam,
    },
    device: instance ?? null,
    isTls,
    nickname: own?.nickname ?? null,
    acceptTypes: media?.acceptTypes ?? null,
    timers: timers(deadlines),
    traffic: own === undefined ? null : trafficOf(own),
  };
}

function trafficOf({ isBound, messagesIn, messagesOut, bytesIn, bytesOut }: SessionTraffic['legs'][number]) {
  return { messagesIn, messagesOut, bytesIn, bytesOut, isConnected: isBound };
}

function subscriptionView(
  { participant, expiresAtMs, version, event, dialog, deadlines }: SubscriptionRow,
  addressOf: (id: string) => string,
): SubscriptionView {
  return {
    participant: addressOf(participant),
    expiresAt: timeText(expiresAtMs),
    version,
    event,
    callId: dialog.callId,
    timers: timers(deadlines),
  };
}

/** The next one first. */
function timers(deadlines: { readonly [name: string]: number | undefined }): TimerView[] {
  return Object.entries(deadlines)
    .flatMap(([name, atMs]) => (atMs === undefined ? [] : [{ name, atMs }]))
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ name, atMs }) => ({ name, at: timeText(atMs) }));
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
