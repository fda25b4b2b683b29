/** The focus as the admin shows it. */
import type { KamailioRpcServer } from 'kamailio-jsonrpc';
import type {
  AdminView,
  DecisionView,
  Metric,
  SessionSummaryView,
  SessionView,
  SwitchView,
} from '../admin/view.ts';
import { formatHostPort } from '../config/address.ts';
import type { Engine } from '../engine/engine.ts';
import type { SwitchFleet, SwitchState } from '../event-socket/switch-fleet.ts';
import type { Conference } from '../focus/conference.ts';
import type { DecisionRecord, Store } from '../focus/ports.ts';
import type { GroupDirectory } from './groups.ts';
import type { KamailioCalls } from './kamailio-calls.ts';
import { VERSION } from './version.ts';

export interface FocusParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly fleet: SwitchFleet;
  readonly rpc: KamailioRpcServer;
  readonly groups: GroupDirectory;
  readonly calls: KamailioCalls;
  /** How many decisions ended in which clause and status. */
  readonly tally: DecisionTally;
  readonly isKamailioSeen: () => boolean;
}

/** Decisions by clause and status, for the metrics: both are small closed sets. */
export class DecisionTally {
  readonly #counts = new Map<string, number>();

  add({ clause, status }: DecisionRecord): void {
    const key = `${clause} ${status ?? ''}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  values(): Metric['values'] {
    return [...this.#counts].map(([key, value]) => {
      const [clause = '', status = ''] = key.split(' ');
      return { labels: { clause, status }, value };
    });
  }
}

export function focusView(parts: FocusParts): AdminView {
  const { engine, store, fleet, groups } = parts;
  return {
    version: VERSION,
    readiness: () => {
      const reasons: string[] = [];
      if (!fleet.states().some(({ state }) => state === 'up')) reasons.push('no message switch is up');
      if (!parts.isKamailioSeen()) reasons.push('no Kamailio has connected yet');
      return { ready: reasons.length === 0, reasons };
    },
    sessions: () => [...engine.sessions.all()].map(summary),
    session: (id) => {
      const conference = engine.sessions.byId(id);
      return conference === undefined ? undefined : sessionView(conference);
    },
    decisions: (filter) => store.decisions(filter).map(decisionView),
    switches: () => fleet.states().map(switchView),
    groups: () =>
      groups.list().map(({ uri, displayName, members, maxParticipantCount, inviteMembers }) => ({
        uri,
        displayName: displayName ?? null,
        members: members.length,
        maxParticipants: maxParticipantCount ?? null,
        inviteMembers,
      })),
    metrics: () => metrics(parts),
  };
}

function summary(conference: Conference): SessionSummaryView {
  const { row, participants } = conference;
  let connected = 0;
  let invited = 0;
  for (const { presence } of participants.values()) {
    if (presence === 'connected') connected += 1;
    else if (presence !== 'disconnected') invited += 1;
  }
  return {
    id: row.id,
    identity: row.identity,
    kind: row.kind,
    address: row.address,
    subject: row.subject ?? null,
    phase: row.phase === 'ended' ? 'ending' : row.phase,
    switchId: row.switchId,
    createdAt: new Date(row.createdMs).toISOString(),
    participants: { connected, invited },
  };
}

function sessionView(conference: Conference): SessionView {
  const addressOf = (id: string) => conference.participants.get(id)?.address ?? id;
  return {
    ...summary(conference),
    revision: conference.row.revision,
    roster: [...conference.participants.values()].map(
      ({ address, displayName, alias, role, presence, left }) => ({
        address,
        displayName: displayName ?? null,
        alias: alias ?? null,
        role,
        presence,
        left: left === undefined ? null : { method: left.method, reason: left.reason ?? null },
      }),
    ),
    legs: [...conference.legs.values()].map(({ participant, origin, state, dialog, deadlines }) => ({
      participant: addressOf(participant),
      origin,
      state,
      callId: dialog.callId,
      expiresAt: deadlines.session === undefined ? null : new Date(deadlines.session).toISOString(),
    })),
    subscriptions: [...conference.subscriptions.values()].map(({ participant, expiresAtMs, version }) => ({
      participant: addressOf(participant),
      expiresAt: new Date(expiresAtMs).toISOString(),
      version,
    })),
  };
}

function decisionView(record: DecisionRecord): DecisionView {
  const { atMs, clause, procedure, trigger, callId, user, target, status, warning, session, steps } = record;
  return {
    at: new Date(atMs).toISOString(),
    clause,
    procedure,
    trigger,
    callId: callId ?? null,
    user: user ?? null,
    target: target ?? null,
    status: status ?? null,
    warning: warning ?? null,
    session: session ?? null,
    steps,
  };
}

function switchView({
  id,
  host,
  port,
  state,
  sessions,
  legs,
  load,
  draining,
  hello,
}: SwitchState): SwitchView {
  return {
    id,
    eventSocket: formatHostPort({ host, port }),
    state,
    msrp: (hello?.msrp ?? []).map(formatHostPort),
    sessions,
    legs,
    load,
    draining,
    messagesIn: hello?.messagesIn ?? 0,
    messagesOut: hello?.messagesOut ?? 0,
  };
}

function metrics({ engine, fleet, rpc, calls, tally }: FocusParts): Metric[] {
  const plain = (name: string, help: string, type: Metric['type'], value: number): Metric => ({
    name,
    help,
    type,
    values: [{ labels: {}, value }],
  });
  const bySwitch = (
    name: string,
    help: string,
    type: Metric['type'],
    of: (state: SwitchState) => number,
  ): Metric => ({
    name,
    help,
    type,
    values: fleet
      .states()
      .map((state) => ({ labels: { switch: state.id ?? `${state.host}:${state.port}` }, value: of(state) })),
  });
  const rpcCounters = rpc.counters();
  return [
    {
      name: 'im_decisions_total',
      help: 'Decisions by clause and reply status',
      type: 'counter',
      values: tally.values(),
    },
    plain('im_sessions', 'IM sessions that have not ended', 'gauge', engine.sessions.size),
    plain('im_requests_total', 'SIP requests decided', 'counter', engine.counters.requests),
    plain(
      'im_malformed_messages_total',
      'SIP messages that could not be read',
      'counter',
      calls.counters.malformed,
    ),
    plain(
      'im_faults_total',
      'Requests and notices that failed by a fault of the server',
      'counter',
      calls.counters.failed,
    ),
    plain('im_effects_total', 'Effects performed', 'counter', engine.performer.counters.performed),
    plain('im_effects_failed_total', 'Effects that failed', 'counter', engine.performer.counters.failed),
    plain('im_effects_lanes_busy', 'Sessions with effects under way', 'gauge', engine.performer.busy),
    plain('im_kamailio_requests_total', 'JSON-RPC requests from Kamailio', 'counter', rpcCounters.requests),
    plain(
      'im_kamailio_wrong_secrets_total',
      'JSON-RPC calls with a wrong secret',
      'counter',
      rpcCounters.wrongSecrets,
    ),
    bySwitch('im_switch_up', '1 while the switch answers on the event socket', 'gauge', ({ state }) =>
      state === 'up' ? 1 : 0,
    ),
    bySwitch('im_switch_sessions', 'Sessions on the switch', 'gauge', ({ sessions }) => sessions),
    bySwitch('im_switch_legs', 'Legs on the switch', 'gauge', ({ legs }) => legs),
    bySwitch(
      'im_switch_messages_in_total',
      'Messages received by the switch',
      'counter',
      ({ hello }) => hello?.messagesIn ?? 0,
    ),
    bySwitch(
      'im_switch_messages_out_total',
      'Messages delivered by the switch',
      'counter',
      ({ hello }) => hello?.messagesOut ?? 0,
    ),
  ];
}
