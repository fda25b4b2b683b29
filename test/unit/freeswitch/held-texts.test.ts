import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldTexts } from '../../../src/freeswitch/held-texts.ts';

test('texts wait for who is being let in, in order, so many and so long', () => {
  let nowMs = 0;
  let expired = 0;
  const held = new HeldTexts({ maxTexts: 3, maxAgeMs: 100 }, { nowMs: () => nowMs }, () => {
    expired += 1;
  });
  for (const text of ['1', '2']) held.add('ada', text);
  held.add('ben', 'b');
  assert.deepEqual(held.take('ada'), ['1', '2']);
  assert.deepEqual(held.take('ada'), []);
  for (const text of ['3', '4', '5']) held.add('ada', text);
  assert.equal(expired, 1, 'the oldest gave way');
  assert.deepEqual(held.take('ben'), []);
  nowMs = 101;
  assert.deepEqual(held.take('ada'), []);
  assert.equal(expired, 4);
});
