/** What benchmarks share: how they are run, and the rows that they give. */
import type { LoadReport } from './load/main.ts';
import { type LoadOptions, load } from './rig/load.ts';
import type { Reference } from './rig/reference.ts';
import type { Subject } from './rig/subject.ts';

export type Verdict = 'pass' | 'miss' | 'not judged';

export interface Row {
  readonly benchmark: string;
  /** What was asked, in a few words. */
  readonly what: string;
  readonly measured: string;
  /** What it is held against; '' for a bound that stands by itself. */
  readonly reference: string;
  readonly ratio: string;
  readonly bound: string;
  readonly verdict: Verdict;
  /** All values behind the medians, or why a row was not judged. */
  readonly note: string;
}

/** How much is done: less in a smoke run, which then judges nothing. */
export interface Scale {
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly crowdRooms: number;
  readonly isJudged: boolean;
}

export interface Bench {
  readonly scale: Scale;
  readonly scratch: string;
  readonly reference: Reference | null;
  /** Why there is no reference. */
  readonly referenceFault: string;
  progress(text: string): void;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Row[]>;
}

/** Starts the subject, warms it up, and loads it. */
export async function measure(
  bench: Bench,
  start: () => Promise<Subject>,
  bodyBytes: number,
): Promise<LoadReport> {
  await using subject = await start();
  await warmUp(bench, subject, { bodyBytes });
  return await load(subject, bench.scratch, bench.reference, { seconds: bench.scale.seconds, bodyBytes });
}

/**
 * A just-in-time compiler counts calls, not seconds: on a busy machine it takes several turns until it has seen enough. In a conversation of
 * two the first 290,000 deliveries take a sixth longer than later ones, and the next 326,000 still a twentieth.
 */
const WARM_DELIVERIES = 600_000;
const MAX_WARM_UPS = 5;

/** What is still being compiled is not what anybody asks about. Members leave and come again after each turn. */
export async function warmUp(
  bench: Bench,
  subject: Subject,
  options: Omit<LoadOptions, 'seconds'>,
): Promise<void> {
  await untilWarm(bench, (seconds) => load(subject, bench.scratch, bench.reference, { seconds, ...options }));
}

/** @param run a turn, and what came of it; of two processes, for the one that did less */
export async function untilWarm(
  bench: Bench,
  run: (seconds: number) => Promise<{ readonly delivered: number }>,
): Promise<void> {
  const { warmUpSeconds, isJudged } = bench.scale;
  const most = isJudged ? MAX_WARM_UPS : 0;
  let delivered = 0;
  for (let turn = 0; turn < most && delivered < WARM_DELIVERIES; turn++)
    delivered += (await run(warmUpSeconds)).delivered;
}

/** Runs all contenders in turn, round after round, so that what disturbs one run disturbs the others alike. */
export async function interleaved<Name extends string>(
  bench: Bench,
  what: string,
  contenders: Readonly<Record<Name, () => Promise<LoadReport>>>,
): Promise<Record<Name, LoadReport[]>> {
  const names = Object.keys(contenders) as Name[];
  const reports = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    LoadReport[]
  >;
  for (let round = 1; round <= bench.scale.rounds; round++) {
    for (const name of names) {
      bench.progress(`${what}: ${name}, round ${round} of ${bench.scale.rounds}`);
      reports[name].push(await contenders[name]());
    }
  }
  return reports;
}

/** CPU time of the subject for one message that a receiver got, in microseconds. */
export function microsPerDelivery({ sut_cpu_s, delivered }: LoadReport): number {
  return (sut_cpu_s * 1e6) / delivered;
}

export function deliveriesPerS({ delivered, seconds }: LoadReport): number {
  return delivered / seconds;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** All sizes that a benchmark has, or in a smoke run the last: each costs some processes. */
export function sizesOf<Size>({ scale }: Bench, sizes: readonly Size[]): readonly Size[] {
  return scale.isJudged ? sizes : sizes.slice(-1);
}

export function judge(bench: Bench, holds: boolean): Verdict {
  if (!bench.scale.isJudged) return 'not judged';
  return holds ? 'pass' : 'miss';
}

/** `1.05 (0.98 … 1.20)` behind a median. */
export function spread(values: readonly number[], digits: number): string {
  return `${Math.min(...values).toFixed(digits)} … ${Math.max(...values).toFixed(digits)}`;
}

export function thousands(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
