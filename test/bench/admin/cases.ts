/** The three promises about the admin's speed, measured. */
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { Child } from './child.ts';
import { fillSessions } from './fill.ts';

export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly bound: string;
  readonly isKept: boolean;
  readonly note: string;
}

export interface Scale {
  readonly sessions: number;
  readonly pages: number;
  readonly liveS: number;
  readonly pairs: number;
  readonly pairS: number;
}

interface Usage {
  readonly cpuMs: number;
  readonly rss: number;
  readonly heap: number;
}

const MIB = 1_048_576;
const PAGE_BOUND_MS = 50;
const HEAP_GROWTH_BOUND_MIB = 32;
const P50_BOUND = 1.15;
const P99_BOUND = 1.5;
const EVENTS_PER_S = 500;
const DECISIONS_PER_S = 100;
const READERS = 32;
const SLEEPERS = 4;

export function prepareStore(folder: string, { sessions }: Scale): void {
  const store = openSqliteStore({ file: join(folder, 'store.db') });
  fillSessions(store, sessions);
  store.close();
}

/** CPU of the whole process for a page out of all, as the kernel counts it. */
export async function listing(folder: string, { sessions, pages }: Scale): Promise<Figure[]> {
  const subject = new Child('subject', [join(folder, 'store.db')]);
  try {
    const { url } = await subject.next<{ url: string }>();
    const figures: Figure[] = [];
    for (const limit of [50, 500]) {
      await readPages(url, limit, 20);
      const before = await subject.ask<Usage>('usage');
      await readPages(url, limit, pages);
      const after = await subject.ask<Usage>('usage');
      const eachMs = (after.cpuMs - before.cpuMs) / pages;
      figures.push({
        what: `a page of ${limit} out of ${sessions} sessions, CPU of the server`,
        measured: `${eachMs.toFixed(1)} ms`,
        bound: `at most ${PAGE_BOUND_MS} ms`,
        isKept: eachMs <= PAGE_BOUND_MS,
        note: `mean of ${pages} pages that follow one another`,
      });
    }
    return figures;
  } finally {
    await subject.stop();
  }
}

async function readPages(url: string, limit: number, count: number): Promise<void> {
  let cursor: string | null = null;
  for (let n = 0; n < count; n += 1) {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const response = await fetch(`${url}/api/v1/sessions?limit=${limit}${query}`);
    if (!response.ok) throw new Error(await response.text());
    ({ nextCursor: cursor } = (await response.json()) as { nextCursor: string | null });
  }
}

/** Listeners that read, and some that do not, while decisions come. */
export async function liveView(folder: string, { liveS }: Scale): Promise<Figure[]> {
  const file = join(folder, 'store.db');
  const subject = new Child('subject', [file]);
  const streams: IncomingMessage[] = [];
  try {
    const { url } = await subject.next<{ url: string }>();
    const received = Array.from({ length: READERS }, () => 0);
    await Promise.all([
      ...received.map(async (_, n) => {
        const stream = await open(`${url}/api/v1/events`);
        streams.push(stream);
        stream.setEncoding('utf8');
        stream.on('data', (text: string) => {
          received[n] = (received[n] ?? 0) + (text.match(/^event: decision$/gm)?.length ?? 0);
        });
      }),
      ...Array.from({ length: SLEEPERS }, async () => streams.push(await open(`${url}/api/v1/events`))),
    ]);
    const writer = new Child('writer', [file, String(EVENTS_PER_S), String(liveS)]);
    const done = writer.next<{ written: number; elapsedS: number }>();
    const usages: Usage[] = [];
    let isDone = false;
    void done.then(() => {
      isDone = true;
    });
    while (!isDone) {
      await delay(1_000);
      usages.push(await subject.ask<Usage>('usage'));
    }
    const { written, elapsedS } = await done;
    await delay(1_000);
    const settled = usages.slice(Math.min(5, Math.floor(usages.length / 3)));
    const heaps = settled.map(({ heap }) => heap / MIB);
    const growth = Math.max(...heaps) - (heaps[0] ?? 0);
    const least = Math.min(...received);
    return [
      {
        what: `${EVENTS_PER_S} decisions a second to ${READERS} listeners, growth of the heap after collection`,
        measured: `${growth.toFixed(1)} MiB`,
        bound: `at most ${HEAP_GROWTH_BOUND_MIB} MiB`,
        isKept: growth <= HEAP_GROWTH_BOUND_MIB,
        note: `${elapsedS.toFixed(0)} s; ${SLEEPERS} more listeners never read; heap ${heaps[0]?.toFixed(0)} to ${Math.max(...heaps).toFixed(0)} MiB, resident ${Math.max(...usages.map(({ rss }) => rss / MIB)).toFixed(0)} MiB at most`,
      },
      {
        what: 'decisions that every listener who reads has got',
        measured: `${least} of ${written}`,
        bound: 'all',
        isKept: least === written,
        note: `${(written / elapsedS).toFixed(0)} a second were written`,
      },
    ];
  } finally {
    for (const stream of streams) stream.destroy();
    await subject.stop();
  }
}

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject);
  });
}

interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Pairs of an idle admin and one that is asked without a pause, in turn, which of them first in turn too. */
export async function decisions(folder: string, { pairs, pairS }: Scale): Promise<Figure[]> {
  const decider = new Child('decider', [folder, String(DECISIONS_PER_S)]);
  let load: Child | undefined;
  try {
    const { url } = await decider.next<{ url: string }>();
    await decider.ask<Latency>(2);
    const ratios: { p50: number; p99: number }[] = [];
    const seen: { idle: Latency; loaded: Latency }[] = [];
    let asked = 0;
    const idleRun = () => decider.ask<Latency>(pairS);
    const loadedRun = async () => {
      load = new Child('load', [url]);
      await load.next();
      const latency = await decider.ask<Latency>(pairS);
      asked += (await load.ask<{ asked: number }>('stop')).asked;
      await load.stop();
      return latency;
    };
    for (let pair = 0; pair < pairs; pair += 1) {
      const isIdleFirst = pair % 2 === 0;
      const first = await (isIdleFirst ? idleRun() : loadedRun());
      const second = await (isIdleFirst ? loadedRun() : idleRun());
      const [idle, loaded] = isIdleFirst ? [first, second] : [second, first];
      seen.push({ idle, loaded });
      ratios.push({ p50: loaded.p50Ms / idle.p50Ms, p99: loaded.p99Ms / idle.p99Ms });
    }
    const rate = asked / (pairs * pairS);
    return (['p50', 'p99'] as const).map((name) => {
      const ratio = median(ratios.map((one) => one[name]));
      const bound = name === 'p50' ? P50_BOUND : P99_BOUND;
      const ms = (of: 'idle' | 'loaded') => median(seen.map((one) => one[of][`${name}Ms`])).toFixed(2);
      return {
        what: `${name} of a decision with its commit, admin under load against idle`,
        measured: `× ${ratio.toFixed(2)}`,
        bound: `at most × ${bound}`,
        isKept: ratio <= bound,
        note: `median of ${pairs} pairs of ${pairS} s, ${DECISIONS_PER_S} set-ups a second; ${ms('idle')} ms idle, ${ms('loaded')} ms under ${rate.toFixed(0)} requests a second and 8 event streams; ratios ${ratios.map((one) => one[name].toFixed(2)).join(', ')}`,
      };
    });
  } finally {
    await load?.stop();
    await decider.stop();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
