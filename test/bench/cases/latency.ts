/** How long messages take at half of the load that is the most. */
import {
  type Bench,
  type Benchmark,
  deliveriesPerS,
  interleaved,
  judge,
  median,
  type Row,
  sizesOf,
  spread,
  thousands,
  warmUp,
} from '../bench.ts';
import type { LoadReport } from '../load/main.ts';
import { type LoadOptions, load } from '../rig/load.ts';
import { type Subject, startCFanOut, startSwitch } from '../rig/subject.ts';

const BODY_BYTES = 200;
const MAX_P99_MS = 5;
const MAX_RATIO_TO_C = 3;

export const latency: Benchmark = {
  name: 'latency',
  title: 'p99 latency at half of the maximum load',
  async run(bench) {
    const rows: Row[] = [];
    for (const receivers of sizesOf(bench, [10, 100])) rows.push(await atHalfLoad(bench, receivers));
    return rows;
  },
};

async function atHalfLoad(bench: Bench, receivers: number): Promise<Row> {
  const { reference } = bench;
  const what = `1→${receivers}, 200 B: p99 latency at half load`;
  // The generator that paces finds the maximum too: it must be able to do twice what it is asked for.
  bench.progress(`${what}: the maximum`);
  const most = deliveriesPerS(await closedLoop(bench, receivers));
  const ratePerS = most / receivers / 2;
  const contenders: Record<string, () => Promise<LoadReport>> = {
    switch: () => paced(bench, () => startSwitch(receivers), ratePerS),
  };
  if (reference !== null)
    contenders['minimal C'] = () => paced(bench, () => startCFanOut(reference, receivers), ratePerS);
  const reports = await interleaved(bench, what, contenders);
  const p99 = (some: readonly LoadReport[] = []) => some.map(({ lat_us_p99 }) => lat_us_p99 / 1000);
  const our = p99(reports['switch']);
  const their = p99(reports['minimal C']);
  const ratio = median(our) / median(their);
  return {
    benchmark: 'latency',
    what: `${what} (${thousands(most / 2)}/s)`,
    measured: `${median(our).toFixed(1)} ms`,
    reference: reference === null ? '' : `minimal C fan-out: ${median(their).toFixed(1)} ms`,
    ratio: reference === null ? '' : `${ratio.toFixed(1)}×`,
    bound: `≤ ${MAX_P99_MS} ms or ≤ ${MAX_RATIO_TO_C}×`,
    verdict: judge(bench, median(our) <= MAX_P99_MS || ratio <= MAX_RATIO_TO_C),
    note: `${spread(our, 1)}${reference === null ? `; ${bench.referenceFault}` : `; reference ${spread(their, 1)}`}; from when a SEND was due`,
  };
}

async function closedLoop(bench: Bench, receivers: number): Promise<LoadReport> {
  await using subject = await startSwitch(receivers);
  return await load(subject, bench.scratch, null, durations(bench));
}

async function paced(bench: Bench, start: () => Promise<Subject>, ratePerS: number): Promise<LoadReport> {
  await using subject = await start();
  await warmUp(bench, subject, { bodyBytes: BODY_BYTES });
  return await load(subject, bench.scratch, bench.reference, { ...durations(bench), ratePerS });
}

/** In two seconds, the one per cent that is slowest is a single pause of the generator's own. */
function durations(bench: Bench): Omit<LoadOptions, 'ratePerS'> {
  const { seconds, warmUpSeconds } = bench.scale;
  return { seconds: 2 * seconds, settleSeconds: warmUpSeconds, bodyBytes: BODY_BYTES };
}
