import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeHello, RawClient, switchFor } from './rig.ts';

function request(headers: Record<string, string>, body = '{}'): string {
  const all = {
    'Event-Subclass': 'im::request',
    'im-v': '1',
    'im-op': 'session.list',
    'im-corr': 'c1',
    'im-from': 'f1',
    'im-to': 'sw1',
    'im-seq': '1',
    'im-epoch': 'e1',
    'im-ttl-ms': '2000',
    ...headers,
    'Content-Length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\n`);
  return `sendevent CUSTOM\n${lines.join('')}\n${body}`;
}

test('at the switch: a replayed im-corr is answered from memory, forged senders and classes are refused', async (t) => {
  const sw = await switchFor(t);
  const client = new RawClient(sw.port);
  t.after(() => client.socket.destroy());
  await client.login();
  await client.ask('event json CUSTOM im::reply');
  const replyText = async (text: string): Promise<string> => {
    client.write(text);
    return (await client.next()).headers.get('reply-text') ?? '';
  };
  for (let count = 0; count < 3; count += 1) {
    assert.match(await replyText(request({})), /^\+OK/);
    const answer = JSON.parse((await client.next()).body) as Record<string, string>;
    assert.equal(answer['im-corr'], 'c1');
    assert.equal(answer['_body'], '{"ok":true,"revision":1}');
  }
  assert.equal(sw.calls.length, 1);
  assert.match(await replyText(request({ 'im-op': 'session.drop' })), /^\+OK/);
  assert.match((await client.next()).body, /invalid/);
  for (const [headers, why] of [
    [{ 'im-from': 'f2' }, /im-from/],
    [{ 'im-to': 'sw2' }, /im-to/],
    [{ 'im-v': '2' }, /im-v/],
    [{ 'im-corr': 'a b' }, /im-\*/],
    [{ 'im-page': '2.3' }, /page/],
    [{ 'im-page': '1.999' }, /pages/],
    [{ 'Event-Subclass': 'im::event' }, /not taken/],
    [{ 'Event-Subclass': 'im::hello' }, /not taken/],
    [{ 'Event-Subclass': 'im::reply' }, /not taken/],
  ] as const) {
    const text = await replyText(request({ 'im-corr': 'c2', ...headers }));
    assert.match(text, /^-ERR/);
    assert.match(text, why);
  }
  assert.equal(sw.calls.length, 1);
  assert.equal(sw.server.counters.refusedEvents, 9);
});

test('at the switch: a body that is no JSON is answered `invalid`', async (t) => {
  const sw = await switchFor(t);
  const client = new RawClient(sw.port);
  t.after(() => client.socket.destroy());
  await client.login();
  await client.ask('event json CUSTOM im::reply');
  client.write(request({}, '{"a'));
  await client.next();
  assert.match((await client.next()).body, /invalid/);
  assert.equal(sw.calls.length, 0);
});

test('a new subscriber is greeted at once, then hellos come by themselves', async (t) => {
  const sw = await switchFor(t, { helloIntervalMs: 30 });
  const client = new RawClient(sw.port);
  t.after(() => client.socket.destroy());
  await client.login();
  await client.ask('event json CUSTOM im::hello');
  for (let count = 0; count < 3; count += 1) {
    const hello = JSON.parse((await client.next()).body) as Record<string, string>;
    assert.equal(hello['Event-Subclass'], 'im::hello');
    assert.deepEqual(JSON.parse(hello['_body'] ?? ''), makeHello());
  }
});

test('a hello that fails is left out, the next one comes', async (t) => {
  let count = 0;
  const hello = (): ReturnType<typeof makeHello> => {
    count += 1;
    if (count < 3) throw new Error('boom');
    return makeHello();
  };
  const sw = await switchFor(t, { helloIntervalMs: 20, hello });
  const client = new RawClient(sw.port);
  t.after(() => client.socket.destroy());
  await client.login();
  await client.ask('event json CUSTOM im::hello');
  assert.match((await client.next()).body, /im::hello/);
});
