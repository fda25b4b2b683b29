import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { encodeNetstring, NetstringDecoder, parseInboxKey } from 'kamailio-jsonrpc';
import { eventually } from '../../support/eventually.ts';
import {
  DOMAIN,
  FACTORY,
  type KamailioFixture,
  log,
  startFixture,
} from '../../support/kamailio/kamailio-fixture.ts';
import { header } from '../../support/kamailio/sip-text.ts';
import { ok, StubService } from '../../support/kamailio/stub-service.ts';

const INVITE = { method: 'INVITE', uri: FACTORY, to: FACTORY };
const SESSION = `sip:im-s-1@${DOMAIN}`;

test('a pending request that the service never answers ends with 504, and is then no longer pending', async () => {
  const kam = await startFixture({ trustedPeers: ['127.0.0.1'], pendingMs: 600 });
  try {
    kam.service.decide = () => ({ pending: true });
    const caller = await kam.udp('alice');
    const reply = await caller.transact(INVITE);
    assert.equal(reply.status, 504);
    const tid = kam.service.requests[0]?.tid ?? '';
    assert.equal(await kam.client.reply(tid, ok()), 'not-pending');
  } finally {
    await kam.stop();
  }
});

test('without the service a request gets 503 with Retry-After at once; marks stay; it recovers by itself', async () => {
  const kam = await startFixture({ trustedPeers: ['127.0.0.1'] });
  let again: StubService | undefined;
  try {
    kam.service.decide = () => ({ pending: true });
    const caller = await kam.udp('alice');
    const pending = caller.request(INVITE);
    const call = await kam.service.expectRequest('the INVITE', () => true);
    const answered = caller.request({ ...INVITE, callId: 'answered' });
    const second = await kam.service.expectRequest('the INVITE', () => true);
    await kam.reply(second.tid, ok('mine'));
    await caller.expectStatus(200, 'INVITE');
    await kam.service.server.close();

    const refused = await caller.transact({ ...INVITE, callId: 'while-down' });
    assert.equal(refused.status, 503);
    assert.ok(Number(header(refused, 'Retry-After')) > 0);
    // what happens meanwhile is kept, though the notification is lost
    caller.request({ ...pending, method: 'CANCEL', cseqMethod: 'CANCEL' });
    await caller.expectStatus(200, 'CANCEL');
    caller.request({ ...answered, method: 'ACK', uri: SESSION, toTag: 'mine', branch: 'z9hG4bKack' });
    // requests come after one another on one socket: this answer says that the ACK has been read
    await caller.transact({ method: 'OPTIONS', uri: SESSION, to: SESSION });

    again = new StubService(kam.servicePort, log);
    await again.server.listen();
    await again.whenConnected();
    const kinds = (await kam.client.inboxKeys())
      .map(parseInboxKey)
      .map((key) => `${key?.kind} ${key?.callId}`);
    assert.deepEqual(kinds.sort(), ['ACK answered', `CANCEL ${pending.callId}`]);
    assert.equal(
      await kam.client.reply(call.tid, { code: 487, reason: 'Request Terminated', toTag: 'm', headers: [] }),
      'sent',
    );
    await caller.expectStatus(487, 'INVITE');
    assert.equal((await caller.transact({ ...INVITE, callId: 'up-again' })).status, 200);
  } finally {
    await again?.server.close();
    await kam.stop();
  }
});

interface Question {
  readonly id?: number;
  readonly method: string;
  readonly params: { readonly tid: string };
}

/** Takes every question and answers none, as a service that hangs, unless the test says otherwise. */
class SilentService {
  readonly tids: string[] = [];
  readonly methods: string[] = [];
  readonly #server: Server = createServer((socket) => {
    const decoder = new NetstringDecoder(200000);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const frame of decoder.push(chunk)) {
        const call = JSON.parse(frame.toString()) as Question;
        this.tids.push(call.params.tid);
        this.methods.push(call.method);
        const answer = this.answer(call);
        if (answer !== undefined && call.id !== undefined)
          socket.write(encodeNetstring(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...answer })));
      }
    });
    socket.on('close', () => this.sockets.delete(socket.destroy.bind(socket)));
    this.sockets.add(socket.destroy.bind(socket));
  });
  readonly sockets = new Set<() => void>();
  answer: (call: Question) => object | undefined = () => undefined;

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(address === null || typeof address === 'string' ? 0 : address.port);
      });
    });
  }

  close(): Promise<void> {
    for (const cut of this.sockets) cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

test('a question without an answer leaves room for a late reply, then ends with 503', async () => {
  const silent = new SilentService();
  const port = await silent.listen();
  const kam = await startFixture({
    trustedPeers: ['127.0.0.1'],
    service: [{ host: '127.0.0.1', port }],
    lateMs: 1500,
  });
  try {
    const caller = await kam.udp('alice');
    const sent = caller.request({ ...INVITE, callId: 'late' });
    const given = caller.request({ ...INVITE, callId: 'given-up' });
    // 2 s pass until Kamailio gives the question up; only then is the transaction suspended for a late reply
    const deadline = Date.now() + 8000;
    let outcome = 'not-pending';
    while (outcome === 'not-pending' && Date.now() < deadline) {
      if (silent.tids[0] !== undefined && kam.kamailio.recentOutput().includes('no answer in time')) {
        outcome = await kam.client.reply(silent.tids[0], ok('late-tag'));
      } else await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(outcome, 'sent');
    const late = await caller.expect('the late 200', (m) => m.status === 200);
    const final = await caller.expect('503', (m) => m.status === 503);
    // two workers: either of the two may have been asked first
    assert.deepEqual([header(late, 'Call-ID'), header(final, 'Call-ID')].sort(), [given.callId, sent.callId]);
    assert.ok(Number(header(final, 'Retry-After')) > 0);
    assert.ok(silent.methods.includes('sip.again'), 'it was asked again in between');
  } finally {
    await kam.stop();
    await silent.close();
  }
});

test('a slow service is asked again, and the answer that was late counts', async () => {
  const slow = new SilentService();
  const port = await slow.listen();
  const kam = await startFixture({ trustedPeers: ['127.0.0.1'], service: [{ host: '127.0.0.1', port }] });
  try {
    slow.answer = ({ method, params }) =>
      method === 'sip.again'
        ? { result: { reply: [200, 'OK', params.tid, 'late', 'X-Kept: yes\r\n', ''] } }
        : undefined;
    const caller = await kam.udp('alice');
    const reply = await caller.transact({ method: 'OPTIONS', uri: SESSION, to: SESSION });
    assert.deepEqual([reply.status, header(reply, 'X-Kept')], [200, 'yes']);
    slow.answer = ({ method }) => (method === 'sip.again' ? { result: { pending: true } } : undefined);
    const pending = caller.request(INVITE);
    const isAsked = () => slow.methods.slice(2).includes('sip.again');
    await eventually('the second question', isAsked);
    const tid = slow.tids.at(-1) ?? '';
    await kam.reply(tid, ok('mine'));
    const answer = await caller.expect('the 200', (m) => m.status === 200 && m.method === 'INVITE');
    assert.equal(header(answer, 'Call-ID'), pending.callId);
  } finally {
    await kam.stop();
    await slow.close();
  }
});

test('a question in flight when the service dies gets 503 when it is asked again, and its INVITE counts as cancelled', async () => {
  const dying = new SilentService();
  const port = await dying.listen();
  const kam = await startFixture({
    trustedPeers: ['127.0.0.1'],
    service: [{ host: '127.0.0.1', port }],
    lateMs: 60_000,
  });
  try {
    const caller = await kam.udp('alice');
    const invite = caller.request({ ...INVITE, callId: 'in-flight' });
    const options = caller.request({ method: 'OPTIONS', uri: SESSION, to: SESSION });
    await eventually('both questions', () => dying.tids.length === 2);
    await dying.close();
    for (const { callId } of [invite, options]) {
      const refused = await caller.expect('503', (m) => m.status === 503 && header(m, 'Call-ID') === callId);
      assert.ok(Number(header(refused, 'Retry-After')) > 0);
    }
    const keys = (await kam.client.inboxKeys()).map(parseInboxKey);
    assert.deepEqual(
      keys.map((key) => `${key?.kind} ${key?.callId}`),
      [`CANCEL ${invite.callId}`],
    );
  } finally {
    await kam.stop();
    await dying.close();
  }
});

test('an error or nonsense from the service gets 500, and nothing else', async () => {
  const odd = new SilentService();
  const port = await odd.listen();
  const kam = await startFixture({ trustedPeers: ['127.0.0.1'], service: [{ host: '127.0.0.1', port }] });
  try {
    const caller = await kam.udp('alice');
    for (const answer of [
      { error: { code: -32001, message: 'Wrong secret' } },
      { result: {} },
      { result: { reply: [] } },
      { result: { reply: ['x', 'y'] } },
      { result: { reply: [200, 'OK', '1:1', 'tag', '', ''] } },
    ]) {
      odd.answer = () => answer;
      const reply = await caller.transact({ method: 'OPTIONS', uri: SESSION, to: SESSION });
      assert.equal(reply.status, 500, JSON.stringify(answer));
    }
  } finally {
    await kam.stop();
    await odd.close();
  }
});

test('of two services the one with the lower priority number is asked; the other when it is gone', async () => {
  const first = new StubService(0, log);
  const second = new StubService(0, log);
  const ports = [await first.server.listen(), await second.server.listen()];
  const kam = await startFixture({
    trustedPeers: ['127.0.0.1'],
    service: ports.map(({ host, port }, index) => ({ host, port, priority: 10 + index })),
  }).catch(async (error: unknown) => {
    await first.server.close();
    await second.server.close();
    throw error;
  });
  try {
    await first.whenConnected();
    await second.whenConnected();
    const caller = await kam.udp('alice');
    const ask = () => caller.transact({ method: 'OPTIONS', uri: SESSION, to: SESSION });
    assert.equal((await ask()).status, 200);
    assert.deepEqual([first.requests.length, second.requests.length], [1, 0]);
    await first.server.close();
    // the loss is noticed by the io process a moment after
    let status = 0;
    for (let n = 0; n < 20 && status !== 200; n++) status = (await ask()).status;
    assert.equal(status, 200);
    assert.equal(second.requests.length, 1);
  } finally {
    await kam.stop();
    await first.server.close();
    await second.server.close();
  }
});

let crowd: KamailioFixture;
before(async () => {
  crowd = await startFixture({ trustedPeers: ['127.0.0.1'], memoryMb: 128 });
});
after(() => crowd.stop());

test('700 requests pending at once all get their replies: a question is answered at once, so its id is free again', async () => {
  crowd.service.decide = () => ({ pending: true });
  const caller = await crowd.udp('crowd');
  const count = 700;
  const tids: string[] = [];
  for (let n = 0; n < count; n += 50) {
    for (let i = n; i < n + 50; i++) caller.request({ ...INVITE, callId: `crowd-${i}` });
    for (let i = n; i < n + 50; i++)
      tids.push((await crowd.service.expectRequest('an INVITE', () => true)).tid);
  }
  assert.equal(new Set(tids).size, count);
  await Promise.all(
    tids.map((tid) => crowd.reply(tid, { code: 486, reason: 'Busy Here', toTag: 'b', headers: [] })),
  );
  const answered = new Set<string>();
  while (answered.size < count) {
    const reply = await caller.expect('486', (m) => m.status === 486);
    answered.add(header(reply, 'Call-ID'));
  }
});
