/** The numbers that the focus shows; docs/metrics.md lists them, and a test compares both. */
import type { Metric } from '../../admin/view.ts';
import type { SwitchCounters, SwitchState } from '../../event-socket/switch-fleet.ts';
import { isStranded } from '../../focus/stranding.ts';
import type { SwitchHello } from '../../switch-control/protocol.ts';
import type { NodeHealth } from '../kamailio-nodes.ts';
import { freeSwitchMetrics } from './freeswitch-metrics.ts';
import type { FocusParts } from './live-state.ts';
import { traceMetrics } from './trace-metrics.ts';

type Simple = 'counter' | 'gauge';

export function focusMetrics(parts: FocusParts): Metric[] {
  return [
    ...ownMetrics(parts),
    ...kamailioMetrics(parts),
    ...switchMetrics(parts),
    ...failoverMetrics(parts),
    ...linkMetrics(parts),
    ...busMetrics(parts),
    ...freeSwitchMetrics(parts.freeSwitch),
    ...traceMetrics('focus', parts.exporter),
  ];
}

function plain(name: string, type: Simple, help: string, value: number): Metric {
  return { name, help, type, values: [{ labels: {}, value }] };
}

function ownMetrics({ engine, calls, tally, groups }: FocusParts): Metric[] {
  const { performer } = engine;
  return [
    {
      name: 'im_decisions_total',
      help: 'Decisions by clause and reply status',
      type: 'counter',
      values: tally.values(),
    },
    {
      name: 'im_decision_seconds',
      help: 'From a SIP request read to its decision committed',
      type: 'histogram',
      values: [{ labels: {}, distribution: calls.latency.read() }],
    },
    plain('im_requests_total', 'counter', 'SIP requests decided', engine.counters.requests),
    plain(
      'im_malformed_messages_total',
      'counter',
      'SIP messages that could not be read',
      calls.counters.malformed,
    ),
    plain(
      'im_faults_total',
      'counter',
      'Requests and notices that failed by a fault of the server',
      calls.counters.failed,
    ),
    plain('im_sessions', 'gauge', 'IM sessions that have not ended', engine.sessions.size),
    {
      name: 'im_participants',
      help: 'Participants by presence',
      type: 'gauge',
      values: participants(engine),
    },
    plain('im_groups', 'gauge', 'Pre-defined groups', groups.count),
    plain(
      'im_group_documents_refused_total',
      'counter',
      'Versions of group documents and lists that were not taken',
      groups.refusedCount,
    ),
    plain('im_effects_total', 'counter', 'Effects performed', performer.counters.performed),
    plain('im_effects_failed_total', 'counter', 'Effects that failed', performer.counters.failed),
    plain('im_effects_lanes_busy', 'gauge', 'Sessions with effects under way', performer.busy),
  ];
}

function participants({ sessions }: FocusParts['engine']) {
  const counts = { connected: 0, invited: 0 };
  for (const { participants } of sessions.all()) {
    for (const { presence } of participants.values()) {
      if (presence === 'connected') counts.connected += 1;
      else if (presence !== 'disconnected') counts.invited += 1;
    }
  }
  return Object.entries(counts).map(([presence, value]) => ({ labels: { presence }, value }));
}

function kamailioMetrics({ rpc, nodes }: FocusParts): Metric[] {
  const { open, requests, notifications, wrongSecrets, badFrames, badCalls } = rpc.counters();
  const healths = [...nodes.health()];
  const byNode = (name: string, type: Simple, help: string, of: (health: NodeHealth) => number): Metric => ({
    name,
    help,
    type,
    values: healths.map(([node, health]) => ({ labels: { node }, value: of(health) })),
  });
  return [
    plain('im_kamailio_connections', 'gauge', 'JSON-RPC connections from Kamailio', open),
    plain('im_kamailio_requests_total', 'counter', 'JSON-RPC requests from Kamailio', requests),
    plain('im_kamailio_notices_total', 'counter', 'JSON-RPC notifications from Kamailio', notifications),
    plain('im_kamailio_wrong_secrets_total', 'counter', 'JSON-RPC calls with a wrong secret', wrongSecrets),
    plain(
      'im_kamailio_malformed_total',
      'counter',
      'JSON-RPC frames and calls from Kamailio that could not be read',
      badFrames + badCalls,
    ),
    byNode('im_kamailio_up', 'gauge', '1 unless the last call to the node was not answered', (health) =>
      health.isReachable ? 1 : 0,
    ),
    byNode(
      'im_kamailio_calls_pending',
      'gauge',
      'Calls that the node has not answered yet',
      ({ pending }) => pending,
    ),
    byNode(
      'im_kamailio_calls_unanswered_total',
      'counter',
      'Calls that the node did not answer in time, or that could not be made',
      ({ unanswered }) => unanswered,
    ),
    {
      name: 'im_kamailio_call_seconds',
      help: 'Calls to the node, from the question to the answer',
      type: 'histogram',
      values: healths.map(([node, { latency }]) => ({ labels: { node }, distribution: latency.read() })),
    },
  ];
}

function switchMetrics({ fleet }: FocusParts): Metric[] {
  const states = fleet.states();
  const bySwitch = (
    name: string,
    type: Simple,
    help: string,
    of: (state: SwitchState) => number,
  ): Metric => ({
    name,
    help,
    type,
    values: states.map((state) => ({ labels: { switch: nameOf(state) }, value: of(state) })),
  });
  const told = (name: string, type: Simple, help: string, key: keyof NonNullable<SwitchHello['counters']>) =>
    bySwitch(name, type, help, ({ hello }) => hello?.counters?.[key] ?? 0);
  const toldBy = (
    name: string,
    help: string,
    label: string,
    keys: Readonly<Record<string, keyof NonNullable<SwitchHello['counters']>>>,
  ): Metric => ({
    name,
    help,
    type: 'counter',
    values: states.flatMap((state) =>
      Object.entries(keys).map(([value, key]) => ({
        labels: { switch: nameOf(state), [label]: value },
        value: state.hello?.counters?.[key] ?? 0,
      })),
    ),
  });
  return [
    bySwitch('im_switch_up', 'gauge', '1 while the switch answers on the event socket', ({ state }) =>
      state === 'up' ? 1 : 0,
    ),
    bySwitch('im_switch_draining', 'gauge', '1 while the switch takes no new sessions', ({ draining }) =>
      draining ? 1 : 0,
    ),
    bySwitch('im_switch_load_ratio', 'gauge', 'Share of one core that the switch uses', ({ load }) => load),
    bySwitch('im_switch_sessions', 'gauge', 'Sessions on the switch', ({ sessions }) => sessions),
    bySwitch('im_switch_legs', 'gauge', 'Legs on the switch', ({ legs }) => legs),
    bySwitch(
      'im_switch_messages_in_total',
      'counter',
      'Messages received by the switch',
      ({ hello }) => hello?.messagesIn ?? 0,
    ),
    bySwitch(
      'im_switch_messages_out_total',
      'counter',
      'Messages delivered by the switch',
      ({ hello }) => hello?.messagesOut ?? 0,
    ),
    told('im_switch_bytes_in_total', 'counter', 'Bytes of messages received by the switch', 'bytesIn'),
    told('im_switch_bytes_out_total', 'counter', 'Bytes of messages delivered by the switch', 'bytesOut'),
    told('im_switch_connections', 'gauge', 'MSRP connections of the switch', 'connections'),
    told('im_switch_queued_bytes', 'gauge', 'Bytes that wait for recipients', 'queuedBytes'),
    toldBy(
      'im_switch_evictions_total',
      'Recipients cut as slow or stalled, and messages dropped from a backlog',
      'reason',
      { slow: 'slow', stalled: 'stalled', backlog: 'backlogDropped' },
    ),
    toldBy('im_switch_limits_met_total', 'What was refused or closed above a limit of msrp.limits', 'limit', {
      rate: 'limitedByRate',
      size: 'limitedBySize',
      unfinished: 'limitedByTransfers',
      sessions: 'limitedBySessions',
      head: 'limitedByHead',
      connections: 'connectionsRefused',
    }),
    toldBy('im_switch_handshakes_failed_total', 'TLS and WebSocket handshakes that failed', 'reason', {
      stalled: 'handshakesStalled',
      refused: 'handshakesRefused',
    }),
    told(
      'im_switch_protocol_faults_total',
      'counter',
      'Connections closed over what is no MSRP',
      'protocolFaults',
    ),
    toldBy(
      'im_switch_event_socket_refused_total',
      'What the event socket of the switch refused: addresses, logins, frames, events, requests',
      'what',
      {
        address: 'eventSocketAddresses',
        login: 'eventSocketLogins',
        frame: 'eventSocketFrames',
        event: 'eventSocketEvents',
        request: 'eventSocketRequests',
      },
    ),
    told('im_switch_reaped_total', 'counter', 'Connections closed because they said nothing', 'reaped'),
    told(
      'im_switch_sender_pauses_total',
      'counter',
      'Times that a sender was not read because most of its recipients were slow',
      'senderPauses',
    ),
    told('im_switch_refused_total', 'counter', 'MSRP requests that the switch refused', 'refused'),
    told(
      'im_switch_delivery_failures_total',
      'counter',
      'Messages that a recipient answered with an error',
      'deliveryFailures',
    ),
  ];
}

function failoverMetrics({ engine, keeper, tally }: FocusParts): Metric[] {
  const { dead, deaths, waiting } = keeper.counters;
  const { sessions, legs, lost } = tally.moves;
  const stranded = [...engine.sessions.all()].filter(({ row }) => isStranded(row)).length;
  return [
    plain('im_switches_dead', 'gauge', 'Switches that answer neither on the event socket nor by MSRP', dead),
    plain('im_switch_deaths_total', 'counter', 'Times that a switch was found dead', deaths),
    plain('im_sessions_moved_total', 'counter', 'Sessions that moved to another switch', sessions),
    plain('im_sessions_move_waiting', 'gauge', 'Sessions that wait for their turn to move', waiting),
    plain('im_sessions_stranded', 'gauge', 'Sessions that no switch takes', stranded),
    plain('im_legs_moved_total', 'counter', 'Legs whose client followed to another switch', legs),
    plain('im_legs_lost_total', 'counter', 'Legs that ended because their client did not follow', lost),
  ];
}

function linkMetrics({ fleet }: FocusParts): Metric[] {
  const links = fleet.counters();
  const byLink = (name: string, help: string, of: (counters: SwitchCounters) => number): Metric => ({
    name,
    help,
    type: 'counter',
    values: links.map((link) => ({ labels: { switch: nameOf(link) }, value: of(link) })),
  });
  return [
    byLink(
      'im_event_socket_downs_total',
      'Times that the event socket went down',
      ({ connection }) => connection.downs,
    ),
    byLink(
      'im_event_socket_timeouts_total',
      'Commands that were not answered in time',
      ({ connection }) => connection.timeouts,
    ),
    byLink('im_event_socket_retries_total', 'Requests asked a second time', ({ link }) => link.retries),
    byLink(
      'im_event_socket_gaps_total',
      'Times that events of the switch were missed',
      ({ link }) => link.gaps,
    ),
    byLink(
      'im_event_socket_bad_messages_total',
      'Frames that were malformed or not from who they said',
      ({ link }) => link.badMessages + link.forged,
    ),
  ];
}

function nameOf({ id, host, port }: Pick<SwitchState, 'id' | 'host' | 'port'>): string {
  return id ?? `${host}:${port}`;
}

/** Empty in direct mode. */
function busMetrics({ bus }: FocusParts): Metric[] {
  const { refused = new Map<string, number>(), restarts = 0, deaf = 0 } = bus?.counters ?? {};
  return [
    {
      name: 'im_bus_refused_total',
      help: 'Frames on the bus that were not taken, by reason',
      type: 'counter',
      values: [...refused].map(([why, value]) => ({ labels: { why }, value })),
    },
    plain(
      'im_bus_restarts_total',
      'counter',
      'Times that the FreeSWITCH of the bus was another than before',
      restarts,
    ),
    plain('im_bus_deaf_total', 'counter', 'Times that the bus did not give back what it took', deaf),
  ];
}
