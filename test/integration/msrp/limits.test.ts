/** Every bound that a member can meet: what it is answered, which counter tells, and that nobody else notices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { legOf, Member, openHall, putRoom, RawClient, sessionsOf } from './raw-client.ts';

test('messages per second: more are 413, counted, and taken again later', async () => {
  await using hall = await openHall({ limits: { messagesPerS: 20 } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const tids = Array.from({ length: 60 }, (_, i) => a.send(`burst ${i}`));
  const statuses: string[] = [];
  for (const tid of tids) statuses.push(await a.client.status(tid));
  const refused = statuses.filter((status) => status === '413').length;
  assert.equal(statuses.slice(0, 20).join(' '), Array(20).fill('200').join(' '));
  assert.ok(refused > 0 && statuses.every((status) => status === '200' || status === '413'));
  assert.equal(hall.msrp.counters().limitedByRate, refused);
  assert.equal(await b.sendAndStatus('not my limit'), '200');
  await eventually('the limit to be past', async () => (await a.sendAndStatus('again')) === '200');
});

test('a flood of tiny chunks counts as messages: 413, and the recipients are told', async () => {
  await using hall = await openHall({ limits: { messagesPerS: 20 } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const tids = Array.from({ length: 100 }, (_, i) =>
    a.send('x', { messageId: 'drip', range: `${i + 1}-${i + 1}/1000`, flag: '+' }),
  );
  const statuses: string[] = [];
  for (const tid of tids) statuses.push(await a.client.status(tid));
  assert.equal(statuses.at(-1), '413');
  await b.client.next((frame) => frame.flag === '#');
  assert.ok(hall.msrp.counters().limitedByRate > 0);
});

test('sessions on one connection: one more is 403 and stays unbound', async () => {
  await using hall = await openHall({ limits: { maxSessionsPerConnection: 2 } });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c'), legOf('d')]);
  const a = await Member.join(hall, 'a');
  const as = (name: string) => new Member(name, a.client, hall.port);
  assert.equal(await as('b').sendAndStatus(null), '200');
  assert.equal(await as('c').sendAndStatus(null), '403');
  assert.equal(hall.msrp.counters().limitedBySessions, 1);
  assert.equal(sessionsOf(hall)[0]?.bound, 2);
  const d = await Member.join(hall, 'd');
  assert.equal(await as('b').sendAndStatus('both work'), '200');
  await d.message();
});

test('unfinished messages of one leg: one more is 413', async () => {
  await using hall = await openHall({ limits: { maxTransfersPerLeg: 2 } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const begin = (id: string) => a.sendAndStatus('begun', { messageId: id, range: '1-5/10', flag: '+' });
  assert.deepEqual([await begin('one'), await begin('two'), await begin('three')], ['200', '200', '413']);
  assert.equal(hall.msrp.counters().limitedByTransfers, 1);
});

test('case 52: sizes are counted in, 413', async () => {
  await using hall = await openHall({ limits: { maxMessageBytes: 1000 } });
  putRoom(hall, [legOf('a')]);
  const a = await Member.join(hall, 'a');
  assert.equal(await a.sendAndStatus('x', { range: '1-1/2000' }), '413');
  assert.equal(await a.sendAndStatus(Buffer.alloc(1500), { range: '1-*/*' }), '413');
  assert.equal(hall.msrp.counters().limitedBySize, 2);
});

for (const [name, bytes] of [
  ['case 13: a start line', `MSRP ${'x'.repeat(10_000)}`],
  ['case 14: a head', `MSRP abcd1234 SEND\r\nTo-Path: ${'x'.repeat(60_000)}`],
  ['case 15: 2,000 headers', `MSRP abcd1234 SEND\r\n${'X-A: b\r\n'.repeat(2_000)}`],
] as const) {
  test(`${name} above its limit is closed and counted`, async () => {
    await using hall = await openHall();
    const client = await RawClient.connect(hall.port);
    client.write(bytes);
    await client.closed();
    assert.equal(hall.msrp.counters().limitedByHead, 1);
  });
}

test('connections of one address, and those that name no session, are closed above their limits and counted', async () => {
  const addresses = { maxConnections: 100, maxConnectionsPerAddress: 4, maxUnboundPerAddress: 2 };
  await using hall = await openHall({ limits: { addresses } });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const unbound = [await RawClient.connect(hall.port), await RawClient.connect(hall.port)];
  await (await RawClient.connect(hall.port)).closed();
  assert.equal(hall.msrp.counters().connectionsRefused, 1);
  for (const client of unbound) client.socket.destroy();
  await eventually('the connections to be over', () => hall.msrp.counters().connections === 0);
  const members = [await Member.join(hall, 'a'), await Member.join(hall, 'b'), await Member.join(hall, 'c')];
  await RawClient.connect(hall.port);
  await (await RawClient.connect(hall.port)).closed();
  assert.equal(hall.msrp.counters().connectionsRefused, 2);
  for (const member of members) assert.equal(await member.sendAndStatus(null), '200');
});

test('case 33: idle without a session, and in the middle of a frame: reaped and counted', async () => {
  const clock = { ms: 0, nowMs: () => clock.ms };
  await using hall = await openHall({ clock, limits: { idleMs: 60 } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const quiet = await Member.join(hall, 'b');
  const silent = await RawClient.connect(hall.port);
  const a = await Member.join(hall, 'a');
  a.client.write(a.frame('half of it').bytes.subarray(0, -8));
  await eventually('all of it to be there', () => {
    const { connections, heldBytes } = hall.msrp.counters();
    return connections === 3 && heldBytes > 0;
  });
  clock.ms = 61;
  await silent.closed();
  await a.client.closed();
  assert.equal(hall.msrp.counters().reaped, 2);
  assert.equal(await quiet.sendAndStatus(null), '200');
});

test('case 33: a switch that was held up itself reads what has come meanwhile before it calls anybody idle', async () => {
  const clock = { ms: 0, nowMs: () => clock.ms };
  await using hall = await openHall({ clock, limits: { idleMs: 60 } });
  putRoom(hall, [legOf('a')]);
  const a = await Member.join(hall, 'a');
  for (let times = 1; times <= 3; times += 1) {
    const { tid, bytes } = a.frame('half of it, and the other half');
    a.client.write(bytes.subarray(0, -8));
    await eventually('the first half', () => hall.msrp.counters().heldBytes > 0);
    // From here on timers come before what can be read.
    await new Promise((resolve) => setImmediate(resolve));
    a.client.write(bytes.subarray(-8));
    clock.ms += 61;
    // Until a tick is due.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    assert.equal(await a.client.status(tid), '200');
  }
  assert.equal(hall.msrp.counters().reaped, 0);
});

test('half-open: a bound connection that is silent for long is asked, and closed when no answer comes', async () => {
  // Long enough for an answer on a machine that is held up.
  await using hall = await openHall({ limits: { probeIdleMs: 60, responseMs: 1_500 } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const gone = await Member.join(hall, 'a');
  gone.client.answerWith = 0;
  const there = await Member.join(hall, 'b');
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.deepEqual(event.op === 'leg.unbound' && [event.leg, event.reason], ['a', 'stalled']);
  assert.equal(hall.msrp.counters().reaped, 1);
  assert.equal(await there.sendAndStatus(null), '200');
});
