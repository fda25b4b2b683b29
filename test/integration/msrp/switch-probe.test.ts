/** Whether a switch lives is asked at its MSRP port; only the very process that was meant is taken for an answer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { answersProbe } from '../../../src/msrp/transport/switch-probe.ts';
import { openHall } from './raw-client.ts';

const DEADLINE_MS = 20_000;
/** For who will not answer. */
const SHORT_MS = 100;

const at = (port: number, sessionId: string | undefined, transport: 'tcp' | 'ws' = 'tcp') =>
  ({ transport, host: '127.0.0.1', port, sessionId }) as const;

test('the switch answers at its reserved session, for anybody, and counts nothing', async () => {
  await using hall = await openHall();
  const { probe } = hall.msrp.hello();
  assert.match(probe ?? '', /^[a-z0-9]{16,}$/);
  assert.equal(await answersProbe(at(hall.port, probe), DEADLINE_MS), true);
  assert.equal(hall.msrp.counters().refused, 0);
  assert.equal(hall.msrp.hello().messagesIn, 0);
});

test('another process in its place does not count, unless nobody knows what to ask for', async () => {
  await using hall = await openHall();
  assert.equal(await answersProbe(at(hall.port, 'of-another-process'), DEADLINE_MS), false);
  assert.equal(await answersProbe(at(hall.port, undefined), DEADLINE_MS), true);
});

test('a WebSocket listener answers by its handshake', async () => {
  await using hall = await openHall({ listen: [{ transport: 'ws', host: '127.0.0.1', port: 0 }] });
  assert.equal(await answersProbe(at(hall.port, hall.msrp.hello().probe, 'ws'), DEADLINE_MS), true);
});

test('a port that accepts and says nothing, as of a stopped process, one that babbles, and one that refuses', async () => {
  const server = createServer((socket) => socket.resume().on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.equal(await answersProbe(at(port, 'p'), SHORT_MS), false);
  server.once('connection', (socket) => socket.write('x'.repeat(10_000)));
  assert.equal(await answersProbe(at(port, 'p'), DEADLINE_MS), false);
  server.close();
  await once(server, 'close');
  assert.equal(await answersProbe(at(port, 'p'), DEADLINE_MS), false);
});
