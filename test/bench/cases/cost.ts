/** CPU time for each message that a receiver gets. */

import type { Bench, Benchmark, Row } from '../bench.ts';
import { interleaved, judge, measure, median, microsPerDelivery, sizesOf, spread } from '../bench.ts';
import type { LoadReport } from '../load/main.ts';
import { startCFanOut, startRawNet, startSwitch } from '../rig/subject.ts';

const SHORT_BODY_BYTES = 200;
const LONG_BODY_BYTES = 10 * 1024;
const MAX_RATIO_TO_C = 3;
const MAX_RATIO_TO_RAW_NET = 1.4;
const MAX_RATIO_OF_LARGE_ROOM = 1.2;
const FEW = 10;
const MANY = 500;

export const shortMessages: Benchmark = {
  name: 'short-messages',
  title: 'CPU per delivery, 200 B',
  async run(bench) {
    const rows: Row[] = [];
    const { reference } = bench;
    for (const receivers of sizesOf(bench, [10, 100])) {
      const what = `1→${receivers}, 200 B: CPU per delivery`;
      const own = () => measure(bench, () => startSwitch(receivers), SHORT_BODY_BYTES);
      const naive = () => measure(bench, () => startRawNet(reference, receivers), SHORT_BODY_BYTES);
      if (reference === null) {
        const reports = await interleaved(bench, what, { 'raw net': naive, switch: own });
        rows.push(
          compared(bench, 'short-messages', what, reports['raw net'], reports.switch, 'raw Node net', null),
        );
        continue;
      }
      const minimal = () => measure(bench, () => startCFanOut(reference, receivers), SHORT_BODY_BYTES);
      const reports = await interleaved(bench, what, { 'minimal C': minimal, switch: own });
      rows.push(
        compared(
          bench,
          'short-messages',
          what,
          reports['minimal C'],
          reports.switch,
          'minimal C fan-out',
          MAX_RATIO_TO_C,
        ),
      );
    }
    return rows;
  },
};

export const longMessages: Benchmark = {
  name: 'long-messages',
  title: 'CPU per delivery, 10 KB',
  async run(bench) {
    const rows: Row[] = [];
    for (const receivers of sizesOf(bench, [10, 100])) {
      const what = `1→${receivers}, 10 KB: CPU per delivery`;
      const reports = await interleaved(bench, what, {
        'raw net': () => measure(bench, () => startRawNet(bench.reference, receivers), LONG_BODY_BYTES),
        switch: () => measure(bench, () => startSwitch(receivers), LONG_BODY_BYTES),
      });
      rows.push(
        compared(
          bench,
          'long-messages',
          what,
          reports['raw net'],
          reports.switch,
          'raw Node net',
          MAX_RATIO_TO_RAW_NET,
        ),
      );
    }
    return rows;
  },
};

export const largeRoom: Benchmark = {
  name: 'large-room',
  title: 'CPU per delivery in a room of 500 against one of 10',
  async run(bench) {
    const what = `1→${MANY}, 200 B: CPU per delivery`;
    const reports = await interleaved(bench, what, {
      few: () => measure(bench, () => startSwitch(FEW), SHORT_BODY_BYTES),
      many: () => measure(bench, () => startSwitch(MANY), SHORT_BODY_BYTES),
    });
    return [
      compared(bench, 'large-room', what, reports.few, reports.many, `1→${FEW}`, MAX_RATIO_OF_LARGE_ROOM),
    ];
  },
};

/** @param maxRatio null: the reference point that the bound speaks of is absent */
export function compared(
  bench: Bench,
  benchmark: string,
  what: string,
  theirs: readonly LoadReport[],
  ours: readonly LoadReport[],
  referenceName: string,
  maxRatio: number | null,
): Row {
  const their = theirs.map(microsPerDelivery);
  const our = ours.map(microsPerDelivery);
  const ratio = median(our) / median(their);
  return {
    benchmark,
    what,
    measured: `${median(our).toFixed(2)} µs`,
    reference: `${referenceName}: ${median(their).toFixed(2)} µs`,
    ratio: `${ratio.toFixed(2)}×`,
    bound: maxRatio === null ? `≤ ${MAX_RATIO_TO_C}× minimal C fan-out` : `≤ ${maxRatio}×`,
    verdict: maxRatio === null ? 'not judged' : judge(bench, ratio <= maxRatio),
    note: `${spread(our, 2)}; reference ${spread(their, 2)}${maxRatio === null ? `; ${bench.referenceFault}` : ''}`,
  };
}
