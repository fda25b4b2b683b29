/** Flow control (spec cases 63–65): who is cut, who is held back, and who is not touched by either. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpim, type Hall, legOf, Member, openHall, putRoom } from './raw-client.ts';

const OUTBOX = { maxBytes: 1024 * 1024, maxMessages: 100_000, maxAgeMs: 30_000, stallMs: 30_000 };
const BODY = Buffer.alloc(16_000, 'f');

async function roomOf(hall: Hall, ...names: string[]): Promise<Member[]> {
  putRoom(
    hall,
    names.map((name) => legOf(name)),
  );
  const members: Member[] = [];
  for (const name of names) members.push(await Member.join(hall, name));
  return members;
}

/** Sends until something holds; the answers are not waited for, as a held-back sender gets none. */
async function sendUntil(sender: Member, holds: () => boolean): Promise<number> {
  let sent = 0;
  while (!holds()) {
    sender.send(BODY);
    sent++;
    assert.ok(sent < 20_000, 'it never came to that');
    await new Promise((resolve) => setImmediate(resolve));
  }
  return sent;
}

const cut = (hall: Hall): string[] =>
  hall.events.flatMap((event) => (event.op === 'leg.unbound' ? [`${event.leg} ${event.reason}`] : []));

test('case 63: while half of the others keep up, each slow one is cut alone, and nobody waits', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  const [a, b, c, d, e] = (await roomOf(hall, 'a', 'b', 'c', 'd', 'e')) as [
    Member,
    Member,
    Member,
    Member,
    Member,
  ];
  b.client.socket.pause();
  c.client.socket.pause();
  const sent = await sendUntil(a, () => cut(hall).length === 2);
  assert.deepEqual(cut(hall).sort(), ['b slow', 'c slow']);
  assert.equal(hall.msrp.counters().senderPauses, 0);
  assert.equal(hall.msrp.counters().slowDropped, 2);
  for (const member of [d, e])
    await member.client.until(() => member.client.frames.length === sent, 'every message');
});

test('case 64: when most are slow nobody is cut, the sender waits, and all of it arrives in the end', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  const [a, b, c, d] = (await roomOf(hall, 'a', 'b', 'c', 'd')) as [Member, Member, Member, Member];
  b.client.socket.pause();
  c.client.socket.pause();
  let sent = await sendUntil(a, () => hall.msrp.counters().senderPauses > 0);
  for (let i = 0; i < 30; i++) a.send(BODY);
  sent += 30;
  b.client.socket.resume();
  c.client.socket.resume();
  for (const member of [b, c, d])
    await member.client.until(() => member.client.frames.length === sent, 'every message');
  assert.deepEqual(cut(hall), []);
});

test('case 64: a sender that is held back does not hold back what another says', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  const [a, b, c, d] = (await roomOf(hall, 'a', 'b', 'c', 'd')) as [Member, Member, Member, Member];
  b.client.socket.pause();
  c.client.socket.pause();
  await sendUntil(a, () => hall.msrp.counters().senderPauses > 0);
  assert.equal(await d.sendAndStatus('meanwhile'), '200');
  await a.client.next((frame) => frame.body.toString() === 'meanwhile');
  assert.deepEqual(cut(hall), []);
  const told = hall.msrp.hello().counters;
  assert.ok((told?.queuedBytes ?? 0) > OUTBOX.maxBytes / 4, `${told?.queuedBytes} bytes wait`);
  assert.equal(told?.senderPauses, hall.msrp.counters().senderPauses);
});

test('a sender is held back between two messages: recipients get no half of one', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  const [a, b] = (await roomOf(hall, 'a', 'b')) as [Member, Member];
  b.client.socket.pause();
  const sent = await sendUntil(a, () => hall.msrp.counters().senderPauses > 0);
  b.client.socket.resume();
  await b.client.until(() => b.client.frames.length === sent, 'every message');
  assert.ok(b.client.frames.every((frame) => frame.flag === '$' && frame.body.equals(BODY)));
});

test('stallMs: who takes no byte is cut, also when all are slow, and the sender goes on', async () => {
  await using hall = await openHall({ limits: { outbox: { ...OUTBOX, stallMs: 80 } } });
  const [a, b, c] = (await roomOf(hall, 'a', 'b', 'c')) as [Member, Member, Member];
  b.client.socket.pause();
  c.client.socket.pause();
  await sendUntil(a, () => cut(hall).length === 2);
  assert.deepEqual(cut(hall).sort(), ['b stalled', 'c stalled']);
  assert.equal(hall.msrp.counters().stalled, 2);
  assert.equal(await a.sendAndStatus('alone now'), '200');
});

test('the number of messages makes slow as well as their bytes', async () => {
  await using hall = await openHall({ limits: { outbox: { ...OUTBOX, maxBytes: 1e9, maxMessages: 40 } } });
  const [a, b, c] = (await roomOf(hall, 'a', 'b', 'c')) as [Member, Member, Member];
  b.client.socket.pause();
  const sent = await sendUntil(a, () => cut(hall).length > 0);
  assert.deepEqual(cut(hall), ['b slow']);
  await c.client.until(() => c.client.frames.length === sent, 'every message');
});

/** Fills one member's queue beyond what counts as congested, and not to its limit. */
async function congest(hall: Hall, slow: Member, sender: Member): Promise<void> {
  slow.client.socket.pause();
  const queuedBytes = (): number => hall.msrp.hello().counters?.queuedBytes ?? 0;
  while (queuedBytes() < OUTBOX.maxBytes / 3) assert.equal(await sender.sendAndStatus(BODY), '200');
  assert.deepEqual(cut(hall), []);
}

const TO_B = cpim('sip:a@example.net', 'sip:b@example.net', 'psst');
const CHUNK = { messageId: 'in-two', type: 'message/cpim' };

for (const [name, speak] of [
  ['a private message', async (a: Member) => [await a.sendAndStatus(TO_B, { type: 'message/cpim' })]],
  [
    'a private message in chunks',
    async (a: Member) => [
      await a.sendAndStatus(TO_B, { ...CHUNK, range: `1-${TO_B.length}/${TO_B.length + 2}`, flag: '+' }),
      await a.sendAndStatus('!!', { ...CHUNK, range: `${TO_B.length + 1}-*/${TO_B.length + 2}` }),
    ],
  ],
  [
    'a message that no other client can take',
    async (a: Member) => [await a.sendAndStatus('<p>hm</p>', { type: 'text/html' })],
  ],
] as const) {
  test(`case 63: ${name} to a slow member does not hold its sender back for the room`, async () => {
    await using hall = await openHall({ limits: { outbox: OUTBOX } });
    const plain = { acceptTypes: ['text/plain'] };
    putRoom(hall, [legOf('a', plain), legOf('b'), legOf('c', plain), legOf('d', plain)]);
    const a = await Member.join(hall, 'a');
    const [b, c, d] = [
      await Member.join(hall, 'b'),
      await Member.join(hall, 'c'),
      await Member.join(hall, 'd'),
    ];
    await congest(hall, b, c);
    for (const status of await speak(a)) assert.equal(status, '200');
    assert.equal(hall.msrp.counters().senderPauses, 0);
    assert.equal(await a.sendAndStatus('to all'), '200');
    await d.client.next((frame) => frame.body.toString() === 'to all');
    assert.deepEqual(cut(hall), []);
  });
}

test('case 63: who is slow under private messages is cut alone, and their sender never waits', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  const [a, b, c] = (await roomOf(hall, 'a', 'b', 'c')) as [Member, Member, Member];
  b.client.socket.pause();
  const body = cpim('sip:a@example.net', 'sip:b@example.net', BODY.toString());
  for (let sent = 0; cut(hall).length === 0; sent++) {
    assert.equal(await a.sendAndStatus(body, { type: 'message/cpim' }), '200');
    assert.ok(sent < 5_000, 'it never came to that');
  }
  assert.deepEqual(cut(hall), ['b slow']);
  assert.equal(hall.msrp.counters().senderPauses, 0);
  assert.deepEqual(c.client.frames, []);
});

test('case 64: when most of the room are slow, who writes to one of them privately waits as well', async () => {
  await using hall = await openHall({ limits: { outbox: OUTBOX } });
  const [a, b, c, d] = (await roomOf(hall, 'a', 'b', 'c', 'd')) as [Member, Member, Member, Member];
  b.client.socket.pause();
  c.client.socket.pause();
  await sendUntil(d, () => hall.msrp.counters().senderPauses === 1);
  assert.equal(await a.sendAndStatus(TO_B, { type: 'message/cpim' }), '200');
  assert.equal(hall.msrp.counters().senderPauses, 2);
  assert.deepEqual(cut(hall), []);
});

test('the age of what waits makes slow, also when nothing more is sent', async () => {
  const clock = { ms: 0, nowMs: () => clock.ms };
  const outbox = { ...OUTBOX, maxBytes: 1e9, maxAgeMs: 150 };
  await using hall = await openHall({ clock, limits: { outbox } });
  const [a, b, c] = (await roomOf(hall, 'a', 'b', 'c')) as [Member, Member, Member];
  b.client.socket.pause();
  // More than the kernel takes for a socket that is not read.
  const count = 800;
  for (let sent = 1; sent <= count; sent++) {
    a.send(BODY);
    if (sent % 50 === 0) await c.client.until(() => c.client.frames.length === sent, `${sent} messages`);
  }
  // Nothing waits for the other one.
  clock.ms += 151;
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.deepEqual(event.op === 'leg.unbound' && [event.leg, event.reason], ['b', 'slow']);
});

test('however many senders press on slow recipients, what waits for one is bounded', async () => {
  const outbox = { ...OUTBOX, maxBytes: 64 * 1024 };
  await using hall = await openHall({ limits: { outbox } });
  const names = ['slow', ...Array.from({ length: 60 }, (_, i) => `s${i}`)];
  putRoom(
    hall,
    names.map((name) => legOf(name, name === 'slow' ? {} : { direction: 'sendonly' })),
  );
  const [slow, ...senders] = (await Promise.all(names.map((name) => Member.join(hall, name)))) as [
    Member,
    ...Member[],
  ];
  slow.client.socket.pause();
  await sendUntil(senders[0] as Member, () => hall.msrp.counters().senderPauses > 0);
  // One message of each goes past the hard bound of four times the limit: the only recipient is cut, and all are answered.
  const tids = senders.slice(1).map((sender) => sender.send(BODY));
  for (const [index, tid] of tids.entries())
    assert.equal(await (senders[index + 1] as Member).client.status(tid), '200');
  assert.deepEqual(cut(hall), ['slow slow']);
});
