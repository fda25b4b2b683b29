/** Messages a second that receivers get, beside Kamailio's msrp module as a relay, to which the sender sends for each receiver. */

import {
  type Bench,
  type Benchmark,
  deliveriesPerS,
  interleaved,
  judge,
  measure,
  median,
  type Row,
  sizesOf,
  spread,
  thousands,
} from '../bench.ts';
import type { LoadReport } from '../load/main.ts';
import { startKamailioRelay, startSwitch } from '../rig/subject.ts';

const BODY_BYTES = 200;
const MIN_RATIO_BY_RECEIVERS = [
  [1, 4],
  [100, 40],
] as const;

export const throughput: Benchmark = {
  name: 'throughput',
  title: "deliveries a second beside Kamailio's relay",
  async run(bench) {
    const rows: Row[] = [];
    for (const [receivers, minRatio] of sizesOf(bench, MIN_RATIO_BY_RECEIVERS)) {
      const what = `1→${receivers}, 200 B: deliveries a second`;
      const reports = await interleaved(bench, what, {
        kamailio: () => relayed(bench, receivers),
        switch: () => measure(bench, () => startSwitch(receivers), BODY_BYTES),
      });
      const their = reports.kamailio.map(deliveriesPerS);
      const our = reports.switch.map(deliveriesPerS);
      const ratio = median(our) / median(their);
      rows.push({
        benchmark: 'throughput',
        what,
        measured: `${thousands(median(our))}/s`,
        reference: `Kamailio relay: ${thousands(median(their))}/s`,
        ratio: `${ratio.toFixed(1)}×`,
        bound: `≥ ${minRatio}×`,
        verdict: judge(bench, ratio >= minRatio),
        note: `${spread(our, 0)}; reference ${spread(their, 0)}`,
      });
    }
    return rows;
  },
};

/**
 * The relay is not ours, and the module is hardly used by anybody: where it leaves somebody without an answer, or cuts somebody
 * off, it gets one more try, from its start.
 */
async function relayed(bench: Bench, receivers: number): Promise<LoadReport> {
  const once = () => measure(bench, () => startKamailioRelay(receivers), BODY_BYTES);
  try {
    return await once();
  } catch (error) {
    bench.progress(`the relay has failed, and is started once more: ${String(error)}`);
    return await once();
  }
}
