/** Peers that vanish at any byte of a handshake, of an upgrade and of a frame: nothing of them stays, and the room goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { eventually } from '../../support/eventually.ts';
import { LOOPBACK, portOf } from './certificates.ts';
import { type Hall, legOf, Member, openHall, putRoom, RawClient, sessionsOf } from './raw-client.ts';
import { clientFrame } from './web-client.ts';

const listen = (['tcp', 'tls', 'ws', 'wss'] as const).map((transport) => ({
  transport,
  host: '127.0.0.1',
  port: 0,
}));
const WAYS = [
  (client: RawClient) => client.socket.end(),
  (client: RawClient) => client.socket.resetAndDestroy(),
] as const;

async function open(): Promise<{ hall: Hall; a: Member; b: Member }> {
  const hall = await openHall({ listen, tls: LOOPBACK });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c'), legOf('d', { tls: true })]);
  return { hall, a: await Member.join(hall, 'a'), b: await Member.join(hall, 'b') };
}

/** All of them are gone, in every way that they went. */
async function assertUntouched({ hall, a, b }: { hall: Hall; a: Member; b: Member }): Promise<void> {
  await eventually('the connections to be over', () => hall.msrp.counters().connections <= 2);
  assert.equal(hall.msrp.counters().handshakesStalled, 0);
  assert.equal(await a.sendAndStatus('the room goes on'), '200');
  await b.client.next((frame) => frame.body.toString() === 'the room goes on');
  // Whoever got a beginning gets an end. A handshake that the client thought over may end here only now.
  const count = (wanted: string): number => b.client.frames.filter(({ flag }) => flag === wanted).length;
  await b.client.until(() => count('#') === count('+'), 'an end for each beginning');
  assert.deepEqual([hall.msrp.counters().heldBytes, sessionsOf(hall)[0]?.bound], [0, 2]);
}

async function vanishAtEach(port: number, bytes: Buffer, step: number): Promise<void> {
  for (const way of WAYS) {
    for (let cut = 1; cut <= bytes.length; cut += step) {
      const client = await RawClient.connect(port);
      client.write(bytes.subarray(0, cut));
      way(client);
      await client.closed();
    }
  }
}

/** What a TLS client says first. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = connectTls({ port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  client.destroy();
  server.close();
  return hello;
}

test('case 40, 70: a peer that vanishes at any byte of an upgrade or of a frame over WebSocket leaves nothing behind', async () => {
  const parts = await open();
  await using hall = parts.hall;
  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Protocol: msrp\r\n\r\n';
  const shape = new Member('c', parts.a.client, portOf(hall, 'ws'));
  const { bytes } = shape.frame('chunked', { range: '1-7/20', flag: '+', messageId: 'vanishing' });
  await vanishAtEach(portOf(hall, 'ws'), Buffer.concat([Buffer.from(upgrade), clientFrame(2, bytes)]), 5);
  await assertUntouched(parts);
});

for (const transport of ['tls', 'wss'] as const) {
  test(`case 40, 67: a peer that vanishes at any byte of a ${transport} handshake leaves nothing behind`, async () => {
    const parts = await open();
    await using hall = parts.hall;
    await vanishAtEach(portOf(hall, transport), await clientHello(), 13);
    await assertUntouched(parts);
  });
}

test('case 40, 67: a peer that vanishes at any byte of a frame over TLS leaves nothing behind', async () => {
  const parts = await open();
  await using hall = parts.hall;
  const port = portOf(hall, 'tls');
  const shape = new Member('d', parts.a.client, port);
  const to = shape.switchUri.replace('msrp:', 'msrps:');
  for (const isAbrupt of [false, true]) {
    const length = shape.frame('chunked', { to, range: '1-7/20', flag: '+' }).bytes.length;
    for (let cut = 1; cut <= length; cut += 11) {
      const socket = connectTls({ port, host: '127.0.0.1', ca: LOOPBACK.cert });
      await once(socket, 'secureConnect');
      const client = new RawClient(socket);
      client.write(shape.frame('chunked', { to, range: '1-7/20', flag: '+' }).bytes.subarray(0, cut));
      if (isAbrupt) socket.destroy();
      else socket.end();
      await client.closed();
    }
  }
  await assertUntouched(parts);
});
