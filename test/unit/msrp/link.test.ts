import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { StreamLink } from '../../../src/msrp/transport/link.ts';
import { webSocketHead } from '../../../src/msrp/transport/web-link.ts';

test('case 65: Nagle is off on every connection, whoever opened it', (t) => {
  const socket = new Socket();
  const setNoDelay = t.mock.method(socket, 'setNoDelay');
  new StreamLink(socket, null);
  assert.deepEqual(
    setNoDelay.mock.calls.map((call) => call.arguments),
    [[true]],
  );
  socket.destroy();
});

test('case 70: the head of a WebSocket frame for each of the three forms of a length', () => {
  const hex = (bytes: number): string => Buffer.from(webSocketHead(bytes), 'latin1').toString('hex');
  assert.deepEqual([hex(0), hex(125)], ['8200', '827d']);
  assert.deepEqual([hex(126), hex(65_535)], ['827e007e', '827effff']);
  assert.deepEqual([hex(65_536), hex(0x1234_5678)], ['827f0000000000010000', '827f0000000012345678']);
});
