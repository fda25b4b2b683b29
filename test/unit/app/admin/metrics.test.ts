/** The numbers of focus and admin, as /metrics shows them, against what docs, board and alert rules say of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { parse } from 'yaml';
import { focusMetrics } from '../../../../src/app/admin/focus-metrics.ts';
import { DecisionTally, type FocusParts } from '../../../../src/app/admin/live-state.ts';
import { LoopLag } from '../../../../src/app/admin/loop-lag.ts';
import { traceMetrics } from '../../../../src/app/admin/trace-metrics.ts';
import type { SwitchCounters, SwitchState } from '../../../../src/event-socket/switch-fleet.ts';
import { Histogram } from '../../../../src/lib/histogram.ts';
import { asking } from '../../admin/asking.ts';

const root = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

const SWITCH: SwitchState = {
  id: 'switch-0',
  host: '127.0.0.1',
  port: 8021,
  state: 'up',
  epoch: 'e1',
  lastHelloMs: 0,
  sessions: 2,
  legs: 5,
  load: 0.25,
  draining: false,
  hello: {
    id: 'switch-0',
    epoch: 'e1',
    msrp: [{ transport: 'tcp', host: '127.0.0.1', port: 2855 }],
    sessions: 2,
    legs: 5,
    load: 0.25,
    draining: false,
    messagesIn: 10,
    messagesOut: 40,
    counters: {
      bytesIn: 1,
      bytesOut: 2,
      connections: 3,
      queuedBytes: 4,
      slow: 5,
      stalled: 6,
      backlogDropped: 7,
      refused: 8,
      deliveryFailures: 9,
      limitedByRate: 10,
      connectionsRefused: 11,
      handshakesStalled: 12,
      eventSocketFrames: 13,
    },
  },
};

const LINK = {
  id: 'switch-0',
  host: '127.0.0.1',
  port: 8021,
  link: { retries: 1, gaps: 2, badMessages: 3, forged: 4 },
  connection: { downs: 5, timeouts: 6 },
} as SwitchCounters;

function parts(): FocusParts {
  const tally = new DecisionTally();
  tally.add({ atMs: 0, clause: '7.2.1.4', procedure: 'x', trigger: 'INVITE', status: 403, steps: [] });
  const people = [{ presence: 'connected' }, { presence: 'alerting' }, { presence: 'disconnected' }];
  const found = {
    engine: {
      counters: { requests: 1 },
      sessions: {
        size: 1,
        all: () => [{ row: { strandedMs: 1 }, participants: new Map(people.map((one, id) => [id, one])) }],
      },
      performer: { counters: { performed: 3, failed: 1 }, busy: 0 },
    },
    calls: { counters: { malformed: 0, failed: 0 }, latency: new Histogram() },
    groups: { count: 1, refusedCount: 0 },
    rpc: {
      counters: () => ({
        open: 2,
        requests: 1,
        notifications: 1,
        wrongSecrets: 0,
        badFrames: 1,
        badCalls: 1,
      }),
    },
    nodes: {
      health: () =>
        new Map([['k1', { latency: new Histogram(), pending: 1, unanswered: 2, isReachable: false }]]),
    },
    bus: { counters: { refused: new Map([['replayed', 2]]), restarts: 1, deaf: 0 } },
    fleet: { states: () => [SWITCH], counters: () => [LINK] },
    keeper: { counters: { dead: 1, deaths: 2, waiting: 3 } },
    tally,
    exporter: { counters: { sent: 8, dropped: 3 } },
    freeSwitch: {
      calls: { size: 3, counters: { joined: 5, refused: 2, left: 1, removed: 1, overLimit: 0 } },
      controls: [{ node: 'fs1', isUp: true, counters: { wishes: 9, badWishes: 4, repliesLost: 0 } }],
      rooms: [
        { counters: { started: 1, invited: 2, removed: 1, notInvited: 1 } },
        { counters: { started: 1, invited: 4, removed: 0, notInvited: 0 } },
      ],
    },
  };
  return found as unknown as FocusParts;
}

async function shown(t: TestContext): Promise<string> {
  const { get, lines } = asking(t, {
    metrics: () => [
      ...focusMetrics(parts()),
      ...(['focus', 'admin'] as const).map((thread) => new LoopLag().metric(thread)),
      ...traceMetrics('admin', undefined),
    ],
  });
  const { text } = await get('/metrics');
  assert.deepEqual(
    lines.filter(({ msg }) => msg === 'metric cannot be shown'),
    [],
  );
  return text;
}

/** `name → [type, labels, help]` of all that is ours. */
function metricsIn(text: string): Map<string, readonly [type: string, labels: string, help: string]> {
  return new Map(
    [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)\n(.*)$/gm)].map(
      ([, name = '', help = '', type = '', first = '']) => {
        const labels = [...first.matchAll(/(\w+)="/g)]
          .map(([, label]) => label)
          .filter((label) => label !== 'le');
        return [name, [type, labels.join(', '), help]] as const;
      },
    ),
  );
}

test('docs/metrics.md tells each of our metrics, as /metrics shows it, and no other', async (t) => {
  const own = [...metricsIn(await shown(t))].filter(([name]) => name.startsWith('im_'));
  const rows = own.map(([name, [type, labels, help]]) => `| ${name} | ${type} | ${labels} | ${help} |`);
  const told = root('docs/metrics.md')
    .split('\n')
    .filter((line) => line.startsWith('| im_'));
  assert.deepEqual(told.toSorted(), rows.toSorted());
});

test('names have their unit and counters end in _total', async (t) => {
  for (const [name, [type]] of metricsIn(await shown(t))) {
    if (!name.startsWith('im_')) continue;
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') assert(name.endsWith('_seconds'), name);
  }
});

test('the values are those of the switch, the link, the node and the sessions', async (t) => {
  const text = await shown(t);
  for (const line of [
    'im_participants{presence="connected"} 1',
    'im_participants{presence="invited"} 1',
    'im_decisions_total{clause="7.2.1.4",status="403"} 1',
    'im_kamailio_up{node="k1"} 0',
    'im_kamailio_calls_pending{node="k1"} 1',
    'im_kamailio_calls_unanswered_total{node="k1"} 2',
    'im_kamailio_malformed_total 2',
    'im_switch_queued_bytes{switch="switch-0"} 4',
    'im_switch_event_socket_refused_total{switch="switch-0",what="frame"} 13',
    'im_switch_evictions_total{switch="switch-0",reason="slow"} 5',
    'im_switch_evictions_total{switch="switch-0",reason="backlog"} 7',
    'im_switch_limits_met_total{switch="switch-0",limit="rate"} 10',
    'im_switch_limits_met_total{switch="switch-0",limit="connections"} 11',
    'im_switch_limits_met_total{switch="switch-0",limit="head"} 0',
    'im_switch_handshakes_failed_total{switch="switch-0",reason="stalled"} 12',
    'im_bus_refused_total{why="replayed"} 2',
    'im_bus_restarts_total 1',
    'im_freeswitch_up{node="fs1"} 1',
    'im_freeswitch_users 3',
    'im_freeswitch_joins_total{result="refused"} 2',
    'im_freeswitch_bad_wishes_total{node="fs1"} 4',
    'im_freeswitch_room_callers_total{result="invited"} 6',
    'im_focus_trace_spans_sent_total 8',
    'im_focus_trace_spans_dropped_total 3',
    'im_admin_trace_spans_dropped_total 0',
    'im_event_socket_downs_total{switch="switch-0"} 5',
    'im_event_socket_bad_messages_total{switch="switch-0"} 7',
  ]) {
    assert(text.includes(`\n${line}\n`), line);
  }
});

interface Board {
  readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
}
interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

test('board and alert rules use metrics that there are, with labels that they have', async (t) => {
  const known = metricsIn(await shown(t));
  const board = JSON.parse(root('deploy/grafana/parley.json')) as Board;
  const rules = parse(root('deploy/prometheus/parley-alerts.yml')) as Rules;
  const used = [
    ...board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
  ];
  assert(used.length > 30);
  for (const expr of used) {
    const names = expr.match(/\b(?:im|nodejs|process)_\w+/g) ?? [];
    assert(names.length > 0, expr);
    for (const name of names) {
      const found = known.get(name) ?? known.get(name.replace(/_(?:bucket|sum|count)$/, ''));
      assert(found !== undefined, `${name} in ${expr}`);
      const [type, labels] = found;
      assert.equal(name.endsWith('_bucket'), type === 'histogram', expr);
      for (const [, label = ''] of expr.matchAll(/\b(\w+)=~?"/g))
        assert(labels.includes(label), `${label} in ${expr}`);
    }
  }
});
