/**
 * Proves the conformance tests: leaves out each step of the procedures in turn; a test whose name carries the id of the
 * step must then fail. Nothing in the product knows of it (disable-step.ts). Writes docs/mutation.md.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import '../../support/compile-cache.ts';
import { ROOT } from '../report/run-tests.ts';
import { STATEMENT_IDS, STATEMENTS } from '../report/statements.ts';
import { runBaseline, runMutant } from './mutant.ts';
import { NOT_STEPS, NOT_TRIED } from './not-steps.ts';
import { mutationPage } from './page.ts';
import { addResults, loadResults, type MutantResult, NO_RESULTS, type RunOf } from './results.ts';
import { allMutants, allRows, type Mutant, type Row, rowsFor, rowsInOrder, statementOf } from './steps.ts';

const HELP = `node test/conformance/mutate/main.ts [ID…] [options]

Leaves out each step of the procedures in turn, then each refusal, and runs the conformance tests of its id until one
fails.
Writes docs/mutation.md when everything has been tried. Exit code 1: a step was missed by no test.

  ID, --only ID      only these (more than one may be named)
  --results FILE     keep what was found there, and go on from it: what was missed is not tried again
  --again            with --results: try everything named again
  --jobs N           so many at once (default 1; each runs a whole stack)
  --trace kept|removed  removed: the trace lacks the step too, which is easier to see (default kept)
  --timeout-s N      for the tests of one id (default 180); --row-timeout-s N for one test (default 60)
  --no-baseline      do not check first which tests pass on the product as it is
  --output FILE      the page (default docs/mutation.md)
  --json             one line of JSON for each id in place of text
  --list             what would be tried, with the number of tests
  --help`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: [] },
    results: { type: 'string' },
    again: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    trace: { type: 'string', default: 'kept' },
    'timeout-s': { type: 'string', default: '180' },
    'row-timeout-s': { type: 'string', default: '60' },
    'no-baseline': { type: 'boolean', default: false },
    output: { type: 'string', default: join(ROOT, 'docs/mutation.md') },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const timeoutMs = positive('timeout-s') * 1000;
const rowTimeoutMs = positive('row-timeout-s') * 1000;
const jobs = positive('jobs');
const trace = values.trace;
if (trace !== 'kept' && trace !== 'removed') throw new Error('--trace is kept or removed');

const rows = allRows();
const run = runNow();
const known = allMutants();
const wanted = new Set([...values.only, ...positionals]);
const unknown = [...wanted].filter((id) => !known.some((mutant) => mutant.id === id));
if (unknown.length > 0) throw new Error(`no step carries the id ${unknown.join(', ')}`);
// What other standards ask for is tried where a test carries its id.
const chosen = known.filter((mutant) =>
  wanted.size === 0 ? isToBeTried(mutant) : wanted.has(mutant.id) || wanted.has(statementOf(mutant)),
);

if (values.help) print(HELP);
else if (values.list) for (const mutant of chosen) print(listed(mutant));
else await mutateAll(chosen);

function isToBeTried(mutant: Mutant): boolean {
  const id = statementOf(mutant);
  return STATEMENT_IDS.has(id) || (rowsFor(id, rows).length > 0 && !NOT_TRIED.has(mutant.id));
}

function listed(mutant: Mutant): string {
  return `${mutant.id}\t${rowsFor(statementOf(mutant), rows).length} tests\t${mutant.titles.join(' · ')}`;
}

async function mutateAll(all: readonly Mutant[]): Promise<void> {
  const held = values.again ? NO_RESULTS : loadResults(values.results);
  const found: Record<string, MutantResult> = { ...held.mutants };
  const left = all.filter(({ id }) => !isMissed(found[id]));
  if (left.length < all.length) print(`${all.length - left.length} of ${all.length} were tried before`);
  const usable = values['no-baseline'] ? rows : await passingRows(left, held.baseline);
  const startedMs = performance.now();
  let tried = 0;
  await inParallel(left, async (mutant) => {
    const result = await tryOne(mutant, usable);
    found[mutant.id] = result;
    addResults(values.results, { mutants: { [mutant.id]: result } });
    tried += 1;
    const leftS = ((performance.now() - startedMs) / tried / 1000) * (left.length - tried);
    report(mutant, result, `${tried}/${left.length}`, Math.ceil(leftS / 60));
  });
  summarise(all, found);
}

async function tryOne(mutant: Mutant, usable: readonly Row[]): Promise<MutantResult> {
  const startedMs = performance.now();
  const own = rowsInOrder(statementOf(mutant), usable);
  const attempt = () => runMutant({ mutant, rows: own, trace: traced(), timeoutMs, rowTimeoutMs });
  const first = await attempt();
  // A stack that did not come up (a port was taken meanwhile) is worth a second try.
  const outcome = first.fate === 'untested' && own.length > 0 ? await attempt() : first;
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return { trace: traced(), seconds, ...(run && { run }), ...outcome };
}

function traced(): 'kept' | 'removed' {
  return trace === 'removed' ? 'removed' : 'kept';
}

async function inParallel(all: readonly Mutant[], work: (mutant: Mutant) => Promise<void>): Promise<void> {
  const queue = [...all];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

/** The rows that pass on the product as it is: a failure of another one would prove nothing. */
async function passingRows(
  all: readonly Mutant[],
  before: Readonly<Record<string, readonly string[]>>,
): Promise<Row[]> {
  const needed = [...new Set(all.flatMap((mutant) => rowsFor(statementOf(mutant), rows)))];
  const usable: Row[] = [];
  for (const file of new Set(needed.map((row) => row.file))) {
    const own = needed.filter((row) => row.file === file);
    const passes = (names: readonly string[]) =>
      own.filter(({ name }) => names.some((it) => it.startsWith(name)));
    const held = passes(before[file] ?? []);
    // One that failed before may pass by now, or be new.
    const fit = held.length === own.length ? held : passes(await passingNames(file));
    if (held.length < own.length) print(`as it is: ${file}: ${fit.length} of ${own.length} tests pass`);
    usable.push(...fit);
  }
  return usable;
}

async function passingNames(file: string): Promise<readonly string[]> {
  const results = await runBaseline(
    rows.filter((row) => row.file === file),
    600_000,
  );
  const { tests = [], brokenFiles = [file] } = results ?? {};
  const names = brokenFiles.length > 0 ? [] : tests.filter(({ passed }) => passed).map(({ name }) => name);
  // A file that did not come up at all is asked again the next time.
  if (names.length > 0) addResults(values.results, { baseline: { [file]: names } });
  return names;
}

function isMissed(result: MutantResult | undefined): boolean {
  return result?.fate === 'killed' || result?.fate === 'late';
}

function report({ id }: Mutant, result: MutantResult, progress: string, minutesLeft: number): void {
  if (values.json) print(JSON.stringify({ id, ...result }));
  else {
    const { fate, by, seconds } = result;
    print(
      `${progress} ${id}: ${fate}${by === undefined ? '' : ` by ${by.name}`} (${seconds} s; about ${minutesLeft} min left)`,
    );
  }
}

function summarise(all: readonly Mutant[], found: Readonly<Record<string, MutantResult>>): void {
  const isProblem = ({ id }: Mutant) => !isMissed(found[id]);
  const problems = all.filter(isProblem);
  const ids = new Set(known.map(({ id }) => id));
  const uncovered = STATEMENTS.filter(({ id }) => !ids.has(id) && !NOT_STEPS.has(id)).map(({ id }) => id);
  if (!values.json) {
    for (const { id, titles } of problems)
      print(`${found[id]?.fate === 'survived' ? 'SURVIVED' : 'UNTESTED'} ${id} (${titles.join(' · ')})`);
    for (const id of uncovered) print(`NO STEP ${id}: and no reason for that in not-steps.ts`);
    print(`${all.length} changes: ${all.length - problems.length} missed, ${problems.length} not`);
  }
  const isWhole = known.every((mutant) => !isToBeTried(mutant) || found[mutant.id] !== undefined);
  if (isWhole) writeFileSync(values.output, mutationPage(known, found));
  process.exitCode = problems.length + uncovered.length === 0 ? 0 : 1;
}

/** @returns undefined where git is missing, or knows nothing of this folder */
function runNow(): RunOf | undefined {
  try {
    const commit = execFileSync('git', ['describe', '--always', '--dirty', '--exclude=*', '--abbrev=7'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return { commit, date: new Date().toISOString().slice(0, 10) };
  } catch {
    return undefined;
  }
}

function positive(name: 'jobs' | 'timeout-s' | 'row-timeout-s'): number {
  const value = Number(values[name]);
  if (!(value >= 1)) throw new Error(`--${name} ${values[name]} is no positive number`);
  return value;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
