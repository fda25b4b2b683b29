/** The switch stops, whatever its peers are in the middle of. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { within } from '../../support/children.ts';
import { eventually } from '../../support/eventually.ts';
import { LOOPBACK, portOf } from './certificates.ts';
import { legOf, Member, openHall, putRoom } from './raw-client.ts';

const listen = (['tcp', 'tls', 'ws', 'wss'] as const).map((transport) => ({
  transport,
  host: '127.0.0.1',
  port: 0,
}));
const STOP_TIMEOUT_MS = 5_000;

test('stopping waits for no peer: one that does not read, half a handshake, half a frame, one that keeps its half open', async () => {
  const hall = await openHall({ listen, tls: LOOPBACK });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c'), legOf('d')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = await Member.join(hall, 'c');
  // None of these closes of itself when the other side does.
  const open = async (transport: string, text: string): Promise<Socket> => {
    const socket = connect({ port: portOf(hall, transport), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(text);
    return socket.pause();
  };
  const held = [
    await open('tls', ''),
    await open('tls', '\x16\x03\x01\x02\x00'),
    await open('wss', '\x16\x03\x01\x02\x00'),
    await open('ws', 'GET / HTTP/1.1\r\nHost: x\r\n'),
    await open('ws', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    await open('tcp', ''),
    await open('tcp', 'no MSRP at all\r\n'),
  ];
  const shaken = connectTls({ port: portOf(hall, 'wss'), host: '127.0.0.1', ca: LOOPBACK.cert });
  shaken.on('error', () => {});
  await once(shaken, 'secureConnect');
  shaken.pause();
  await eventually('the refusals', () => {
    const { handshakesRefused, protocolFaults } = hall.msrp.counters();
    return handshakesRefused >= 1 && protocolFaults >= 1;
  });
  c.client.write(c.frame('a frame that has no end').bytes.subarray(0, -20));
  b.client.socket.pause();
  for (let sent = 0; hall.msrp.hello().counters?.['queuedBytes'] === 0; sent++) {
    assert.ok(sent < 2_000, 'the one that does not read has taken everything');
    a.send(Buffer.alloc(30_000, 'x'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await within(STOP_TIMEOUT_MS, 'the end of the switch', hall.msrp.stop());
  assert.equal(hall.msrp.counters().connections, 0);
  for (const socket of [...held, shaken, b.client.socket]) socket.destroy();
});
