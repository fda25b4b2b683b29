/** The small parts: ranges, types, transaction ids, unanswered SENDs, queues, addresses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readByteRange } from '../../../src/msrp/protocol/byte-range.ts';
import { acceptsMediaType, baseMediaType } from '../../../src/msrp/protocol/media-type.ts';
import { TransactionIds } from '../../../src/msrp/protocol/transaction-id.ts';
import { canonicalAddress } from '../../../src/msrp/switch/address.ts';
import type { Leg } from '../../../src/msrp/switch/leg.ts';
import { Outstanding } from '../../../src/msrp/switch/outstanding.ts';
import { Fifo } from '../../../src/msrp/transport/fifo.ts';

test('byte ranges', () => {
  const parseByteRange = (text: string) => readByteRange(Buffer.from(`x${text}9`), 1, 1 + text.length);
  assert.deepEqual(parseByteRange('1-*/*'), { start: 1, end: -1, total: -1 });
  assert.deepEqual(parseByteRange('3-4/9'), { start: 3, end: 4, total: 9 });
  assert.deepEqual(parseByteRange('1-0/0'), { start: 1, end: 0, total: 0 });
  for (const bad of [
    '',
    '0-0/0',
    '*-1/1',
    '1-2',
    '3-1/9',
    '1-5/4',
    '9-*/3',
    '1-9999999999999999/*',
    ' 1-2/2',
  ]) {
    assert.equal(parseByteRange(bad), null, bad);
  }
});

test('media types and lists of them', () => {
  assert.equal(baseMediaType(' Text/Plain ; charset=x'), 'text/plain');
  assert.ok(acceptsMediaType(['*'], 'a/b'));
  assert.ok(acceptsMediaType(['image/*'], 'image/png'));
  assert.ok(!acceptsMediaType(['image/*'], 'imagex/png'));
  assert.ok(!acceptsMediaType([], 'a/b'));
});

test('case 7: the next transaction id steps over those in end-lines of the body', () => {
  const ids = new TransactionIds('abcdefgh');
  const taken = [1, 2, 3].map((number) => `-------${ids.text(number)}$`).join('');
  assert.equal(ids.next(Buffer.from(taken)), 4);
  assert.equal(ids.next(Buffer.from('-------')), 5);
  assert.equal(ids.next(null), 6);
});

test('an answer leads back to its number', () => {
  const ids = new TransactionIds('abcdefgh');
  for (const number of [1, 35, 36, 46_655, 1e9]) {
    const bytes = Buffer.from(`..${ids.text(number)}..`);
    assert.equal(ids.numberAt(bytes, 2, bytes.length - 2), number);
  }
  for (const foreign of ['abcdefgh', 'xbcdefgh00000001', 'abcdefgh0000000A', 'abcdefgh0000000~']) {
    assert.equal(ids.numberAt(Buffer.from(foreign), 0, foreign.length), -1, foreign);
  }
});

test('unanswered SENDs are taken in any order, and the oldest gives the deadline', () => {
  const leg = { name: 'x' } as unknown as Leg;
  const outstanding = new Outstanding(256);
  for (let number = 1; number <= 200; number++) outstanding.push(number, leg, null, number * 10);
  assert.equal(outstanding.overdue(10), null);
  assert.equal(outstanding.overdue(11), leg);
  assert.equal(outstanding.take(2)?.number, 2);
  assert.equal(outstanding.take(2), null);
  assert.equal(outstanding.takeFirst(3), false);
  assert.equal(outstanding.takeFirst(1), true);
  assert.equal(outstanding.takeFirst(3), true);
  assert.equal(outstanding.overdue(40), null);
  assert.equal(outstanding.overdue(41), leg);
  // Beyond the bound the oldest is forgotten.
  for (let number = 201; number <= 600; number++) outstanding.push(number, leg, null, 1e6);
  assert.equal(outstanding.take(100), null);
  assert.equal(outstanding.take(600)?.number, 600);
});

test('a queue keeps its order over many shifts', () => {
  const fifo = new Fifo<number>();
  let next = 0;
  for (let i = 0; i < 10_000; i++) {
    fifo.push(i);
    if (i % 3 > 0) assert.equal(fifo.shift(), next++);
  }
  assert.equal(fifo.peek(), next);
  assert.equal(fifo.size, 10_000 - next);
  while (fifo.size > 0) assert.equal(fifo.shift(), next++);
  assert.equal(fifo.shift(), undefined);
});

test('addresses compare without parameters and case of scheme and host', () => {
  assert.equal(canonicalAddress('SIP:Ada@Example.NET;x=1?y'), 'sip:Ada@example.net');
  assert.equal(canonicalAddress('tel:+46-70 (00).1;phone-context=x'), 'tel:+4670001');
});
