/** spec case 70: MSRP over WebSocket (RFC 7977). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { eventually } from '../../support/eventually.ts';
import { LOOPBACK, portOf } from './certificates.ts';
import { clientUri, type Hall, legOf, Member, openHall, putRoom, RawClient } from './raw-client.ts';
import { clientFrame, WebMember } from './web-client.ts';

const listen = [
  { transport: 'tcp' as const, host: '127.0.0.1', port: 0 },
  { transport: 'ws' as const, host: '127.0.0.1', port: 0 },
  { transport: 'wss' as const, host: '127.0.0.1', port: 0 },
];
const tls = LOOPBACK;
const webPath = (name: string) => ({ path: [clientUri(name).replace(';tcp', ';ws')] });
const open = (options: Parameters<typeof openHall>[0] = {}) => openHall({ listen, tls, ...options });

test('case 70: a client over WebSocket is in the room with one over TCP; one frame a message both ways', async () => {
  await using hall = await open();
  putRoom(hall, [legOf('a', webPath('a')), legOf('b')]);
  const a = await WebMember.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  assert.equal(await a.sendAndStatus('from the web', { from: clientUri('a').replace(';tcp', ';ws') }), '200');
  assert.equal((await b.message()).body.toString(), 'from the web');
  // One segment with many frames comes out as as many messages, of every length that the head of a WebSocket frame knows.
  const sizes = [0, 1, 100, 125, 126, 300, 5_000, 9_000, 65_000, 70_000];
  const frames = sizes.map((size) => b.frame(Buffer.alloc(size, 'w')).bytes);
  a.wire.messages.length = 0;
  b.client.write(Buffer.concat(frames));
  for (const size of sizes) assert.equal((await a.message()).body.length, size);
  assert.equal(a.wire.messages.length, sizes.length);
  for (const message of a.wire.messages) {
    const tid = /^MSRP (\S+) SEND\r\n/.exec(message.toString('latin1'))?.[1] ?? 'none';
    assert.ok(message.toString('latin1').endsWith(`-------${tid}$\r\n`), 'a message that is not one frame');
  }
});

test('case 70: bodies that are not UTF-8 pass byte-exact to and from a WebSocket', async () => {
  await using hall = await open();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await WebMember.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  assert.equal(await a.sendAndStatus(body), '200');
  assert.deepEqual((await b.message()).body, body);
  assert.equal(await b.sendAndStatus(body), '200');
  assert.deepEqual((await a.message()).body, body);
});

test('case 70: a text message is a frame as well; chunks of one message come one a message', async () => {
  await using hall = await open();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await WebMember.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const { tid, bytes } = a.frame('gr\u00fc\u00df', { type: 'text/plain' });
  a.wire.writeText(
    Buffer.from(bytes).toString('latin1').replace('gr\u00fc\u00df', 'hallo').replace('1-4/4', '1-5/5'),
  );
  assert.equal(await a.client.status(tid), '200');
  assert.equal((await b.message()).body.toString(), 'hallo');
  const parts = ['one ', 'two ', 'three'];
  let start = 1;
  for (const [index, part] of parts.entries()) {
    const flag = index === 2 ? '$' : '+';
    const range = `${start}-${start + part.length - 1}/13`;
    assert.equal(await a.sendAndStatus(part, { messageId: 'whole', range, flag }), '200');
    start += part.length;
  }
  const got: string[] = [];
  for (let i = 0; i < 3; i++) got.push((await b.message()).body.toString());
  assert.deepEqual(got, parts);
});

test('case 70: over wss the session is msrps, and plain ws is refused for it', async () => {
  await using hall = await open();
  putRoom(hall, [legOf('a', { tls: true }), legOf('b')]);
  const plain = await WebMember.connect(hall, 'a');
  assert.equal(await plain.sendAndStatus(null), '403');
  const socket = connectTls({ port: portOf(hall, 'wss'), host: '127.0.0.1', ca: LOOPBACK.cert });
  await once(socket, 'secureConnect');
  socket.write(upgradeRequest());
  const head = await firstBytes(socket, (text) => text.includes('\r\n\r\n'));
  assert.match(head, /^HTTP\/1\.1 101 /);
  const a = new Member('a', new RawClient(socket), portOf(hall, 'wss'));
  const b = await Member.join(hall, 'b');
  socket.write(clientFrame(2, a.frame(null).bytes));
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'a');
  socket.write(clientFrame(2, a.frame('over wss').bytes));
  assert.equal((await b.message()).body.toString(), 'over wss');
});

test('case 70: pongs, which the switch writes of itself, hold up no message', async () => {
  await using hall = await open();
  putRoom(hall, [legOf('a', { tls: true }), legOf('b')]);
  const b = await Member.join(hall, 'b');
  // Over TLS, what is written is always a turn of the event loop under way: time for a pong to come behind it.
  const socket = connectTls({ port: portOf(hall, 'wss'), host: '127.0.0.1', ca: LOOPBACK.cert });
  await once(socket, 'secureConnect');
  socket.write(upgradeRequest());
  await firstBytes(socket, (text) => text.includes('\r\n\r\n'));
  let seen = '';
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1');
  });
  const a = new Member('a', b.client, portOf(hall, 'wss'));
  socket.write(clientFrame(2, a.frame(null).bytes));
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'a');
  for (let number = 1; number <= 50; number++) {
    b.send(`message ${number}.`);
    for (let pings = 0; pings < 4; pings++) {
      socket.write(clientFrame(9, Buffer.from('ping')));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(`message ${number}`, () => seen.includes(`message ${number}.`), 5_000);
  }
  socket.destroy();
});

for (const [name, write] of [
  ['two frames in one message', (a: WebMember) => Buffer.concat([a.frame('1').bytes, a.frame('2').bytes])],
  ['half a frame', (a: WebMember) => a.frame('half').bytes.subarray(0, -10)],
  [
    'a frame and the beginning of another',
    (a: WebMember) => Buffer.concat([a.frame('1').bytes, Buffer.from('MSRP')]),
  ],
  ['no MSRP', () => Buffer.from('hello')],
  ['a message over the limit', (a: WebMember) => a.frame(Buffer.alloc(30_000)).bytes],
] as const) {
  test(`case 70: ${name} closes that connection only`, async () => {
    await using hall = await open({ limits: { maxWebMessageBytes: 20_000 } });
    putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
    const a = await WebMember.join(hall, 'a');
    const b = await Member.join(hall, 'b');
    const c = await WebMember.join(hall, 'c');
    a.client.write(write(a));
    await a.client.closed();
    assert.equal(await c.sendAndStatus('still here'), '200');
    await b.client.next((frame) => frame.body.toString() === 'still here');
  });
}

test('case 70: a WebSocket that answers pings stays, one that does not is closed', async () => {
  // Long enough for an answer on a machine that is held up.
  await using hall = await open({ limits: { webPingMs: 700, idleMs: 10_000 } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const answering = await WebMember.join(hall, 'a');
  const mute = await rawUpgrade(hall);
  const b = new Member('b', new RawClient(mute), portOf(hall, 'ws'));
  mute.write(clientFrame(2, b.frame(null).bytes));
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.deepEqual([event.leg, event.op === 'leg.unbound' && event.reason], ['b', 'stalled']);
  assert.equal(hall.msrp.counters().reaped, 1);
  assert.equal(await answering.sendAndStatus('here'), '200');
});

test('case 70: a WebSocket that was not asked in time, as the switch was held up itself, is asked before it is closed', async () => {
  const clock = { ms: 0, nowMs: () => clock.ms };
  await using hall = await open({ clock, limits: { webPingMs: 60 } });
  putRoom(hall, [legOf('a')]);
  const socket = await rawUpgrade(hall);
  const a = new Member('a', new RawClient(socket), portOf(hall, 'ws'));
  socket.write(clientFrame(2, a.frame(null).bytes));
  await hall.nextEvent((event) => event.op === 'leg.bound');
  const ping = firstBytes(socket, (text) => text.endsWith('\x89\x00'));
  clock.ms = 1_000;
  await ping;
  clock.ms = 1_061;
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.equal(event.op === 'leg.unbound' && event.reason, 'stalled');
});

test('case 70: closing in good order is told, and the client may come back', async () => {
  await using hall = await open();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const first = await WebMember.join(hall, 'a');
  first.close();
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.equal(event.op === 'leg.unbound' && event.reason, 'closed');
  const again = await WebMember.join(hall, 'a');
  hall.msrp.handle('leg.drop', { session: 'im-s-room1', base: 1, revision: 2, legs: ['a'] });
  await again.client.closed();
  assert.equal(again.wire.closeCode, 1000);
});

test('case 70: a fragmented message is one frame; control frames in between are answered', async () => {
  await using hall = await open();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const socket = await rawUpgrade(hall);
  const a = new Member('a', new RawClient(socket), portOf(hall, 'ws'));
  const b = await Member.join(hall, 'b');
  const { bytes } = a.frame('in pieces');
  socket.write(clientFrame(2, bytes.subarray(0, 20), false));
  const pong = firstBytes(socket, (text) => text.includes('\x8a\x02hi'));
  socket.write(clientFrame(9, Buffer.from('hi')));
  await pong;
  socket.write(clientFrame(0, bytes.subarray(20), true));
  assert.equal((await b.message()).body.toString(), 'in pieces');
});

for (const [name, change, status] of [
  ['without the subprotocol', (text: string) => text.replace(/Sec-WebSocket-Protocol.*\r\n/, ''), '400'],
  ['with another subprotocol', (text: string) => text.replace('Protocol: msrp', 'Protocol: sip'), '400'],
  [
    'with an origin that is not allowed',
    (text: string) => text.replace('good.example', 'evil.example'),
    '403',
  ],
  ['without origin where origins are listed', (text: string) => text.replace(/Origin.*\r\n/, ''), '403'],
  ['without a key', (text: string) => text.replace(/Sec-WebSocket-Key.*\r\n/, ''), '400'],
  ['of another version', (text: string) => text.replace('Version: 13', 'Version: 7'), '4\\d\\d'],
  ['that is plain HTTP', () => 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '426'],
  ['by POST', (text: string) => text.replace('GET', 'POST'), '405'],
  [
    'with 20 kB of headers',
    (text: string) => text.replace('Host', `X-A: ${'x'.repeat(20_000)}\r\nHost`),
    '400',
  ],
  ['that is garbage', () => '\x00\x01garbage\r\n\r\n', '400'],
] as const) {
  test(`case 70: an upgrade ${name} is refused by ${status}`, async () => {
    await using hall = await open({ webOrigins: ['https://good.example'] });
    const socket = connect(portOf(hall, 'ws'), '127.0.0.1');
    const answer = firstBytes(socket, (text) => text.includes('\r\n\r\n'));
    socket.write(change(upgradeRequest()), 'latin1');
    assert.match(await answer, new RegExp(`^HTTP/1.1 ${status} `));
    if (!socket.closed) await once(socket, 'close');
    assert.equal(hall.msrp.counters().connectionsOpened, 0);
    const good = connect(portOf(hall, 'ws'), '127.0.0.1');
    const accepted = firstBytes(good, (text) => text.includes('\r\n\r\n'));
    good.write(upgradeRequest());
    assert.match(await accepted, /^HTTP\/1\.1 101 .*Sec-WebSocket-Protocol: msrp\r\n/s);
    good.destroy();
  });
}

test('case 70: an upgrade that never ends is reaped and counted', async () => {
  await using hall = await open({ limits: { handshakeMs: 60 } });
  const slow = await RawClient.connect(portOf(hall, 'ws'));
  slow.write(upgradeRequest().slice(0, 40));
  await slow.closed();
  assert.equal(hall.msrp.counters().handshakesStalled, 1);
});

test('case 63, 70: a WebSocket that stops reading is cut alone', async () => {
  await using hall = await open({
    limits: { outbox: { maxBytes: 512 * 1024, maxMessages: 100_000, maxAgeMs: 30_000, stallMs: 30_000 } },
  });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const c = await WebMember.join(hall, 'c');
  const socket = await rawUpgrade(hall);
  const b = new Member('b', new RawClient(socket), portOf(hall, 'ws'));
  socket.write(clientFrame(2, b.frame(null).bytes));
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'b');
  socket.pause();
  let sent = 0;
  while (!hall.events.some((event) => event.op === 'leg.unbound')) {
    const tids = Array.from({ length: 20 }, () => a.send('x'.repeat(8_000)));
    sent += tids.length;
    assert.ok(sent < 20_000, 'nobody was cut');
    for (const tid of tids) assert.equal(await a.client.status(tid), '200');
    await c.client.until(() => c.client.frames.length >= sent, `${sent} messages`);
  }
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.deepEqual(event.op === 'leg.unbound' && [event.leg, event.reason], ['b', 'slow']);
  socket.destroy();
});

function upgradeRequest(): string {
  return (
    'GET /chat HTTP/1.1\r\nHost: switch.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Origin: https://good.example\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Protocol: msrp\r\n\r\n'
  );
}

async function firstBytes(socket: Socket, isEnough: (text: string) => boolean): Promise<string> {
  let text = '';
  socket.on('error', () => {});
  for (;;) {
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(20_000) })) as [Buffer];
    text += chunk.toString('latin1');
    if (isEnough(text)) return text;
  }
}

async function rawUpgrade(hall: Hall): Promise<Socket> {
  const socket = connect(portOf(hall, 'ws'), '127.0.0.1');
  const answer = firstBytes(socket, (text) => text.includes('\r\n\r\n'));
  socket.write(upgradeRequest());
  assert.match(await answer, /^HTTP\/1\.1 101 /);
  return socket;
}
