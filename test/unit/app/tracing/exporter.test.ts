/** Spans on their way to a collector: their form, sampling, and a collector that refuses or is not there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answerSpan } from '../../../../src/app/tracing/answer-span.ts';
import { type ExporterOptions, TraceExporter } from '../../../../src/app/tracing/exporter.ts';
import { parseTraceparent, type Span, traceIdOf } from '../../../../src/app/tracing/span.ts';

interface SentSpan {
  readonly name: string;
  readonly [key: string]: unknown;
}

async function collector(t: TestContext, statuses: readonly number[] = []) {
  const bodies: { path: string; spans: SentSpan[]; resource: unknown }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const [found] = (
        JSON.parse(text) as { resourceSpans: { resource: unknown; scopeSpans: { spans: SentSpan[] }[] }[] }
      ).resourceSpans;
      bodies.push({
        path: request.url ?? '',
        spans: found?.scopeSpans[0]?.spans ?? [],
        resource: found?.resource,
      });
      response.writeHead(statuses[bodies.length - 1] ?? 200).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { bodies, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/otlp/` };
}

function exporterTo(t: TestContext, endpoint: string, own: Partial<ExporterOptions> = {}) {
  const warnings: object[] = [];
  const exporter = new TraceExporter({
    endpoint,
    samplePercent: 100,
    maxQueued: 10,
    service: 'parley-focus',
    version: '1.2.3',
    log: { warn: (details: object) => warnings.push(details) } as never,
    flushMs: 3_600_000,
    ...own,
  });
  t.after(() => exporter.stop());
  return { exporter, warnings };
}

function span(name: string, own: Partial<Span> = {}): Span {
  return {
    name,
    kind: 'server',
    traceId: traceIdOf('call-1'),
    startMs: 1_700_000_000_000.25,
    endMs: 1_700_000_000_001.5,
    attributes: { 'sip.status': 403, 'im.clause': '7.2.1.4', ratio: 0.5, ok: true, none: undefined },
    isFailed: false,
    ...own,
  };
}

test('as a collector takes them', async (t) => {
  const { bodies, endpoint } = await collector(t);
  const { exporter } = exporterTo(t, endpoint);
  exporter.add(span('SIP INVITE', { parentId: '00f067aa0ba902b7', isFailed: true }));
  await exporter.flush();
  const [body] = bodies;
  assert.equal(body?.path, '/otlp/v1/traces');
  const [{ spanId, ...sent } = assert.fail()] = body.spans;
  assert.match(String(spanId), /^[0-9a-f]{16}$/);
  assert.deepEqual(sent, {
    traceId: traceIdOf('call-1'),
    parentSpanId: '00f067aa0ba902b7',
    name: 'SIP INVITE',
    kind: 2,
    startTimeUnixNano: '1700000000000250000',
    endTimeUnixNano: '1700000000001500000',
    attributes: [
      { key: 'sip.status', value: { intValue: '403' } },
      { key: 'im.clause', value: { stringValue: '7.2.1.4' } },
      { key: 'ratio', value: { doubleValue: 0.5 } },
      { key: 'ok', value: { boolValue: true } },
    ],
    status: { code: 2 },
  });
  assert.deepEqual(body.resource, {
    attributes: [
      { key: 'service.name', value: { stringValue: 'parley-focus' } },
      { key: 'service.version', value: { stringValue: '1.2.3' } },
    ],
  });
});

test('a collector that is busy gets them again, one that refuses does not; more than the queue holds are dropped', async (t) => {
  const { bodies, endpoint } = await collector(t, [503, 200, 400]);
  const { exporter, warnings } = exporterTo(t, endpoint);
  for (let n = 0; n < 12; n += 1) exporter.add(span(`s${n}`));
  assert.equal(exporter.counters.dropped, 2);
  await exporter.flush();
  assert.equal(exporter.counters.sent, 0);
  await exporter.flush();
  assert.deepEqual(exporter.counters, { sent: 10, dropped: 2 });
  exporter.add(span('refused'));
  await exporter.flush();
  await exporter.flush();
  assert.deepEqual(exporter.counters, { sent: 10, dropped: 3 });
  assert.equal(bodies.length, 3);
  assert.equal(warnings.length, 1, 'one line a minute');
});

test('a collector that is not there keeps nobody waiting, and the queue has its bound', async (t) => {
  const { exporter } = exporterTo(t, 'http://127.0.0.1:1', { maxQueued: 3 });
  for (let n = 0; n < 5; n += 1) {
    exporter.add(span(`s${n}`));
    await exporter.flush();
  }
  assert.deepEqual(exporter.counters, { sent: 0, dropped: 2 });
});

test('a trace is sampled as a whole', async (t) => {
  const { bodies, endpoint } = await collector(t);
  const { exporter } = exporterTo(t, endpoint, { samplePercent: 30, maxQueued: 10_000 });
  for (let n = 0; n < 1_000; n += 1) {
    for (const name of ['a', 'b']) exporter.add(span(name, { traceId: traceIdOf(`call-${n}`) }));
  }
  await exporter.flush();
  const counts = new Map<unknown, number>();
  for (const { spans } of bodies)
    for (const { traceId } of spans) counts.set(traceId, (counts.get(traceId) ?? 0) + 1);
  assert([...counts.values()].every((count) => count === 2));
  assert(counts.size > 200 && counts.size < 400, String(counts.size));
});

test('a request to the admin, in the trace of who asked', () => {
  const answered = { method: 'GET', route: '/api/v1/sessions/:id', status: 200, elapsedMs: 5 };
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const { traceId, parentId, name, endMs, startMs } = answerSpan({ ...answered, traceparent });
  assert.deepEqual(
    [traceId, parentId, name, endMs - startMs],
    ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7', 'GET /api/v1/sessions/:id', 5],
  );
  for (const bad of ['', 'x', traceparent.toUpperCase(), `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`]) {
    assert.equal(parseTraceparent(bad), undefined);
  }
  assert.equal(answerSpan({ ...answered, traceparent: undefined }).parentId, undefined);
});
