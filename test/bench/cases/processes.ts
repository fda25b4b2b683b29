/** Two rooms on two switch processes, against the same two rooms on one. */
import { availableParallelism } from 'node:os';
import {
  type Bench,
  type Benchmark,
  deliveriesPerS,
  interleaved,
  judge,
  median,
  spread,
  thousands,
  untilWarm,
} from '../bench.ts';
import type { LoadReport } from '../load/main.ts';
import { load } from '../rig/load.ts';
import { cpuSeconds } from '../rig/processes.ts';
import { type Subject, startSwitch } from '../rig/subject.ts';
import { compared } from './cost.ts';

const BODY_BYTES = 200;
const RECEIVERS = 50;
const MAX_COST_RATIO = 1.15;
const MIN_THROUGHPUT_RATIO = 1.6;
/** Two switches and two generators need a core each before throughput can say anything. */
const CORES_FOR_THROUGHPUT = 4;

export const processes: Benchmark = {
  name: 'processes',
  title: 'two switch processes against one',
  async run(bench) {
    const what = `2 × 1→${RECEIVERS}, 200 B, on two processes: CPU per delivery`;
    const reports = await interleaved(bench, what, { one: () => onOne(bench), two: () => onTwo(bench) });
    const rows = [
      compared(bench, 'processes', what, reports.one, reports.two, 'one process', MAX_COST_RATIO),
    ];
    if (availableParallelism() < CORES_FOR_THROUGHPUT) return rows;
    const their = reports.one.map(deliveriesPerS);
    const our = reports.two.map(deliveriesPerS);
    const ratio = median(our) / median(their);
    rows.push({
      benchmark: 'processes',
      what: `2 × 1→${RECEIVERS}, 200 B, on two processes: deliveries a second`,
      measured: `${thousands(median(our))}/s`,
      reference: `one process: ${thousands(median(their))}/s`,
      ratio: `${ratio.toFixed(2)}×`,
      bound: `≥ ${MIN_THROUGHPUT_RATIO}×`,
      verdict: judge(bench, ratio >= MIN_THROUGHPUT_RATIO),
      note: `${spread(our, 0)}; reference ${spread(their, 0)}`,
    });
    return rows;
  },
};

async function onOne(bench: Bench): Promise<LoadReport> {
  await using subject = await startSwitch(RECEIVERS, 2);
  const gap = subject.spec.indexOf('');
  const halves = [subject.spec.slice(0, gap), subject.spec.slice(gap + 1)];
  return await together(
    bench,
    subject.pids,
    halves.map((spec) => ({ ...subject, spec })),
  );
}

async function onTwo(bench: Bench): Promise<LoadReport> {
  await using first = await startSwitch(RECEIVERS);
  await using second = await startSwitch(RECEIVERS);
  return await together(bench, [...first.pids, ...second.pids], [first, second]);
}

/** One generator for each subject, at the same time; CPU time of the switches over all of it. */
async function together(
  bench: Bench,
  pids: readonly number[],
  subjects: readonly Subject[],
): Promise<LoadReport> {
  const run = (seconds: number) =>
    Promise.all(
      subjects.map((subject) =>
        load(subject, bench.scratch, bench.reference, { seconds, bodyBytes: BODY_BYTES }),
      ),
    );
  await untilWarm(bench, async (seconds) => {
    const reports = await run(seconds);
    return { delivered: Math.min(...reports.map(({ delivered }) => delivered)) };
  });
  const before = cpuSeconds(pids);
  const [first, second] = (await run(bench.scale.seconds)) as [LoadReport, LoadReport];
  const sut_cpu_s = cpuSeconds(pids) - before;
  return { ...first, delivered: first.delivered + second.delivered, sut_cpu_s };
}
