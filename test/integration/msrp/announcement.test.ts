/** What an operator has all of a room told, and what has passed through a room. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandReply } from '../../../src/switch-control/protocol.ts';
import {
  cpim,
  type Hall,
  header,
  legOf,
  Member,
  openHall,
  putRoom,
  ROOM,
  ROOM_ADDRESS,
} from './raw-client.ts';

const CPIM = { type: 'message/cpim' };
const announce = (hall: Hall, text: string, session = ROOM) =>
  hall.msrp.handle('session.announce', { session, text });
const reachOf = (reply: CommandReply) => (reply.ok ? reply.reach : assert.fail(reply.reason));

test('it comes from the room: as CPIM to who takes that, as plain text to who takes that alone', async () => {
  await using hall = await openHall();
  putRoom(hall, [
    legOf('a'),
    legOf('b', { acceptTypes: ['text/plain'], acceptWrappedTypes: [] }),
    legOf('c', { acceptTypes: ['image/png'], acceptWrappedTypes: [] }),
    legOf('d', { direction: 'sendonly' }),
    legOf('e', { maxSizeBytes: 20 }),
  ]);
  const [a, b, c, d, e] = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => Member.join(hall, name)));
  assert(a !== undefined && b !== undefined && c !== undefined && d !== undefined && e !== undefined);
  assert.deepEqual(reachOf(announce(hall, 'Gleich ist Schluß.\nBitte speichern.')), {
    sent: 2,
    waiting: 0,
    unable: 3,
  });
  const wrapped = await a.message();
  assert.equal(header(wrapped, 'Content-Type'), 'message/cpim');
  const text = wrapped.body.toString('utf8');
  assert.match(text, new RegExp(`^From: <${ROOM_ADDRESS}>\r\nTo: <${ROOM_ADDRESS}>\r\nDateTime: 20`));
  assert.match(
    text,
    /\r\n\r\nContent-Type: text\/plain;charset=UTF-8\r\n\r\nGleich ist Schluß\.\r\nBitte speichern\.$/,
  );
  const plain = await b.message();
  assert.equal(header(plain, 'Content-Type'), 'text/plain;charset=UTF-8');
  assert.equal(plain.body.toString('utf8'), 'Gleich ist Schluß.\r\nBitte speichern.');
  assert.equal(header(plain, 'Byte-Range'), '1-37/37');
  // What comes next is the first that these get.
  assert.equal(await a.sendAndStatus(cpim('sip:a@example.net', ROOM_ADDRESS, 'x'), CPIM), '200');
  assert.match((await b.message()).body.toString(), /x$/);
  for (const { client } of [c, d, e])
    assert.equal(client.frames.filter(({ what }) => what === 'SEND').length, 0);
});

test('who is not connected gets it on connecting; who has not answered its invitation does not', async () => {
  await using hall = await openHall();
  const { path: _unknown, ...ringing } = legOf('r');
  putRoom(hall, [legOf('a'), legOf('b'), ringing]);
  const a = await Member.join(hall, 'a');
  assert.deepEqual(reachOf(announce(hall, 'soon')), { sent: 1, waiting: 1, unable: 1 });
  assert.match((await a.message()).body.toString(), /soon$/);
  const b = await Member.join(hall, 'b');
  assert.match((await b.message()).body.toString(), /soon$/);
});

test('a session that is not held, no text, and too much of it', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const code = (reply: CommandReply) => (reply.ok ? 'ok' : reply.code);
  assert.equal(code(announce(hall, 'x', 'im-s-other')), 'stale');
  assert.equal(code(announce(hall, '')), 'invalid');
  assert.equal(code(announce(hall, 'x'.repeat(8_193))), 'invalid');
});

test('what has passed is counted for each leg, and in the sums for legs that are gone', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const [a, b] = [await Member.join(hall, 'a'), await Member.join(hall, 'b')];
  const body = cpim('sip:a@example.net', ROOM_ADDRESS, 'hello');
  assert.equal(await a.sendAndStatus(body, CPIM), '200');
  const received = await b.message();
  const traffic = () => {
    const reply = hall.msrp.handle('session.traffic', { session: ROOM });
    return reply.ok ? reply.traffic : assert.fail(reply.reason);
  };
  const [ofA, ofB] = traffic()?.legs ?? [];
  assert.deepEqual(ofA, {
    leg: 'a',
    isBound: true,
    messagesIn: 1,
    messagesOut: 0,
    bytesIn: body.length,
    bytesOut: 0,
  });
  assert.deepEqual([ofB?.messagesIn, ofB?.messagesOut, ofB?.bytesIn], [0, 1, 0]);
  // The whole frame, its two paths not counted.
  assert((ofB?.bytesOut ?? 0) > received.body.length);
  assert.equal(
    await b.sendAndStatus(null, { method: 'NICKNAME', range: null, extra: 'Use-Nickname: "Be"' }),
    '200',
  );
  assert.deepEqual(
    traffic()?.legs.map(({ nickname }) => nickname),
    [undefined, 'Be'],
  );
  const before = traffic();
  hall.msrp.handle('leg.drop', { session: ROOM, base: 1, revision: 2, legs: ['a'] });
  const after = traffic();
  assert.deepEqual({ ...after, legs: [] }, { ...before, legs: [] });
  assert.deepEqual(
    after?.legs.map(({ leg }) => leg),
    ['b'],
  );
});
