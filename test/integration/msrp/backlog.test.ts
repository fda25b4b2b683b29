/** What is said while a member is still connecting: whole messages and those that come in chunks wait for it, within bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Hall, header, legOf, Member, openHall, putRoom } from './raw-client.ts';

async function hallWith(limits: object = {}): Promise<{ hall: Hall; a: Member }> {
  const hall = await openHall({ limits });
  putRoom(hall, [legOf('a'), legOf('b')]);
  return { hall, a: await Member.join(hall, 'a') };
}

const chunk = (a: Member, range: string, body: string, flag: string, messageId = 'long') =>
  a.sendAndStatus(body, { messageId, range, flag });

test('a message in chunks waits for a member that is still connecting, and goes on when it has come', async () => {
  const { hall, a } = await hallWith();
  await using _ = hall;
  assert.equal(await chunk(a, '1-4/12', 'one ', '+'), '200');
  assert.equal(await chunk(a, '5-8/12', 'two ', '+'), '200');
  assert.equal(await a.sendAndStatus('short'), '200');
  const b = await Member.join(hall, 'b');
  assert.equal(await chunk(a, '9-12/12', 'last', '$'), '200');
  const got = [];
  for (let count = 0; count < 4; count++) {
    const frame = await b.message();
    got.push([frame.body.toString(), header(frame, 'Byte-Range'), frame.flag]);
  }
  assert.deepEqual(got, [
    ['one ', '1-4/12', '+'],
    ['two ', '5-8/12', '+'],
    ['short', '1-5/5', '$'],
    ['last', '9-12/12', '$'],
  ]);
  assert.equal(hall.msrp.counters().backlogDropped, 0);
});

test('one that was given up, or whose sender left, has never been for the member that comes', async () => {
  const { hall, a } = await hallWith();
  await using _ = hall;
  assert.equal(await chunk(a, '1-4/12', 'one ', '+'), '200');
  assert.equal(await chunk(a, '5-8/12', 'two ', '#'), '200');
  assert.equal(await chunk(a, '1-4/12', 'half', '+', 'other'), '200');
  a.close();
  await hall.nextEvent((event) => event.op === 'leg.unbound');
  const again = await Member.join(hall, 'a');
  assert.equal(await again.sendAndStatus('back'), '200');
  const b = await Member.join(hall, 'b');
  assert.equal((await b.message()).body.toString(), 'back');
});

test('a message that outgrows the backlog is given up for that member alone, as a whole', async () => {
  const { hall, a } = await hallWith({ backlogBytes: 2_000 });
  await using _ = hall;
  const part = 'x'.repeat(600);
  assert.equal(await chunk(a, '1-600/*', part, '+'), '200');
  assert.equal(await chunk(a, '601-1200/*', part, '+'), '200');
  assert.equal(await chunk(a, '1201-1800/*', part, '+'), '200');
  assert.equal(await a.sendAndStatus('short'), '200');
  const b = await Member.join(hall, 'b');
  assert.equal(await chunk(a, '1801-2400/2400', part, '$'), '200');
  assert.equal((await b.message()).body.toString(), 'short');
  assert.equal(await a.sendAndStatus('after'), '200');
  assert.equal((await b.message()).body.toString(), 'after');
  assert.equal(hall.msrp.counters().backlogDropped, 1);
  // One that says beforehand that it will be too long does not push others out.
  b.close();
  await hall.nextEvent((event) => event.op === 'leg.unbound');
  assert.equal(await a.sendAndStatus('kept'), '200');
  assert.equal(await chunk(a, '1-600/9000', part, '+', 'longer'), '200');
  const back = await Member.join(hall, 'b');
  assert.equal((await back.message()).body.toString(), 'kept');
  assert.equal(hall.msrp.counters().backlogDropped, 2);
});

test('one message counts as one, however many its chunks', async () => {
  const { hall, a } = await hallWith({ backlogMessages: 2 });
  await using _ = hall;
  assert.equal(await a.sendAndStatus('first'), '200');
  for (const [range, flag] of [
    ['1-1/4', '+'],
    ['2-2/4', '+'],
    ['3-3/4', '+'],
    ['4-4/4', '$'],
  ] as const)
    assert.equal(await chunk(a, range, 'x', flag), '200');
  const b = await Member.join(hall, 'b');
  assert.equal((await b.message()).body.toString(), 'first');
  for (let count = 0; count < 4; count++) assert.equal((await b.message()).body.toString(), 'x');
});

test('what the member does not take, or is longer than it takes, is not sent when it has come', async () => {
  const { hall, a } = await hallWith();
  await using _ = hall;
  putRoom(hall, [legOf('a'), legOf('b', { maxSizeBytes: 10 })], 2);
  assert.equal(await chunk(a, '1-4/12', 'one ', '+'), '200');
  const b = await Member.join(hall, 'b');
  assert.equal(await chunk(a, '5-12/12', 'two last', '$'), '200');
  assert.equal(await a.sendAndStatus('after'), '200');
  assert.equal((await b.message()).body.toString(), 'after');
});

test('who is dropped while it connects has nothing kept for it, and the message goes on for the others', async () => {
  const hall = await openHall();
  await using _ = hall;
  const [a, b, c] = [legOf('a'), legOf('b'), legOf('c')];
  putRoom(hall, [a, b, c]);
  const sender = await Member.join(hall, 'a');
  const listener = await Member.join(hall, 'c');
  assert.equal(await chunk(sender, '1-4/8', 'one ', '+'), '200');
  putRoom(hall, [a, c], 2);
  assert.equal(await chunk(sender, '5-8/8', 'two ', '$'), '200');
  for (const text of ['one ', 'two ']) assert.equal((await listener.message()).body.toString(), text);
  putRoom(hall, [a, b, c], 3);
  const late = await Member.join(hall, 'b');
  assert.equal(await sender.sendAndStatus('after'), '200');
  assert.equal((await late.message()).body.toString(), 'after');
});
