/** spec cases 68 and 69: where the switch connects to, and what it knows a session by when something stands in between. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
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
} from './raw-client.ts';

test('case 69: with an anchored address the switch connects there, and speaks of the path as it is', async () => {
  await using hall = await openHall();
  const middlebox = await openAcceptor();
  const path = ['msrp://10.255.255.1:7777/client-a;tcp'];
  const dial = [{ host: '127.0.0.1', port: middlebox.port }];
  putRoom(hall, [legOf('a', { role: 'active', path, dial }), legOf('b')]);
  const a = await middlebox.accepted;
  const bind = await a.message();
  assert.equal(header(bind, 'To-Path'), path[0]);
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'a');
  const b = await Member.join(hall, 'b');
  assert.equal(await b.sendAndStatus('through the middlebox'), '200');
  assert.equal((await a.message()).body.toString(), 'through the middlebox');
  middlebox.close();
});

test('case 69: without it the path comes first, and c= and m= when nobody is there', async () => {
  await using hall = await openHall({ limits: { dialBackoffMs: 1 } });
  const living = await openAcceptor();
  const dial = [
    { host: '127.0.0.1', port: await freePort() },
    { host: '127.0.0.1', port: living.port },
  ];
  putRoom(hall, [legOf('a', { role: 'active', dial })]);
  await (await living.accepted).message();
  await hall.nextEvent((event) => event.op === 'leg.bound');
  living.close();
});

test('case 69: behind an ALG the session-id alone tells the session, whatever address stands in either path', async () => {
  await using hall = await openHall();
  putRoom(hall, [legOf('a'), legOf('b')]);
  const a = new Member('a', await RawClient.connect(hall.port), hall.port);
  const to = a.switchUri.replace(/\/\/[^/]+/, '//203.0.113.9:4444');
  const from = clientUri('a').replace(/\/\/[^/]+/, '//198.51.100.7:5555');
  assert.equal(await a.sendAndStatus(null, { to, from }), '200');
  const b = await Member.join(hall, 'b');
  assert.equal(await b.sendAndStatus('back'), '200');
  const frame = await a.message();
  assert.deepEqual([header(frame, 'To-Path'), header(frame, 'From-Path')], [from, to]);
  const wrong = from.replace('client-a', 'client-x');
  assert.equal(await a.sendAndStatus('not mine', { to, from: wrong }), '481');
});

test('case 68: a connection that stands is used for a second session of the same client, in either role', async () => {
  await using hall = await openHall();
  const acceptor = await openAcceptor();
  const path = (name: string) => [`msrp://127.0.0.1:${acceptor.port}/client-${name};tcp`];
  putRoom(hall, [
    legOf('a', { role: 'active', path: path('a') }),
    legOf('b', { path: path('b') }),
    legOf('c'),
  ]);
  const client = await acceptor.accepted;
  await client.message();
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'a');
  // The switch connected for a; the client binds b on the same connection (RFC 4975 section 5.4).
  const b = new Member('b', client, hall.port);
  assert.equal(await b.sendAndStatus(null, { from: path('b')[0] as string }), '200');
  const c = await Member.join(hall, 'c');
  assert.equal(await c.sendAndStatus('to both'), '200');
  const to = [await client.message(), await client.message()].map((frame) => header(frame, 'To-Path'));
  assert.deepEqual(new Set(to), new Set([path('a')[0], path('b')[0]]));
  acceptor.close();
});

test('IPv6: listening, bracketed URIs, and connecting to a client at ::1', async () => {
  await using hall = await openHall({ listen: [{ transport: 'tcp', host: '::1', port: 0 }] });
  const socket = connect(hall.port, '::1');
  await once(socket, 'connect');
  const acceptor = await openAcceptor('::1');
  const path = [`msrp://[::1]:${acceptor.port}/client-b;tcp`];
  const six = 'msrp://[2001:db8::7]:7777/client-a;tcp';
  putRoom(hall, [legOf('a', { path: [six] }), legOf('b', { role: 'active', path })]);
  const b = await acceptor.accepted;
  const bind = await b.message();
  assert.equal(header(bind, 'From-Path'), `msrp://[::1]:${hall.port}/sid-b-0123456789;tcp`);
  await hall.nextEvent((event) => event.op === 'leg.bound' && event.leg === 'b');
  const a = new Member('a', new RawClient(socket), hall.port);
  const to = a.switchUri.replace('127.0.0.1', '[::1]');
  assert.equal(await a.sendAndStatus('six', { to, from: six }), '200');
  assert.equal((await b.message()).body.toString(), 'six');
  acceptor.close();
});
