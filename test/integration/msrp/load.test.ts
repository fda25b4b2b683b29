/** spec cases 63–67: slow readers, throttling, leaving in the middle, TLS demands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legOf, Member, openHall, putRoom, RawClient, sessionsOf } from './raw-client.ts';

const OUTBOX = { maxBytes: 1024 * 1024, maxMessages: 100_000, maxAgeMs: 30_000, stallMs: 30_000 };

test('case 63: a member that stops reading is cut alone; the others get everything', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  b.client.socket.pause();
  let sent = 0;
  const body = 'x'.repeat(4000);
  const isCut = () => hall.events.some((event) => event.op === 'leg.unbound');
  while (!isCut()) {
    const tids = Array.from({ length: 50 }, () => a.send(body));
    sent += tids.length;
    assert.ok(sent < 20_000, 'nobody was cut');
    for (const tid of tids) assert.equal(await a.client.status(tid), '200');
    await c.client.until(() => c.client.frames.length >= sent, `${sent} messages`);
  }
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.deepEqual(event.op === 'leg.unbound' && [event.leg, event.reason], ['b', 'slow']);
  assert.equal(hall.msrp.counters().senderPauses, 0);
  assert.equal(await a.sendAndStatus('after'), '200');
  await c.client.next((frame) => frame.body.toString() === 'after');
});

test('case 64: when all are slow the sender is not read, and goes on when they read again', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  b.client.socket.pause();
  const body = Buffer.alloc(60_000, 'y');
  let sent = 0;
  while (hall.msrp.counters().senderPauses === 0) {
    a.send(body);
    sent++;
    assert.ok(sent < 5000, 'the sender was never paused');
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let i = 0; i < 20; i++) a.send(body);
  sent += 20;
  b.client.socket.resume();
  await b.client.until(() => b.client.frames.length >= sent, `${sent} messages`);
  assert.equal(hall.events.filter((event) => event.op === 'leg.unbound').length, 0);
});

test('case 64: a recipient that never reads again does not hold the sender for ever', async () => {
  const outbox = { ...OUTBOX, maxBytes: 4 * 1024 * 1024, stallMs: 100 };
  await using hall = await openHall({ limits: { outbox } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  b.client.socket.pause();
  const body = Buffer.alloc(60_000, 'z');
  for (let sent = 0; !hall.events.some((event) => event.op === 'leg.unbound'); sent++) {
    assert.ok(sent < 1_000_000, 'nobody was cut');
    // Once it is held back, its messages lie here.
    if (a.client.socket.writableLength < 1024 * 1024) a.send(body);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await a.sendAndStatus('free again'), '200');
});

test("case 65: answers pass the switch's own bulk data", async () => {
  const outbox = { ...OUTBOX, maxBytes: 64 * 1024 * 1024 };
  await using hall = await openHall({ limits: { outbox, maxMessageBytes: 64 * 1024 * 1024 } });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  b.client.socket.pause();
  const size = 8000;
  const count = 1500;
  for (let i = 0; i < count; i++) {
    const range = `${i * size + 1}-${(i + 1) * size}/${size * count}`;
    const flag = i === count - 1 ? '$' : '+';
    const tid = a.send(Buffer.alloc(size, 'b'), { messageId: 'bulk', range, flag });
    if (i % 100 === 99) assert.equal(await a.client.status(tid), '200');
  }
  const answer = b.send('hello from the slow one');
  await c.client.next((frame) => frame.body.toString() === 'hello from the slow one');
  b.client.socket.resume();
  await b.client.until(
    () => b.client.frames.some((frame) => frame.flag === '$' && frame.what === 'SEND'),
    'the end',
  );
  const at = b.client.frames.findIndex((frame) => frame.tid === answer);
  assert.ok(at >= 0 && at < count - 1, `the answer came as frame ${at} of ${b.client.frames.length}`);
});

test('case 66: a member that leaves in the middle of a fan-out disturbs nobody', async () => {
  await using hall = await openHall();
  const names = Array.from({ length: 12 }, (_, i) => `m${i}`);
  putRoom(
    hall,
    names.map((name) => legOf(name)),
  );
  const members = await Promise.all(names.map((name) => Member.join(hall, name)));
  const [sender, ...others] = members as [Member, ...Member[]];
  const tids: string[] = [];
  for (let i = 0; i < 60; i++) {
    tids.push(sender.send(`message ${i}`));
    if (i % 10 === 5) others.pop()?.close();
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const tid of tids) assert.equal(await sender.client.status(tid), '200');
  for (const member of others) {
    await member.client.until(() => member.client.frames.length === tids.length, 'all messages');
  }
});

test('case 67: a session of msrps is refused over plain TCP', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a', { tls: true })]);
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await a.sendAndStatus(null), '403');
  assert.equal(sessionsOf(hall)[0]?.bound, 0);
});

test('one address holds a limited number of connections', async () => {
  const addresses = { maxConnections: 100, maxConnectionsPerAddress: 3, maxUnboundPerAddress: 2 };
  await using hall = await openHall({ limits: { addresses } });
  putRoom(hall, [legOf('a')]);
  const a = await Member.join(hall, 'a');
  const idle = [await RawClient.connect(hall.port), await RawClient.connect(hall.port)];
  const tooMany = await RawClient.connect(hall.port);
  await tooMany.closed();
  for (const client of idle) client.socket.destroy();
  assert.equal(await a.sendAndStatus(null), '200');
});
