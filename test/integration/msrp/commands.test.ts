/** The focus's commands: revisions, limits, draining, and what a refused command leaves alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legOf, Member, openHall, putRoom, ROOM, sessionsOf } from './raw-client.ts';

function code(reply: { ok: boolean; code?: string }): string {
  return reply.ok ? 'ok' : (reply.code ?? '');
}

test('bodies that do not fit the contract are invalid and change nothing', async () => {
  await using hall = await openHall();
  const bad: [string, unknown][] = [
    ['session.put', null],
    ['session.put', { session: 'x', revision: 1, addresses: [], legs: [{}] }],
    ['session.put', { session: 'sp ace', revision: 1, addresses: [], legs: [] }],
    ['session.put', { session: 'x', revision: 1, addresses: [], legs: [legOf('a'), legOf('a')] }],
    ['session.put', { session: 'x', revision: 1, addresses: [], legs: [legOf('a', { path: ['http://x'] })] }],
    ['session.put', { session: 'x', revision: 1, addresses: [], legs: [legOf('a', { alias: 'no uri' })] }],
    ['leg.put', { session: ROOM, base: 1 }],
    ['leg.drop', 'text'],
  ];
  for (const [op, body] of bad)
    assert.equal(code(hall.msrp.handle(op, body)), 'invalid', JSON.stringify(body));
  assert.equal(code(hall.msrp.handle('session.explode', {})), 'unknown-command');
  assert.equal(code(hall.msrp.handle('toString', {})), 'unknown-command');
  assert.deepEqual(sessionsOf(hall), []);
});

test('a command with a revision or base that does not fit is stale', async () => {
  await using hall = await openHall();
  const put = (revision: number) =>
    code(hall.msrp.handle('session.put', { session: ROOM, revision, addresses: [], legs: [legOf('a')] }));
  assert.equal(put(5), 'ok');
  assert.equal(put(4), 'stale');
  assert.equal(put(5), 'ok');
  const leg = (base: number, revision: number) =>
    code(hall.msrp.handle('leg.put', { session: ROOM, base, revision, legs: [legOf('b')] }));
  assert.equal(leg(4, 6), 'stale');
  assert.equal(leg(5, 6), 'ok');
  assert.equal(leg(5, 6), 'stale');
  assert.equal(
    code(hall.msrp.handle('leg.drop', { session: ROOM, base: 5, revision: 7, legs: ['b'] })),
    'stale',
  );
  assert.equal(
    code(hall.msrp.handle('leg.drop', { session: ROOM, base: 6, revision: 7, legs: ['b'] })),
    'ok',
  );
  assert.equal(
    code(hall.msrp.handle('leg.put', { session: 'other', base: 0, revision: 1, legs: [legOf('c')] })),
    'stale',
  );
  assert.equal(code(hall.msrp.handle('session.drop', { session: ROOM, revision: 6 })), 'stale');
  assert.equal(code(hall.msrp.handle('session.drop', { session: ROOM, revision: 7 })), 'ok');
  assert.equal(code(hall.msrp.handle('session.drop', { session: ROOM, revision: 1 })), 'ok');
});

test('a session-id belongs to one leg', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const reply = hall.msrp.handle('session.put', {
    session: 'other',
    revision: 1,
    addresses: [],
    legs: [legOf('a')],
  });
  assert.equal(code(reply), 'invalid');
  const { sessionId } = legOf('a');
  const second = hall.msrp.handle('leg.put', {
    session: ROOM,
    base: 1,
    revision: 2,
    legs: [legOf('b', { sessionId })],
  });
  assert.equal(code(second), 'invalid');
});

test('a draining switch takes no new session and serves those it has', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  hall.msrp.drain(true);
  const reply = hall.msrp.handle('session.put', { session: 'other', revision: 1, addresses: [], legs: [] });
  assert.equal(code(reply), 'draining');
  assert.equal(
    code(hall.msrp.handle('leg.put', { session: ROOM, base: 1, revision: 2, legs: [legOf('b')] })),
    'ok',
  );
  assert.equal(hall.msrp.hello().draining, true);
  hall.msrp.drain(false);
  assert.equal(hall.msrp.hello().draining, false);
});

test('sessions and legs are limited', async () => {
  await using hall = await openHall({ limits: { maxSessions: 1, maxLegs: 1 } });
  putRoom(hall, [legOf('a')]);
  assert.equal(
    code(hall.msrp.handle('session.put', { session: 'x', revision: 1, addresses: [], legs: [] })),
    'limit',
  );
  const reply = hall.msrp.handle('leg.put', { session: ROOM, base: 1, revision: 2, legs: [legOf('b')] });
  assert.equal(code(reply), 'limit');
});

test('a session put again keeps the connections of the legs that stay', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  putRoom(hall, [legOf('a'), legOf('c')], 2);
  await b.client.closed();
  assert.equal(await a.sendAndStatus('still bound'), '200');
  assert.deepEqual(sessionsOf(hall), [{ session: ROOM, revision: 2, legs: 2, bound: 1 }]);
});

test('stop closes connections and listeners', async () => {
  const hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const a = await Member.join(hall, 'a');
  await hall.msrp.stop();
  await a.client.closed();
  assert.deepEqual(sessionsOf(hall), []);
});

test('a port that is taken is one coded error', async () => {
  await using hall = await openHall();
  const listen = [{ transport: 'tcp' as const, host: '127.0.0.1', port: hall.port }];
  await assert.rejects(openHall({ listen }), { code: 'MSRP_LISTEN' });
  await assert.rejects(openHall({ listen: [{ transport: 'tls', host: '127.0.0.1', port: 0 }] }), {
    code: 'MSRP_NO_TLS',
  });
});
