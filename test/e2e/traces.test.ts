/** A conversation as a collector of OpenTelemetry gets it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly attributes: { readonly key: string; readonly value: Record<string, unknown> }[];
}

let stack: Stack;
let [ada, ben] = [] as unknown as [Subscriber, Subscriber];
const spans: SentSpan[] = [];
let all = '';
let answer = 200;
const collector = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  request.on('end', () => {
    all += text;
    const { resourceSpans } = JSON.parse(text) as {
      resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[];
    };
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.writeHead(answer).end('{}');
  });
});

before(async () => {
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const tracesEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  stack = await Stack.start({ config: { telemetry: { tracesEndpoint } } });
  [ada, ben] = await Promise.all([stack.subscriber('ada'), stack.subscriber('ben')]);
});
after(async () => {
  await stack.stop();
  collector.close();
});

test('requests, what is asked of Kamailio and of the switch, and of the admin; nobody and no word is in them', async () => {
  const [adas, bens] = await conversation(FACTORY, ada, ben);
  assert(adas !== undefined && bens !== undefined);
  await chat('a word for nobody else', adas, bens);
  await (
    await fetch(new URL(`/api/v1/sessions?user=${encodeURIComponent(ada.uri)}`, stack.ready.admin))
  ).text();
  const names = () => new Set(spans.map(({ name }) => name));
  const wanted = [
    'SIP INVITE',
    'SIP response',
    'Kamailio INVITE',
    'switch session.put',
    'GET /api/v1/sessions',
  ];
  await eventually(
    () => wanted.every((name) => names().has(name)),
    () => `only ${[...names()].join(', ')}`,
  );
  const called = spans.find(({ name }) => name === 'Kamailio INVITE');
  const answered = spans.find(({ name }) => name === 'SIP response');
  assert.equal(called?.traceId, answered?.traceId, 'one dialog, one trace');
  const invite = spans.find(({ name }) => name === 'SIP INVITE');
  const valueOf = (key: string) => invite?.attributes.find((one) => one.key === key)?.value['stringValue'];
  assert.deepEqual([valueOf('im.clause'), valueOf('sip.call_id')], ['7.2.1.2', adas.dialog.callId]);
  assert.doesNotMatch(all, /a word for|sip:ada|sip:ben/);
});

test('what the collector took and what it refused is counted, by thread', async () => {
  const value = async (name: string) => {
    const text = await (await fetch(new URL('/metrics', stack.ready.admin))).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  assert(spans.length > 0);
  // They have come, and the answer to them is on its way.
  await eventually(
    async () => (await value('im_focus_trace_spans_sent_total')) > 0,
    () => 'no span is counted as sent',
  );
  assert.equal(await value('im_focus_trace_spans_dropped_total'), 0);
  answer = 400;
  await eventually(
    // To be asked for metrics is a span too.
    async () => (await value('im_admin_trace_spans_dropped_total')) > 0,
    () => 'no span of the admin was dropped',
  );
});
