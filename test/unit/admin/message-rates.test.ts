import assert from 'node:assert/strict';
import test from 'node:test';
import { MessageRates } from '../../../src/admin/live/message-rates.ts';
import type { SwitchView } from '../../../src/admin/view.ts';
import { liveBench } from './live-bench.ts';

const counting = (messagesIn: number, messagesOut: number, id: string | null = 'switch-0'): SwitchView => ({
  id,
  eventSocket: '127.0.0.1:8021',
  state: 'up',
  msrp: [],
  sessions: 0,
  legs: 0,
  load: 0,
  draining: false,
  isEmptying: false,
  messagesIn,
  messagesOut,
});

test('a rate is the difference of totals over two steps, for all and for each', () => {
  const rates = new MessageRates();
  rates.sample([counting(1_000, 4_000), counting(1, 1, null)], 0);
  rates.sample([counting(1_020, 4_080), counting(70, 70, 'switch-1')], 2_000);
  assert.deepEqual(rates.newest, {
    items: [{ at: '1970-01-01T00:00:02.000Z', inPerS: 10, outPerS: 40 }],
    switches: [
      { id: 'switch-0', inPerS: 10, outPerS: 40 },
      { id: 'switch-1', inPerS: 0, outPerS: 0 },
    ],
  });
  // The switch told nothing new in this step: its next total has both.
  rates.sample([counting(1_020, 4_080), counting(90, 90, 'switch-1')], 4_000);
  assert.deepEqual(rates.newest.switches, [
    { id: 'switch-0', inPerS: 5, outPerS: 20 },
    { id: 'switch-1', inPerS: 10, outPerS: 10 },
  ]);
});

test('a switch that counts anew adds nothing wrong, and ten minutes are kept', () => {
  const rates = new MessageRates();
  rates.sample([counting(1_000, 4_000)], 0);
  rates.sample([counting(5, 10)], 2_000);
  assert.deepEqual(rates.newest.items, [{ at: '1970-01-01T00:00:02.000Z', inPerS: 0, outPerS: 0 }]);
  for (let at = 4_000; at < 2_000_000; at += 2_000) rates.sample([counting(5, 10)], at);
  assert.equal(rates.all.items.length, 300);
});

test('who comes is told of the last ten minutes, then of each step; who wants no switches is not', () => {
  const rates = new MessageRates();
  rates.sample([counting(0, 0)], 0);
  rates.sample([counting(2, 4)], 2_000);
  const { hub, listen } = liveBench({ rates });
  const { sink } = listen();
  const other = listen({ kinds: new Set(['decisions']) }).sink;
  const [hello, told] = sink.told();
  assert(told !== undefined);
  assert.deepEqual([hello?.name, told.name, (told.data['items'] as unknown[]).length], ['hello', 'rates', 2]);
  rates.sample([counting(4, 8)], 4_000);
  hub.tellRates();
  assert.deepEqual(sink.told()[0]?.data['items'], [
    { at: '1970-01-01T00:00:04.000Z', inPerS: 1, outPerS: 2 },
  ]);
  assert.deepEqual(other.names(), ['hello']);
});
