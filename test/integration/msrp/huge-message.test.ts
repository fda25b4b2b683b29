import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passHugeMessage } from './huge-message.ts';

const BYTES = 192 * 1024 ** 2;

test('a message of 192 MiB passes in bounded memory while others chat (the gigabyte: npm run gigabyte)', async () => {
  const { growthBytes, chatsDuring, received } = await passHugeMessage(BYTES);
  assert.deepEqual(received, [BYTES, BYTES]);
  assert.ok(growthBytes < 64 * 1024 ** 2, `grew by ${growthBytes} bytes`);
  assert.ok(chatsDuring >= 3, `${chatsDuring} chat messages passed meanwhile`);
});
