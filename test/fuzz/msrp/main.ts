/**
 * Fuzzes MSRP parser and switch, led by coverage: an input that reaches something new is kept and mutated further. What is left in the
 * end, the fewest that reach all that was reached, becomes the corpus in test/fixtures/msrp/corpus. A finding is written there
 * as well, and ends the run with status 1. `npm run fuzz:msrp -- [SECONDS]`, default 60.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { type Chance, mutate, SEEDS } from './mutate.ts';
import { checkParser, SwitchTarget } from './target.ts';

const CORPUS = new URL('../../fixtures/msrp/corpus/', import.meta.url);
const COVERED = /\/src\/(?:msrp|documents\/cpim)/;

/** As fine as sources are looked at. */
const CELL_CHARS = 24;

interface Kept {
  readonly bytes: Buffer;
  readonly reached: ReadonlySet<string>;
}

const seconds = Number(process.argv[2] ?? 60);
const chance: Chance = (below) => Math.floor(Math.random() * below);
const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** Which cells of the sources ran since the last time, with about how often. */
async function reachedNow(): Promise<Set<string>> {
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const reached = new Set<string>();
  for (const { url, functions } of result) {
    if (!COVERED.test(url)) continue;
    // Ranges are nested, the inner ones later: of each place the last that names it counts.
    const cells: number[] = [];
    for (const { ranges } of functions)
      for (const { startOffset, endOffset, count } of ranges)
        cells.fill(
          count,
          ...growTo(cells, Math.ceil(startOffset / CELL_CHARS), Math.ceil(endOffset / CELL_CHARS)),
        );
    const file = url.slice(url.lastIndexOf('/') + 1);
    for (const [cell, count] of cells.entries())
      if (count > 0) reached.add(`${file} ${cell} ${Math.min(4, Math.ceil(Math.log2(count + 1)))}`);
  }
  return reached;
}

function growTo(cells: number[], from: number, to: number): [number, number] {
  while (cells.length < to) cells.push(0);
  return [from, to];
}

const target = await SwitchTarget.open();
const kept: Kept[] = [];
const known = new Set<string>();
let tried = 0;

async function tryInput(bytes: Buffer): Promise<void> {
  tried++;
  try {
    checkParser(bytes, [chance(bytes.length + 1), chance(bytes.length + 1)]);
    await target.check(bytes);
  } catch (error) {
    const file = `finding-${nameOf(bytes)}`;
    writeFileSync(new URL(file, CORPUS), bytes);
    process.stderr.write(`${file}: ${String((error as Error).stack)}\n`);
    process.exit(1);
  }
  const reached = await reachedNow();
  const isNew = [...reached].some((one) => !known.has(one));
  if (!isNew) return;
  for (const one of reached) known.add(one);
  kept.push({ bytes, reached });
}

function nameOf(bytes: Buffer): string {
  return `${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.bin`;
}

const before = readdirSync(CORPUS).filter((name) => name.endsWith('.bin'));
for (const bytes of [...SEEDS, ...before.map((name) => readFileSync(new URL(name, CORPUS)))])
  await tryInput(bytes);
const endMs = performance.now() + seconds * 1000;
while (performance.now() < endMs) {
  const { bytes } = kept[chance(kept.length)] as Kept;
  await tryInput(mutate(bytes, (kept[chance(kept.length)] as Kept).bytes, chance));
}
await target.close();

/** Greedily, the small ones first: each that runs code that none of the chosen does, however often. */
const placeOf = (reached: string): string => reached.slice(0, reached.lastIndexOf(' '));
const chosen: Kept[] = [];
const covered = new Set<string>();
for (const one of kept.toSorted((x, y) => x.bytes.length - y.bytes.length)) {
  const places = [...one.reached].map(placeOf);
  if (places.every((place) => covered.has(place))) continue;
  chosen.push(one);
  for (const place of places) covered.add(place);
}
for (const name of before) rmSync(new URL(name, CORPUS));
for (const { bytes } of chosen) writeFileSync(new URL(nameOf(bytes), CORPUS), bytes);
process.stdout.write(
  `${tried} inputs, ${covered.size} pieces of code reached, ${chosen.length} inputs in the corpus\n`,
);
process.exit(0);
