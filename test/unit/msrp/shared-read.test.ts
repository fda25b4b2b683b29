import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { test } from 'node:test';
import {
  acceptReading,
  connectReading,
  type ReadingSocket,
} from '../../../src/msrp/transport/shared-read.ts';

/** Resolves with the first bytes that come, both as they were given and as text. */
function firstBytes({ reads }: ReadingSocket): Promise<{ bytes: Buffer; text: string }> {
  return new Promise((resolve) => {
    assert.ok(reads !== null, 'this Node still has what moving a connection needs');
    reads.onBytes = (bytes) => resolve({ bytes, text: bytes.toString() });
  });
}

test('connections read into one buffer, whoever opened them, and know their peer and their end', async () => {
  const accepted: ReadingSocket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) =>
    accepted.push(acceptReading(socket, 65_536)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dialled = connectReading({ host: '127.0.0.1', port });
  const other = connect(port, '127.0.0.1');
  other.write('second');
  await Promise.all([once(dialled.socket, 'connect'), once(other, 'connect')]);
  while (accepted.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const [first, second] = accepted as [ReadingSocket, ReadingSocket];
  assert.equal(first.socket.remoteAddress, '127.0.0.1');
  const atDialled = firstBytes(dialled);
  const atSecond = firstBytes(second);
  first.socket.write('first');
  const answers = await Promise.all([atDialled, atSecond]);
  assert.deepEqual(
    answers.map(({ text }) => text),
    ['first', 'second'],
  );
  assert.equal(answers[0].bytes.buffer, answers[1].bytes.buffer);
  const closed = Promise.all([once(first.socket, 'close'), once(second.socket, 'close')]);
  dialled.socket.end();
  other.destroy();
  await closed;
  server.close();
  await once(server, 'close');
});

test('a socket without a handle to move is read as sockets are', () => {
  const socket = new Socket();
  const { socket: same, reads } = acceptReading(socket, 65_536);
  assert.equal(same, socket);
  assert.equal(reads, null);
  assert.equal(socket.readableFlowing, true);
  socket.destroy();
});
