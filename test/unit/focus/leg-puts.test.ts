import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../../../src/focus/decision.ts';
import { joinLegPuts } from '../../../src/focus/leg-puts.ts';

const put = (base: number, legs: readonly string[], isGate = false, switchId = 'sw1'): Effect => ({
  stage: 0,
  kind: 'switch',
  switchId,
  op: 'leg.put',
  isGate,
  body: { session: 's', base, revision: base + 1, legs: legs.map((leg) => ({ leg, at: base })) },
});
const drop = (base: number): Effect => ({ ...put(base, ['x']), op: 'leg.drop' }) as Effect;
const other = { stage: 1, kind: 'cancel', callId: 'c', cseq: 1, kam: 'k', leg: 'l' } as const;

test('legs of one decision go in one command, which later stages wait for if they waited for one of them', () => {
  const [joined, ...rest] = joinLegPuts([put(1, ['a']), other, put(2, ['b'], true)]);
  assert.deepEqual(rest, [other]);
  assert.deepEqual(joined, {
    ...put(1, ['a'], true),
    body: {
      session: 's',
      base: 1,
      revision: 3,
      legs: [
        { leg: 'a', at: 1 },
        { leg: 'b', at: 2 },
      ],
    },
  });
});

test('a leg that is told of twice is told of as it is last', () => {
  const [joined] = joinLegPuts([put(1, ['a', 'b']), put(2, ['a']), put(3, ['c'])]);
  assert.deepEqual((joined as { body: unknown }).body, {
    session: 's',
    base: 1,
    revision: 4,
    legs: [
      { leg: 'b', at: 1 },
      { leg: 'a', at: 2 },
      { leg: 'c', at: 3 },
    ],
  });
});

test('what is not built on the other stays apart: another switch, a drop between, too many', () => {
  const many = Array.from({ length: 300 }, (_, index) => `l${index}`);
  const more = Array.from({ length: 300 }, (_, index) => `m${index}`);
  for (const effects of [
    [put(1, ['a']), put(2, ['b'], false, 'sw2')],
    [put(1, ['a']), put(5, ['b'])],
    [put(1, ['a']), drop(2), put(3, ['b'])],
    [put(1, many), put(2, more)],
    [other],
    [],
  ]) {
    assert.deepEqual(joinLegPuts(effects), effects);
  }
});
