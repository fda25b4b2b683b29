/** What the page keeps of what streams in: bounded, and right after a reconnect. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Happenings, MAX_HAPPENINGS, warningWords } from '../../../src/page/live/happenings.ts';
import { RateHistory } from '../../../src/page/live/rate-history.ts';
import { RateWindow } from '../../../src/page/live/rate-window.ts';
import { Ring } from '../../../src/page/live/ring.ts';
import type { DecisionSummary, SessionChange } from '../../../src/page/net/shapes.ts';

test('a ring keeps the newest, newest first', () => {
  const ring = new Ring<number>(3);
  for (let one = 1; one <= 10; one += 1) ring.push(one);
  assert.deepEqual([ring.newest(), ring.newest(2), ring.length], [[10, 9, 8], [10, 9], 3]);
});

test('a window counts what is young enough, and forgets the rest', () => {
  const window = new RateWindow({ steps: 3, stepMs: 1_000 });
  window.add(1_000);
  window.add(1_999);
  window.add(2_000);
  assert.deepEqual(window.steps(2_500), [0, 2, 1]);
  assert.deepEqual(window.steps(4_000), [1, 0, 0]);
  window.add(100);
  assert.equal(window.total(4_000), 1, 'what comes too late counts nowhere');
  assert.equal(window.total(90_000), 0);
  window.add(90_000, 5);
  assert.deepEqual(window.steps(90_100), [0, 0, 5]);
});

test('rates that are told again on coming back take the place of those that are known', () => {
  const rates = new RateHistory();
  const at = (seconds: number, inPerS: number) => ({
    at: new Date(seconds * 1_000).toISOString(),
    inPerS,
    outPerS: 2 * inPerS,
  });
  rates.take({ items: [at(0, 1), at(2, 2)], switches: [{ id: 'switch-0', inPerS: 2, outPerS: 4 }] });
  rates.take({ items: [at(4, 3)], switches: [] });
  assert.deepEqual(
    rates.samples.map(({ inPerS }) => inPerS),
    [1, 2, 3],
  );
  assert.deepEqual([rates.now.outPerS, rates.ofSwitch('switch-0').inPerS], [6, 0]);
  rates.take({ items: [at(2, 2), at(4, 3), at(6, 4)], switches: [] });
  assert.deepEqual(
    rates.samples.map(({ inPerS }) => inPerS),
    [1, 2, 3, 4],
  );
  rates.take({ items: [at(603, 9)], switches: [] });
  assert.deepEqual(
    rates.samples.map(({ inPerS }) => inPerS),
    [3, 4, 9],
    'ten minutes',
  );
});

const decision = (id: number, status: number | null = 200): DecisionSummary => ({
  id,
  at: '2026-11-22T10:00:00.000Z',
  clause: '7.2.1.4',
  trigger: 'INVITE',
  callId: 'c',
  user: 'sip:a@example.net',
  status,
  warning: null,
  session: 's',
});
const change = (id: number): SessionChange => ({
  change: 'joined',
  session: 's',
  participant: `sip:a${id}@example.net`,
  reason: null,
  at: '2026-11-22T10:00:00.000Z',
  decision: id,
  participants: { connected: 1, invited: 0 },
});

test('what a reconnect tells again is shown once, and a rush of joins washes no refusal away', () => {
  const happenings = new Happenings();
  assert(happenings.decision(decision(1, 403)));
  for (let id = 2; id < 2 + 2 * MAX_HAPPENINGS; id += 1) {
    assert(happenings.change(change(id)));
    assert(happenings.decision(decision(id)));
  }
  assert.equal(happenings.all.newest().length, MAX_HAPPENINGS);
  assert.equal(happenings.change(change(5)), false);
  assert.equal(happenings.decision(decision(5, 486)), false);
  assert.deepEqual(
    happenings.refusals.newest().map(({ key }) => key),
    ['d1'],
  );
});

test('the words of a Warning', () => {
  assert.equal(warningWords('399 example.net "no \\"seat\\" left"'), 'no "seat" left');
  assert.equal(warningWords('the group is full'), 'the group is full');
  assert.equal(warningWords(null), null);
});
