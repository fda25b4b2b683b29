/** Delivering to a receiver that answers, refuses, stalls, goes away and comes back. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { FeedEntry } from '../../../src/admin/live/feed.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { WEBHOOK_EVENTS, type Webhook } from '../../../src/admin/records/webhooks.ts';
import { DEFAULT_WEBHOOK_LIMITS, type WebhookLimits } from '../../../src/admin/webhooks/sender.ts';
import { WebhookDesk } from '../../../src/admin/webhooks/webhook-desk.ts';
import { memoryLog } from '../../unit/admin/fake-view.ts';

const WAIT_MS = 20_000;

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receiver(t: TestContext, answer: (response: ServerResponse, count: number) => void) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      got.push({ headers: request.headers, body });
      answer(response, got.length);
      server.emit('got');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const until = async (count: number) => {
    const signal = AbortSignal.timeout(WAIT_MS);
    while (got.length < count) await once(server, 'got', { signal });
  };
  return { got, until, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in` };
}

function bench(t: TestContext, url: string, limits: Partial<WebhookLimits> = {}, own: Partial<Webhook> = {}) {
  const db = openRecords(':memory:');
  const { log, lines } = memoryLog();
  const clock = { ms: 1_700_000_000_000 };
  const desk = new WebhookDesk({
    db,
    log,
    nowMs: () => clock.ms,
    limits: { ...DEFAULT_WEBHOOK_LIMITS, ...limits },
  });
  desk.records.put({
    id: 'hook00000000',
    url,
    secret: 'secret-of-the-hook',
    events: WEBHOOK_EVENTS,
    isEnabled: true,
    createdMs: 0,
    ...own,
  });
  t.after(() => desk.stop());
  /** Looks now and then, as the server does, until it holds. */
  const lookUntil = async (holds: () => boolean) => {
    const deadlineMs = performance.now() + WAIT_MS;
    while (!holds()) {
      assert(performance.now() < deadlineMs, JSON.stringify(desk.stateOf('hook00000000')));
      desk.look();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { desk, clock, lines, lookUntil, state: () => desk.stateOf('hook00000000') };
}

function joined(id: number, participant = 'sip:ada@example.net'): FeedEntry {
  const decision = { id, at: '2026-11-22T10:00:00.000Z' } as FeedEntry['decision'];
  return { decision, changes: [{ change: 'joined', session: 'im-s-1', participant, reason: null }] };
}

const ok = (response: ServerResponse) => void response.writeHead(204).end();
const idsOf = (got: readonly Got[]) => got.map(({ body }) => (JSON.parse(body) as { id: string }).id);

test('signed so that the receiver can tell who it is from and when, in order, each once', async (t) => {
  const { got, url } = await receiver(t, ok);
  const { desk, lookUntil, state } = bench(t, url);
  desk.take([joined(1), joined(2, 'sip:ben@example.net')]);
  await lookUntil(() => state().delivered === 2 && state().queued === 0);
  const [first] = got;
  assert.deepEqual(JSON.parse(first?.body ?? ''), {
    id: '1-0',
    event: 'participant.joined',
    at: '2026-11-22T10:00:00.000Z',
    session: 'im-s-1',
    participant: 'sip:ada@example.net',
    reason: null,
  });
  const mac = createHmac('sha256', 'secret-of-the-hook').update(`1700000000.${first?.body}`).digest('hex');
  assert.equal(first?.headers['parley-signature'], `t=1700000000,v1=${mac}`);
  assert.equal(first?.headers['content-type'], 'application/json');
  assert.deepEqual(idsOf(got), ['1-0', '2-0']);
});

test('a failure: the same one again, later and later, before all others', async (t) => {
  const { got, url } = await receiver(t, (response, count) => {
    response.writeHead(count <= 2 ? 500 : 200).end('out of order: sip:ada@example.net');
  });
  const { desk, clock, lines, lookUntil, state } = bench(t, url);
  desk.take([joined(1), joined(2)]);
  await lookUntil(() => state().failed === 1);
  assert.equal(state().lastError, 'status 500');
  const first = (state().nextAttemptMs ?? 0) - clock.ms;
  assert(first >= 500 && first <= 1_000, String(first));
  desk.look();
  clock.ms += first;
  await lookUntil(() => state().failed === 2);
  const second = (state().nextAttemptMs ?? 0) - clock.ms;
  assert(second >= 1_000 && second <= 2_000, String(second));
  clock.ms += second;
  await lookUntil(() => state().delivered === 2);
  assert.deepEqual(idsOf(got), ['1-0', '1-0', '1-0', '2-0']);
  assert.deepEqual([state().lastError, state().dropped], [null, 0]);
  assert.doesNotMatch(JSON.stringify(lines), /out of order|secret-of/);
});

test('given up after so many attempts, and counted; the next one has its turn', async (t) => {
  const { got, url } = await receiver(t, (response, count) => {
    response.writeHead(count <= 2 ? 400 : 200).end();
  });
  const { desk, clock, lookUntil, state } = bench(t, url, { maxAttempts: 2 });
  desk.take([joined(1), joined(2)]);
  await lookUntil(() => state().failed === 1);
  clock.ms += 10_000;
  await lookUntil(() => state().failed === 2);
  clock.ms += 10_000;
  await lookUntil(() => state().delivered === 1);
  assert.deepEqual(idsOf(got), ['1-0', '1-0', '2-0']);
  assert.equal(state().dropped, 1);
  const [deliveries] = desk.metrics();
  assert(deliveries?.type === 'counter');
  assert.deepEqual(
    deliveries.values.map(({ value }) => value),
    [1, 2, 1],
  );
});

test('the queue is bounded: the oldest go, and are counted', async (t) => {
  const { got, url } = await receiver(t, ok);
  const { desk, lookUntil, state } = bench(t, url, { maxQueued: 3 });
  desk.take([1, 2, 3, 4, 5].map((id) => joined(id)));
  assert.deepEqual([state().queued, state().dropped], [3, 2]);
  await lookUntil(() => state().delivered === 3);
  assert.deepEqual(idsOf(got), ['3-0', '4-0', '5-0']);
});

test('a receiver that takes too long, one that is not there, and one that sends elsewhere have failed', async (t) => {
  const silent = await receiver(t, () => undefined);
  // For who never answers; those who do have the time that is usual.
  const slow = bench(t, silent.url, { timeoutMs: 300 });
  slow.desk.take([joined(1)]);
  await slow.lookUntil(() => slow.state().lastError === 'no answer in 300 ms');

  const nobody = bench(t, 'http://127.0.0.1:1/');
  nobody.desk.take([joined(1)]);
  await nobody.lookUntil(() => nobody.state().failed === 1);
  assert.match(nobody.state().lastError ?? '', /^(ECONNREFUSED|it could not be reached)$/);

  const target = await receiver(t, ok);
  const moved = await receiver(t, (response) => {
    response.writeHead(307, { location: target.url }).end();
  });
  const redirected = bench(t, moved.url);
  redirected.desk.take([joined(1)]);
  await redirected.lookUntil(() => redirected.state().lastError === 'status 307');
  assert.equal(target.got.length, 0);
});

test('only the events that it wants; nothing while it is off; a test event by itself', async (t) => {
  const { got, url, until } = await receiver(t, ok);
  const { desk, state } = bench(t, url, {}, { events: ['session.ended'] });
  desk.take([joined(1)]);
  assert.equal(state().queued, 0);
  desk.test('hook00000000');
  await until(1);
  assert.equal((JSON.parse(got[0]?.body ?? '') as { event: string }).event, 'test');
  const off = bench(t, url, {}, { isEnabled: false });
  off.desk.take([joined(1)]);
  assert.equal(off.state().queued, 0);
});
