/** Peers that vanish, repeat themselves or answer what nobody asked; and a defect of our own. Others notice nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Leg } from '../../../src/msrp/switch/leg.ts';
import { Peer } from '../../../src/msrp/switch/peer.ts';
import { Room } from '../../../src/msrp/switch/room.ts';
import { Outbox } from '../../../src/msrp/transport/outbox.ts';
import { eventually } from '../../support/eventually.ts';
import {
  type Hall,
  legOf,
  Member,
  openAcceptor,
  openHall,
  putRoom,
  RawClient,
  sessionsOf,
  silentLog,
} from './raw-client.ts';

async function roomOf(hall: Hall, ...names: string[]): Promise<Member[]> {
  putRoom(
    hall,
    names.map((name) => legOf(name)),
  );
  return Promise.all(names.map((name) => Member.join(hall, name)));
}

const settled = async (hall: Hall, connections: number): Promise<void> => {
  await eventually('the connections to be over', () => hall.msrp.counters().connections <= connections);
};

for (const [name, vanish] of [
  ['closes', (client: RawClient) => client.socket.end()],
  ['resets', (client: RawClient) => client.socket.resetAndDestroy()],
] as const) {
  test(`case 40: a peer that ${name} at any byte leaves nothing behind`, async () => {
    await using hall = await openHall();
    putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
    const b = await Member.join(hall, 'b');
    const c = await Member.join(hall, 'c');
    const shape = new Member('a', b.client, hall.port);
    const length = shape.frame('chunked', { range: '1-7/20', flag: '+', tid: 'vanish01' }).bytes.length;
    for (let cut = 1; cut <= length; cut += 3) {
      const client = await RawClient.connect(hall.port);
      const { bytes } = shape.frame('chunked', {
        range: '1-7/20',
        flag: '+',
        tid: 'vanish01',
        messageId: `m${cut}`,
      });
      client.write(bytes.subarray(0, cut));
      vanish(client);
    }
    await settled(hall, 2);
    assert.equal(hall.msrp.counters().heldBytes, 0);
    assert.equal(sessionsOf(hall)[0]?.bound, 2);
    assert.equal(await c.sendAndStatus('the room goes on'), '200');
    await b.client.next((frame) => frame.body.toString() === 'the room goes on');
    // Whoever got a beginning got an end.
    const begun = b.client.frames.filter((frame) => frame.flag === '+').length;
    assert.equal(b.client.frames.filter((frame) => frame.flag === '#').length, begun);
  });
}

test('Byte-Range 0-0/0 binds when there is no body, and is 400 with one', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await a.sendAndStatus(null, { range: '0-0/0' }), '200');
  assert.equal(await a.sendAndStatus('x', { range: '0-0/0' }), '400');
  assert.equal(await a.sendAndStatus('x'), '200');
});

test('case 9, 48: a transaction id repeated while the first is under way, and floods of answers to nothing', async () => {
  await using hall = await openHall();
  const [a, b] = (await roomOf(hall, 'a', 'b')) as [Member, Member];
  const frames = Array.from({ length: 20 }, () => a.frame('same', { tid: 'sameid01' }).bytes);
  a.client.write(Buffer.concat(frames));
  await b.client.until(() => b.client.frames.length === 20, 'all twenty');
  const reply = `MSRP nobody01 200 OK\r\nTo-Path: ${a.switchUri}\r\nFrom-Path: msrp://x:1/y;tcp\r\n-------nobody01$\r\n`;
  b.client.write(reply.repeat(2_000));
  b.client.write(reply.replace('200 OK', '481 No').repeat(2_000));
  assert.equal(await b.sendAndStatus('still a member'), '200');
  assert.equal(hall.msrp.counters().deliveryFailures, 0);
});

test('a flood of one-byte chunks is followed and bounded: the message arrives, no chunk is held', async () => {
  await using hall = await openHall();
  const [a, b] = (await roomOf(hall, 'a', 'b')) as [Member, Member];
  const count = 3_000;
  const chunks = Array.from({ length: count }, (_, i) => {
    const flag = i === count - 1 ? '$' : '+';
    return a.frame('x', { messageId: 'drip', range: `${i + 1}-${i + 1}/${count}`, flag }).bytes;
  });
  a.client.write(Buffer.concat(chunks));
  await b.client.until(() => b.client.frames.some((frame) => frame.flag === '$'), 'the end');
  assert.equal(b.client.frames.filter((frame) => frame.what === 'SEND').length, count);
  assert.equal(hall.msrp.counters().heldBytes, 0);
});

test('a defect in one room ends the connection that met it; other rooms and members go on', async (t) => {
  const defects: object[] = [];
  await using hall = await openHall({ log: { ...silentLog, error: (fields) => defects.push(fields) } });
  const [a, b] = (await roomOf(hall, 'a', 'b')) as [Member, Member];
  const broken = { session: 'im-s-broken', revision: 1, addresses: ['sip:broken@example.net'] };
  assert.ok(hall.msrp.handle('session.put', { ...broken, legs: [legOf('x'), legOf('y')] }).ok);
  const x = await Member.join(hall, 'x');
  const y = await Member.join(hall, 'y');
  const { formFor } = Leg.prototype;
  t.mock.method(Leg.prototype, 'formFor', function (this: Leg, type: string, inner: string) {
    if (this.room.name === 'im-s-broken') throw new Error('a defect');
    return formFor.call(this, type, inner);
  });
  x.send('this meets it');
  await x.client.closed();
  assert.equal(defects.length, 1);
  assert.equal(await a.sendAndStatus('elsewhere'), '200');
  assert.equal((await b.message()).body.toString(), 'elsewhere');
  assert.equal(await y.sendAndStatus(null), '200');
});

test('a defect in one room while a connection ends leaves nobody bound to it, in that room and in others', async (t) => {
  const defects: object[] = [];
  await using hall = await openHall({ log: { ...silentLog, error: (fields) => defects.push(fields) } });
  const [a, b] = (await roomOf(hall, 'a', 'b')) as [Member, Member];
  const broken = { session: 'im-s-broken', revision: 1, addresses: ['sip:broken@example.net'] };
  assert.ok(hall.msrp.handle('session.put', { ...broken, legs: [legOf('x'), legOf('y')] }).ok);
  // One connection in both rooms, the broken one first.
  const x = await Member.join(hall, 'x');
  b.close();
  await hall.nextEvent((event) => event.op === 'leg.unbound' && event.leg === 'b');
  assert.equal(await new Member('b', x.client, hall.port).sendAndStatus(null), '200');
  const { resumePaused } = Room.prototype;
  const { unbind } = Leg.prototype;
  t.mock.method(Room.prototype, 'resumePaused', function (this: Room) {
    if (this.name === 'im-s-broken') throw new Error('a defect');
    resumePaused.call(this);
  });
  let unbinds = 0;
  t.mock.method(Leg.prototype, 'unbind', function (this: Leg) {
    if (this.name === 'x' && unbinds++ === 0) throw new Error('a defect as well');
    unbind.call(this);
  });
  x.close();
  await hall.nextEvent((event) => event.op === 'leg.unbound' && event.leg === 'b');
  assert.equal(defects.length, 1);
  assert.equal(await a.sendAndStatus('goes on'), '200');
  const again = await Member.join(hall, 'x');
  again.close();
  await hall.nextEvent((event) => event.op === 'leg.unbound' && event.leg === 'x');
  assert.equal(defects.length, 2);
  await Member.join(hall, 'x');
  // Nor does it keep the switch from stopping.
  await hall.msrp.stop();
});

test('a defect while the switch connects to a client is that client’s alone', async (t) => {
  const defects: object[] = [];
  await using hall = await openHall({ log: { ...silentLog, error: (fields) => defects.push(fields) } });
  const [a, b] = (await roomOf(hall, 'a', 'b')) as [Member, Member];
  const acceptor = await openAcceptor();
  const path = [`msrp://127.0.0.1:${acceptor.port}/client-x;tcp`];
  t.mock.method(Peer.prototype, 'sendEmpty', () => {
    throw new Error('a defect');
  });
  const put = { session: 'im-s-broken', revision: 1, addresses: ['sip:broken@example.net'] };
  assert.ok(hall.msrp.handle('session.put', { ...put, legs: [legOf('x', { path, role: 'active' })] }).ok);
  await acceptor.accepted;
  await eventually('the defect', () => defects.length > 0);
  assert.equal(await a.sendAndStatus('goes on'), '200');
  assert.equal((await b.message()).body.toString(), 'goes on');
  acceptor.close();
});

test('a defect while one connection is written to ends that one; what others get in the same turn arrives', async (t) => {
  const defects: object[] = [];
  await using hall = await openHall({ log: { ...silentLog, error: (fields) => defects.push(fields) } });
  const [a, b, c] = (await roomOf(hall, 'a', 'b', 'c')) as [Member, Member, Member];
  const { flush } = Outbox.prototype;
  let flushes = 0;
  t.mock.method(Outbox.prototype, 'flush', function (this: Outbox) {
    // Of the answer to a and the copies for b and c, the first.
    if (flushes++ === 0) throw new Error('a defect');
    flush.call(this);
  });
  a.send('to both');
  const ended = await Promise.race([a, b, c].map((member) => member.client.closed().then(() => member)));
  assert.equal(defects.length, 1);
  for (const member of [b, c]) {
    if (member !== ended) assert.equal((await member.message()).body.toString(), 'to both');
  }
});
