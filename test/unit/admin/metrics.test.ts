import assert from 'node:assert/strict';
import test from 'node:test';
import type { Metric, SimpleMetric } from '../../../src/admin/view.ts';
import { Histogram } from '../../../src/lib/histogram.ts';
import { asking } from './asking.ts';

function gauge(
  name: string,
  ...values: readonly (readonly [Record<string, string>, number])[]
): SimpleMetric {
  return {
    name,
    help: `Help of ${name}`,
    type: 'gauge',
    values: values.map(([labels, value]) => ({ labels, value })),
  };
}

test('metrics of the view and of the process, in the text format of Prometheus', async (t) => {
  const { get } = asking(t, {
    metrics: () => [
      gauge('im_sessions', [{}, 3]),
      { ...gauge('im_decisions_total', [{ clause: '7.2.1.4', status: '200' }, 5]), type: 'counter' },
    ],
  });
  const { status, headers, text } = await get('/metrics');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^# HELP im_sessions Help of im_sessions\n# TYPE im_sessions gauge\nim_sessions 3$/m);
  assert.match(
    text,
    /^# TYPE im_decisions_total counter\nim_decisions_total\{clause="7\.2\.1\.4",status="200"\} 5$/m,
  );
  assert.match(text, /^process_cpu_seconds_total /m);
  assert.match(text, /^nodejs_eventloop_lag_seconds /m);
});

test('each scrape shows what is so now; a series that is gone is gone', async (t) => {
  let values: Metric[] = [gauge('im_switch_legs', [{ switch: 'a' }, 1], [{ switch: 'b' }, 2])];
  const { get } = asking(t, { metrics: () => values });
  assert.match((await get('/metrics')).text, /im_switch_legs\{switch="b"\} 2/);
  values = [gauge('im_switch_legs', [{ switch: 'a' }, 4])];
  const { text } = await get('/metrics');
  assert.match(text, /im_switch_legs\{switch="a"\} 4/);
  assert.doesNotMatch(text, /switch="b"/);
});

test('label values are escaped', async (t) => {
  const { get } = asking(t, { metrics: () => [gauge('im_x', [{ a: 'q"\n\\' }, 1])] });
  assert.match((await get('/metrics')).text, /^im_x\{a="q\\"\\n\\\\"\} 1$/m);
});

test('a metric that cannot be shown is left out and logged; the others are shown', async (t) => {
  const { get, lines } = asking(t, {
    metrics: () => [
      gauge('im_first', [{}, 1]),
      gauge('im_first', [{}, 2]),
      gauge('not a name', [{}, 1]),
      { ...gauge('im_backwards_total', [{}, -1]), type: 'counter' },
      gauge('im_last', [{}, 9]),
    ],
  });
  const { status, text } = await get('/metrics');
  assert.equal(status, 200);
  assert.match(text, /^im_first 1$/m);
  assert.match(text, /^im_last 9$/m);
  assert.doesNotMatch(text, /not a name|backwards/);
  assert.deepEqual(
    lines.filter(({ msg }) => msg === 'metric cannot be shown').map(({ metric }) => metric),
    ['im_first', 'not a name', 'im_backwards_total'],
  );
});

test('a histogram has its steps, cumulative, and its sum', async (t) => {
  const latency = new Histogram();
  for (const seconds of [0.0001, 0.0002, 0.003, 7]) latency.observe(seconds);
  const { get, lines } = asking(t, {
    metrics: () => [
      {
        name: 'im_x_seconds',
        help: 'X',
        type: 'histogram',
        values: [{ labels: { node: 'a' }, distribution: latency.read() }],
      },
    ],
  });
  const { text } = await get('/metrics');
  assert.equal(lines.filter(({ msg }) => msg === 'metric cannot be shown').length, 0);
  assert.match(text, /^# TYPE im_x_seconds histogram$/m);
  const counts = [...text.matchAll(/^im_x_seconds_bucket\{(.*)\} (\d+)$/gm)].map(([, labels, n]) => [
    labels,
    n,
  ]);
  assert.equal(counts.length, 16);
  const at = (le: string) => counts.find(([labels]) => labels?.includes(`le="${le}"`))?.[1];
  assert.deepEqual(['0.0001', '0.00025', '0.0025', '0.005', '5', '+Inf'].map(at), [
    '1',
    '2',
    '2',
    '3',
    '3',
    '4',
  ]);
  assert.match(text, /^im_x_seconds_sum\{node="a"\} 7\.0033$/m);
  assert.match(text, /^im_x_seconds_count\{node="a"\} 4$/m);
});
