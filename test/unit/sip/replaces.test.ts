import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParseError } from '../../../src/lib/errors.ts';
import { readReplaces } from '../../../src/sip/replaces.ts';

for (const [text, said] of [
  [
    '425928@bobster.example.org;to-tag=7743;from-tag=6472',
    '425928@bobster.example.org;to-tag=7743;from-tag=6472',
  ],
  ['a@b ; FROM-TAG=2 ; to-tag=1;early-only', 'a@b;from-tag=2;to-tag=1;early-only'],
  ['"odd"<call>;to-tag=1;from-tag=2', '"odd"<call>;to-tag=1;from-tag=2'],
]) {
  test(`RFC3891-6.1 ${text}`, () => assert.equal(readReplaces(text ?? ''), said));
}

for (const text of [
  '',
  'a@b',
  ';to-tag=1;from-tag=2',
  'a b;to-tag=1;from-tag=2',
  'a@b;to-tag=1',
  'a@b;to-tag=;from-tag=2',
  'a@b;to-tag=1;from-tag=2,c@d;to-tag=3;from-tag=4',
  'a@b;to-tag=1;from-tag=2\r\nX: y',
  'a@b;to-tag=1;from-tag=2;x="\r\nX: y"',
  'é@b;to-tag=1;from-tag=2',
  `${'a'.repeat(500)};to-tag=1;from-tag=2`,
]) {
  test(`RFC3891-6.1 malformed: ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.throws(() => readReplaces(text), ParseError);
  });
}
