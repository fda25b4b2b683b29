/** spec cases 21–33: paths, bindings, and both set-up roles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import {
  clientUri,
  header,
  legOf,
  Member,
  openAcceptor,
  openHall,
  putRoom,
  RawClient,
  ROOM,
  sessionsOf,
} from './raw-client.ts';

test('case 21: an empty SEND is answered 200, binds, and goes to nobody', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const b = await Member.join(hall, 'b');
  const a = await Member.join(hall, 'a');
  const bound = await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'a');
  assert.equal(bound.session, ROOM);
  assert.equal(await a.sendAndStatus('first content'), '200');
  assert.equal((await b.message()).body.toString(), 'first content');
});

test('case 22: a first SEND with a body is accepted and delivered', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const b = await Member.join(hall, 'b');
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await a.sendAndStatus('straight away'), '200');
  assert.equal((await b.message()).body.toString(), 'straight away');
});

test('case 23: an unknown session is answered 481', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  const to = a.switchUri.replace('sid-a', 'sid-x');
  assert.equal(await a.sendAndStatus(null, { to }), '481');
});

test('case 24: a wrong From-Path is answered 481 and does not bind', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await a.sendAndStatus(null, { from: clientUri('mallory') }), '481');
  assert.deepEqual(sessionsOf(hall)[0]?.bound, 0);
});

test('case 25: a second connection for a bound session gets 506; the first keeps working', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const second = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await second.sendAndStatus(null), '506');
  assert.equal(await a.sendAndStatus('mine'), '200');
  assert.equal((await b.message()).body.toString(), 'mine');
});

test('case 26: a client whose connection drops comes back', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const b = await Member.join(hall, 'b');
  const first = await Member.join(hall, 'a');
  first.close();
  const gone = await hall.nextEvent((event) => event.op === 'leg.unbound');
  assert.equal(gone.op === 'leg.unbound' && gone.reason, 'closed');
  const again = await Member.join(hall, 'a');
  assert.equal(await b.sendAndStatus('welcome back'), '200');
  assert.equal((await again.message()).body.toString(), 'welcome back');
});

test('case 26: a dead first connection does not keep its client out', async () => {
  await using hall = await openHall({ limits: { tickMs: 20, probeMs: 60 } });
  putRoom(hall, [legOf('a')]);
  const dead = await Member.join(hall, 'a');
  dead.client.answerWith = 0;
  const back = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await back.sendAndStatus(null), '506');
  const gone = await hall.nextEvent((event) => event.op === 'leg.unbound');
  assert.equal(gone.op === 'leg.unbound' && gone.reason, 'stalled');
  assert.equal(await back.sendAndStatus(null), '200');
});

test('case 27: two sessions on one connection both work', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = new Member('b', a.client, hall.port);
  const c = await Member.join(hall, 'c');
  assert.equal(await b.sendAndStatus(null), '200');
  assert.equal(await c.sendAndStatus('to both'), '200');
  const frames = [await a.message(), await a.message()];
  assert.deepEqual(
    new Set(frames.map((frame) => header(frame, 'To-Path'))),
    new Set([clientUri('a'), clientUri('b')]),
  );
  assert.notEqual(frames[0]?.tid, frames[1]?.tid);
  assert.equal(await a.sendAndStatus('as a'), '200');
  assert.equal(await b.sendAndStatus('as b'), '200');
  assert.deepEqual(
    [(await c.message()).body.toString(), (await c.message()).body.toString()],
    ['as a', 'as b'],
  );
});

test('case 27: whoever speaks on a shared connection is told apart in every order, and answered with its own paths', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = new Member('b', a.client, hall.port);
  const c = await Member.join(hall, 'c');
  assert.equal(await b.sendAndStatus(null), '200');
  const shouted = { from: clientUri('a').replace('msrp:', 'MSRP:') };
  const turns = [a, a, b, b, a, b, a, a, b, b];
  for (const [i, member] of turns.entries()) {
    // The session-id alone says whose a request is: the same leg, but not the paths it was bound with.
    const options = i === 7 ? shouted : {};
    const answer = await member.client.response(member.send(`${i} as ${member.name}`, options));
    assert.equal(header(answer, 'To-Path'), options === shouted ? shouted.from : clientUri(member.name));
  }
  const heard: string[] = [];
  for (const _ of turns) heard.push((await c.message()).body.toString());
  assert.deepEqual(
    heard,
    turns.map((member, i) => `${i} as ${member.name}`),
  );
});

test('case 29: a To-Path of two URIs is never ours', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const a = await Member.join(hall, 'a');
  assert.equal(await a.sendAndStatus('x', { to: `${a.switchUri} msrp://192.0.2.9:1/other;tcp` }), '481');
});

test('case 30: host, scheme and transport without case, session-id with case, parameters ignored', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a')]);
  const a = await Member.join(hall, 'a');
  const shouted = a.switchUri.replace('msrp:', 'MSRP:').replace(';tcp', ';TCP;x=1');
  const from = 'MSRP://192.0.2.1:7777/client-a;TCP;y';
  assert.equal(await a.sendAndStatus(null, { to: shouted, from }), '200');
  assert.equal(await a.sendAndStatus(null, { to: a.switchUri.replace('sid-a', 'SID-A') }), '481');
  assert.equal(await a.sendAndStatus(null, { from: clientUri('A') }), '481');
});

test('case 31: session-ids with slash, equals and plus', async () => {
  await using hall = await openHall();
  const path = 'msrp://192.0.2.1:7777/ab/cd+ef==;tcp';
  putRoom(hall, [legOf('a', { path: [path] })]);
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await a.sendAndStatus(null, { from: path }), '200');
});

test('case 32: behind a relay the response goes to the first URI, our requests along the full path', async () => {
  await using hall = await openHall();
  const path = ['msrp://relay.example.net:2855/r1;tcp', 'msrp://192.0.2.1:7777/client-a;tcp'];
  putRoom(hall, [legOf('a', { path }), legOf('b')]);
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  const b = await Member.join(hall, 'b');
  const tid = a.send('x', { from: path.join(' '), extra: 'Success-Report: yes' });
  const response = await a.client.response(tid);
  assert.equal(response.what, '200');
  assert.equal(header(response, 'To-Path'), path[0]);
  const report = await a.client.next((frame) => frame.what === 'REPORT');
  assert.equal(header(report, 'To-Path'), path.join(' '));
  assert.equal(await b.sendAndStatus('y'), '200');
  assert.equal(header(await a.message(), 'To-Path'), path.join(' '));
});

test('case 33: a connection without any frame is reaped; a quiet bound one is not', async () => {
  const clock = { ms: 0, nowMs: () => clock.ms };
  await using hall = await openHall({ clock, limits: { idleMs: 100 } });
  putRoom(hall, [legOf('a')]);
  const a = await Member.join(hall, 'a');
  const idle = await RawClient.connect(hall.port);
  await eventually('the second connection', () => hall.msrp.counters().connections === 2);
  clock.ms += 101;
  await idle.closed();
  const stuck = await RawClient.connect(hall.port);
  stuck.write('MSRP abcd1234 SE');
  await eventually('its end as well', () => {
    clock.ms += 101;
    return stuck.isClosed;
  });
  assert.equal(await a.sendAndStatus(null), '200');
});

test('case 68: as the active side the switch connects and binds with an empty SEND', async () => {
  await using hall = await openHall();
  const acceptor = await openAcceptor();
  const path = [`msrp://127.0.0.1:${acceptor.port}/client-a;tcp`];
  putRoom(hall, [legOf('b'), legOf('a', { path, role: 'active' })]);
  const b = await Member.join(hall, 'b');
  assert.equal(await b.sendAndStatus('early'), '200');
  const client = await acceptor.accepted;
  const bind = await client.message();
  assert.equal(bind.body.length, 0);
  assert.equal(header(bind, 'Content-Type'), undefined);
  assert.equal(header(bind, 'To-Path'), path[0]);
  assert.equal((await client.message()).body.toString(), 'early');
  const a = new Member('a', client, hall.port);
  assert.equal(await a.sendAndStatus('back', { from: path[0] as string }), '200');
  assert.equal((await b.message()).body.toString(), 'back');
  acceptor.close();
});

test('case 68: port 9 is never dialled, and a dead port is told as unreachable', async () => {
  await using hall = await openHall({ limits: { dialAttempts: 2, dialBackoffMs: 10 } });
  const port = await freePort();
  putRoom(hall, [
    legOf('a', { path: ['msrp://127.0.0.1:9/client-a;tcp'], role: 'active' }),
    legOf('b', { path: [`msrp://127.0.0.1:${port}/client-b;tcp`], role: 'active' }),
  ]);
  for (const leg of ['a', 'b']) {
    const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound' && seen.leg === leg);
    assert.equal(event.op === 'leg.unbound' && event.reason, 'unreachable');
  }
});

test('case 68: a client that refuses our bind is told as peer-refused', async () => {
  await using hall = await openHall();
  const acceptor = await openAcceptor();
  void acceptor.accepted.then((client) => {
    client.answerWith = 481;
  });
  putRoom(hall, [legOf('a', { path: [`msrp://127.0.0.1:${acceptor.port}/client-a;tcp`], role: 'active' })]);
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.equal(event.op === 'leg.unbound' && event.reason, 'peer-refused');
  acceptor.close();
});

test('case 68: both active: a client that connects first wins over our dialling', async () => {
  await using hall = await openHall();
  const acceptor = await openAcceptor();
  const path = [`msrp://127.0.0.1:${acceptor.port}/client-a;tcp`];
  void acceptor.accepted.then((client) => {
    client.answerWith = 0;
  });
  putRoom(hall, [legOf('a', { path, role: 'active' }), legOf('b')]);
  const dialled = await acceptor.accepted;
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await a.sendAndStatus(null, { from: path[0] as string }), '200');
  await dialled.closed();
  const b = await Member.join(hall, 'b');
  assert.equal(await b.sendAndStatus('once'), '200');
  assert.equal((await a.message()).body.toString(), 'once');
  acceptor.close();
});

test('a leg without path: the client may connect before its SDP is known', async () => {
  await using hall = await openHall();
  const { path: _unknown, ...withoutPath } = legOf('a', { role: 'either' });
  putRoom(hall, [withoutPath, legOf('b')]);
  const a = await Member.join(hall, 'a');
  const put = (path: string, base: number) =>
    hall.msrp.handle('leg.put', {
      session: ROOM,
      base,
      revision: base + 1,
      legs: [legOf('a', { path: [path] })],
    });
  assert.equal(put(clientUri('a'), 1).ok, true);
  assert.equal(await a.sendAndStatus('known now'), '200');
});

test('a leg without path: what is said before its types are known waits for them', async () => {
  await using hall = await openHall();
  const { path: _unknown, ...withoutPath } = legOf('a', { role: 'either', acceptTypes: ['*'] });
  putRoom(hall, [withoutPath, legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  assert.equal(await b.sendAndStatus('plain'), '200');
  hall.msrp.handle('leg.put', {
    session: ROOM,
    base: 1,
    revision: 2,
    legs: [legOf('a', { path: [clientUri('a')], acceptTypes: ['message/cpim'] })],
  });
  const message = await a.message();
  assert.equal(header(message, 'content-type'), 'message/cpim');
  assert.match(message.body.toString(), /plain$/);
});

test('a leg without path: the path that comes does not fit → unbound as protocol', async () => {
  await using hall = await openHall();
  const { path: _unknown, ...withoutPath } = legOf('a', { role: 'either' });
  putRoom(hall, [withoutPath]);
  const a = await Member.join(hall, 'a');
  hall.msrp.handle('leg.put', {
    session: ROOM,
    base: 1,
    revision: 2,
    legs: [legOf('a', { path: [clientUri('other')] })],
  });
  const event = await hall.nextEvent((seen) => seen.op === 'leg.unbound');
  assert.equal(event.op === 'leg.unbound' && event.reason, 'protocol');
  await a.client.closed();
});

test('R-7.2.1.6-2: a leg put again with another path releases the old connection', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const old = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const path = ['msrp://192.0.2.1:7778/new-a;tcp'];
  hall.msrp.handle('leg.put', { session: ROOM, base: 1, revision: 2, legs: [legOf('a', { path })] });
  await old.client.closed();
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await a.sendAndStatus(null), '481');
  assert.equal(await a.sendAndStatus(null, { from: path[0] as string }), '200');
  assert.equal(await b.sendAndStatus('to the new one'), '200');
  assert.equal((await a.message()).body.toString(), 'to the new one');
});

test('messages for a leg that is not connected yet wait for it, within the bound', async () => {
  await using hall = await openHall({ limits: { backlogMessages: 2 } });
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  for (const text of ['one', 'two', 'three']) assert.equal(await a.sendAndStatus(text), '200');
  const b = await Member.join(hall, 'b');
  assert.deepEqual(
    [(await b.message()).body.toString(), (await b.message()).body.toString()],
    ['two', 'three'],
  );
  assert.equal(hall.msrp.counters().backlogDropped, 1);
});

test('R-7.2.1.9-ok-1: a dropped leg is closed and its session is gone', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  assert.equal(hall.msrp.handle('leg.drop', { session: ROOM, base: 1, revision: 2, legs: ['a'] }).ok, true);
  await a.client.closed();
  const again = new Member('a', await RawClient.connect(hall.port), hall.port);
  assert.equal(await again.sendAndStatus(null), '481');
  assert.equal(hall.msrp.handle('session.drop', { session: ROOM, revision: 3 }).ok, true);
  await b.client.closed();
  assert.deepEqual(
    hall.events.filter((event) => event.op === 'leg.unbound'),
    [],
  );
});
