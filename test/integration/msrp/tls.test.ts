/** spec case 67: MSRP over TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { legOf, Member, openHall, putRoom, RawClient } from './raw-client.ts';

const read = (name: string): Buffer => readFileSync(new URL(`../../fixtures/msrp/${name}`, import.meta.url));
const cert = read('loopback-cert.pem');
const tls = { key: read('loopback-key.pem'), cert };
const listen = [
  { transport: 'tcp' as const, host: '127.0.0.1', port: 0 },
  { transport: 'tls' as const, host: '127.0.0.1', port: 0 },
];

test('case 67: an msrps session works over TLS and talks to a plain one', async () => {
  await using hall = await openHall({ listen, tls });
  const tlsPort = hall.msrp.hello().msrp[1]?.port ?? 0;
  putRoom(hall, [legOf('a', { tls: true }), legOf('b')]);
  const socket = connect({ port: tlsPort, host: '127.0.0.1', ca: cert });
  await once(socket, 'secureConnect');
  const a = new Member('a', new RawClient(socket), tlsPort);
  const to = a.switchUri.replace('msrp:', 'msrps:');
  assert.equal(await a.sendAndStatus(null, { to }), '200');
  const b = await Member.join(hall, 'b');
  assert.equal(await a.sendAndStatus('sealed', { to }), '200');
  assert.equal((await b.message()).body.toString(), 'sealed');
  const large = Buffer.alloc(60_000, 'q');
  assert.equal(await b.sendAndStatus(large), '200');
  assert.deepEqual((await a.message()).body, large);
});

test('case 67: plain bytes on the TLS port are closed', async () => {
  await using hall = await openHall({ listen, tls });
  const client = await RawClient.connect(hall.msrp.hello().msrp[1]?.port ?? 0);
  client.write('MSRP abcd1234 SEND\r\nTo-Path: x\r\n');
  await client.closed();
  assert.equal(hall.msrp.counters().connectionsOpened, 0);
});

for (const [name, tlsClient, wanted] of [
  ['trusted', { ca: cert }, 'leg.bound'],
  ['not trusted', {}, 'leg.unbound'],
] as const) {
  test(`case 67: dialling an msrps client whose certificate is ${name}`, async () => {
    await using hall = await openHall({ listen, tls, tlsClient, limits: { dialAttempts: 1 } });
    const server = createServer(tls, (socket) => void new RawClient(socket));
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const path = [`msrps://127.0.0.1:${port}/client-a;tcp`];
    putRoom(hall, [legOf('a', { tls: true, path, role: 'active' })]);
    const event = await hall.nextEvent((seen) => seen.leg === 'a');
    assert.equal(event.op, wanted);
    if (event.op === 'leg.unbound') assert.equal(event.reason, 'unreachable');
    server.close();
  });
}
