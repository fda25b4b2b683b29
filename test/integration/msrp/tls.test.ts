/** spec case 67: MSRP over TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { freePort } from '../../support/kamailio/free-port.ts';
import {
  AUTHORITY,
  CLIENT,
  fingerprintOf,
  LOOPBACK,
  portOf,
  SIGNED,
  TCP_AND_TLS,
  TlsMember,
} from './certificates.ts';
import { type Hall, legOf, Member, openHall, putRoom, RawClient } from './raw-client.ts';

const listen = TCP_AND_TLS;

test('case 67: an msrps session works over TLS and talks to a plain one', async () => {
  await using hall = await openHall({ listen, tls: LOOPBACK });
  putRoom(hall, [legOf('a', { tls: true }), legOf('b')]);
  const a = await TlsMember.connect(hall, 'a', { ca: LOOPBACK.cert });
  assert.equal(await a.sendAndStatus(null), '200');
  const b = await Member.join(hall, 'b');
  assert.equal(await a.sendAndStatus('sealed'), '200');
  assert.equal((await b.message()).body.toString(), 'sealed');
  const large = Buffer.alloc(60_000, 'q');
  assert.equal(await b.sendAndStatus(large), '200');
  assert.deepEqual((await a.message()).body, large);
});

test('case 67: plain bytes on the TLS port are closed and counted', async () => {
  await using hall = await openHall({ listen, tls: LOOPBACK });
  const client = await RawClient.connect(portOf(hall, 'tls'));
  client.write('MSRP abcd1234 SEND\r\nTo-Path: x\r\n');
  await client.closed();
  assert.equal(hall.msrp.counters().connectionsOpened, 0);
  assert.equal(hall.msrp.counters().handshakesRefused, 1);
});

test('case 67: a handshake that stalls is reaped and counted, and gives its place back', async () => {
  const addresses = { maxConnections: 10, maxConnectionsPerAddress: 2, maxUnboundPerAddress: 1 };
  // Long enough for the good handshakes below on a machine that is held up.
  await using hall = await openHall({ listen, tls: LOOPBACK, limits: { handshakeMs: 1_500, addresses } });
  putRoom(hall, [legOf('a', { tls: true })]);
  for (const beginning of ['', '\x16\x03\x01\x02\x00']) {
    const silent = await RawClient.connect(portOf(hall, 'tls'));
    silent.write(beginning);
    const second = await RawClient.connect(portOf(hall, 'tls'));
    await second.closed();
    await silent.closed();
  }
  const { handshakesStalled, connectionsRefused, connectionsOpened } = hall.msrp.counters();
  assert.deepEqual([handshakesStalled, connectionsRefused, connectionsOpened], [2, 2, 0]);
  for (let i = 0; i < 3; i++) {
    const a = await TlsMember.connect(hall, 'a', { ca: LOOPBACK.cert });
    assert.equal(await a.sendAndStatus(null), '200');
    a.client.socket.end();
    await hall.nextEvent((event) => event.op === 'leg.unbound');
    await a.client.closed();
  }
});

test('case 67: a client that resets its connection and comes back at once from the same port is let in', async () => {
  await using hall = await openHall({ listen, tls: LOOPBACK });
  putRoom(hall, [legOf('a', { tls: true })]);
  // Not one that the kernel gave: between two visits it would give it to somebody else.
  const localPort = await freePort();
  const place = { port: portOf(hall, 'tls'), host: '127.0.0.1', localAddress: '127.0.0.1', localPort };
  for (let visit = 1; visit <= 5; visit++) {
    const raw = connectTcp(place);
    const socket = connect({ socket: raw, host: place.host, ca: LOOPBACK.cert });
    await once(socket, 'secureConnect');
    const a = new TlsMember('a', new RawClient(socket), place.port);
    // 506: the switch has not seen yet that the last connection is gone.
    assert.match(await a.sendAndStatus(null), /^(200|506)$/, `visit ${visit}`);
    raw.resetAndDestroy();
  }
});

/** A client that is called over TLS; `seen` gets what the switch shows of itself. */
async function tlsAcceptor(
  options: object,
): Promise<{ path: string[]; seen: Promise<TLSSocket>; close(): void }> {
  const seen = Promise.withResolvers<TLSSocket>();
  const server = createServer(options, (socket) => {
    seen.resolve(socket);
    void new RawClient(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    path: [`msrps://127.0.0.1:${port}/client-a;tcp`],
    seen: seen.promise,
    close: () => server.close(),
  };
}

for (const [name, theirs, ca, fingerprint, wanted] of [
  ['signed by an authority that we know', SIGNED, AUTHORITY, undefined, 'leg.bound'],
  ['signed by nobody that we know', SIGNED, undefined, undefined, 'leg.unbound'],
  ['of the wrong authority', SIGNED, LOOPBACK.cert, undefined, 'leg.unbound'],
  ['self-signed with the fingerprint of its SDP', CLIENT, undefined, fingerprintOf(CLIENT.cert), 'leg.bound'],
  ['self-signed with its SHA-1', CLIENT, undefined, fingerprintOf(CLIENT.cert, 'SHA-1'), 'leg.bound'],
  ['self-signed without fingerprint', CLIENT, undefined, undefined, 'leg.unbound'],
  ['another than that of its SDP', CLIENT, AUTHORITY, fingerprintOf(SIGNED.cert), 'leg.unbound'],
  ['signed, but not that of its SDP', SIGNED, AUTHORITY, fingerprintOf(CLIENT.cert), 'leg.unbound'],
  ['known by a hash that nobody should use', CLIENT, undefined, 'MD5 00:11', 'leg.unbound'],
] as const) {
  test(`case 67: dialling an msrps client whose certificate is ${name}: ${wanted}`, async () => {
    const tls = { ...LOOPBACK, ...(ca === undefined ? {} : { ca }) };
    await using hall = await openHall({ listen, tls, limits: { dialAttempts: 1 } });
    const client = await tlsAcceptor(theirs);
    const known = fingerprint === undefined ? {} : { fingerprint };
    putRoom(hall, [legOf('a', { tls: true, path: client.path, role: 'active', ...known })]);
    const event = await hall.nextEvent((seen) => seen.leg === 'a');
    assert.equal(event.op, wanted);
    if (event.op === 'leg.unbound') assert.equal(event.reason, 'unreachable');
    client.close();
  });
}

test('case 67: a client that is called sees the certificate whose fingerprint the switch tells', async () => {
  await using hall = await openHall({ listen, tls: LOOPBACK });
  const client = await tlsAcceptor({ ...CLIENT, requestCert: true, rejectUnauthorized: false });
  const fingerprint = fingerprintOf(CLIENT.cert);
  putRoom(hall, [legOf('a', { tls: true, path: client.path, role: 'active', fingerprint })]);
  const shown = (await client.seen).getPeerX509Certificate();
  assert.equal(hall.msrp.hello().fingerprint, `SHA-256 ${shown?.fingerprint256}`);
  await hall.nextEvent((event) => event.op === 'leg.bound');
  client.close();
});

for (const [name, shown, extra, required, wanted] of [
  ['the certificate of its SDP', CLIENT, { fingerprint: fingerprintOf(CLIENT.cert) }, false, '200'],
  [
    'another certificate than that of its SDP',
    SIGNED,
    { fingerprint: fingerprintOf(CLIENT.cert) },
    false,
    '403',
  ],
  ['no certificate', {}, { fingerprint: fingerprintOf(CLIENT.cert) }, false, '200'],
  ['no certificate where one is compulsory', {}, { fingerprint: fingerprintOf(CLIENT.cert) }, true, '403'],
  [
    'the one of its SDP where one is compulsory',
    CLIENT,
    { fingerprint: fingerprintOf(CLIENT.cert) },
    true,
    '200',
  ],
  ['a signed one where one is compulsory', SIGNED, {}, true, '200'],
  ['a self-signed one, unknown, where one is compulsory', CLIENT, {}, true, '403'],
] as const) {
  test(`case 67: a client that connects and shows ${name}: ${wanted}`, async () => {
    const tls = { ...LOOPBACK, ca: AUTHORITY, requireClientCertificate: required };
    await using hall = await openHall({ listen, tls });
    putRoom(hall, [legOf('a', { tls: true, ...extra })]);
    const a = await TlsMember.connect(hall, 'a', { ca: LOOPBACK.cert, ...shown });
    assert.equal(await a.sendAndStatus(null), wanted);
  });
}

async function certificateOf(hall: Hall): Promise<string> {
  const socket = connect({ port: portOf(hall, 'tls'), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
  socket.destroy();
  return `SHA-256 ${shown}`;
}

test('case 67: a renewed certificate is used at once, and what stands goes on', async () => {
  await using hall = await openHall({ listen, tls: LOOPBACK });
  putRoom(hall, [legOf('a', { tls: true }), legOf('b', { tls: true })]);
  const a = await TlsMember.connect(hall, 'a', { ca: LOOPBACK.cert });
  assert.equal(await a.sendAndStatus(null), '200');
  assert.equal(await certificateOf(hall), fingerprintOf(LOOPBACK.cert));

  hall.msrp.useIdentity(SIGNED);
  assert.equal(await certificateOf(hall), fingerprintOf(SIGNED.cert));
  assert.equal(hall.msrp.hello().fingerprint, fingerprintOf(SIGNED.cert));
  const b = await TlsMember.connect(hall, 'b', { ca: AUTHORITY });
  assert.equal(await b.sendAndStatus(null), '200');
  assert.equal(await a.sendAndStatus('old and new'), '200');
  assert.equal((await b.message()).body.toString(), 'old and new');

  assert.throws(() => hall.msrp.useIdentity({ key: LOOPBACK.key, cert: SIGNED.cert }), {
    code: 'MSRP_BAD_CERTIFICATE',
  });
  assert.equal(await certificateOf(hall), fingerprintOf(SIGNED.cert));
});
