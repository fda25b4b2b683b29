/**
 * Everything that `npm test` stands for, in order: format, lint, types, then the test suites. All of it runs even
 * when something fails, so that one run tells all; a suite without tests, a skipped test and a test file that belongs
 * to no suite are failures, and so is a statement of docs/conformance.md that the run did not prove. The last line is
 * `N passed, N failed`.
 *
 * With arguments (`npm test -- unit e2e`) only the suites and checks of those names run.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { Collector } from './conformance/report/collect.ts';
import { CONFORMANCE_PAGE, conformanceFaults } from './conformance/report/gate.ts';
import './support/compile-cache.ts';
import { FailedTests } from './support/failed-tests.ts';
import { FileWatch } from './support/file-watch.ts';

interface Counts {
  passed: number;
  failed: number;
}

interface Suite {
  readonly name: string;
  readonly files: string;
  /** Test files at one time; the machine of the whole project has two cores. */
  readonly concurrency: number;
  /** The last files first: there are those that wait longest, and no other is left to run beside them at the end. */
  readonly isReversed?: true;
  readonly timeoutMs: number;
}

/** For a whole file; the longest takes a minute. */
const FILE_TIMEOUT_MS = 300_000;

/** For all of it, which takes a quarter of that: a run that is ended from outside does not tell what it has found. */
const RUN_TIMEOUT_MS = 45 * 60_000;

/**
 * Node joins its compiling threads when it exits, and one of them may wait for a garbage collection of the main thread for ever (nodejs/node
 * issue 54918, seen with Node 24.21). A test file ends when it has just been busy, and would never be done.
 */
const NO_COMPILING_THREADS = ['--no-maglev', '--no-concurrent-sparkplug', '--no-concurrent-recompilation'];
const COMPILED_MS = 200;

/** Files of a suite whose time is told. */
const SLOWEST_SHOWN = 5;

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['format', 'biome', 'check'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'tsc'],
  ['page types', 'tsc', '-p', 'src/page'],
];

const SUITES: readonly Suite[] = [
  { name: 'unit', files: 'test/unit/**/*.test.ts', concurrency: 2, timeoutMs: 60_000 },
  { name: 'property', files: 'test/property/**/*.test.ts', concurrency: 2, timeoutMs: 120_000 },
  { name: 'architecture', files: 'test/*.test.ts', concurrency: 1, timeoutMs: 60_000 },
  {
    name: 'kamailio-jsonrpc',
    files: 'src/kamailio-jsonrpc/test/**/*.test.ts',
    concurrency: 2,
    timeoutMs: 60_000,
  },
  { name: 'agents', files: 'test/agents/**/*.test.ts', concurrency: 1, timeoutMs: 60_000 },
  { name: 'integration', files: 'test/integration/**/*.test.ts', concurrency: 2, timeoutMs: 120_000 },
  {
    name: 'conformance',
    files: 'test/conformance/**/*.test.ts',
    // Two more than there are cores: many of them wait for a timer of SIP most of their time.
    concurrency: 4,
    isReversed: true,
    timeoutMs: 120_000,
  },
  // Each brings up a Kamailio of its own: one at a time.
  { name: 'e2e', files: 'test/e2e/**/*.test.ts', concurrency: 2, timeoutMs: 180_000 },
];

const chosen = process.argv.slice(2);
const isChosen = (name: string) => chosen.length === 0 || chosen.includes(name);
const faults: string[] = [];
const failedTests = new FailedTests(ROOT);
const total: Counts = { passed: 0, failed: 0 };

let now = '';
const deadline = setTimeout(() => {
  fail(`not done after ${RUN_TIMEOUT_MS / 60_000} minutes, in the midst of ${now}`);
  conclude();
}, RUN_TIMEOUT_MS);

const unknown = chosen.filter(
  (name) => ![...CHECKS.map(([check]) => check), ...SUITES.map((suite) => suite.name)].includes(name),
);
for (const name of unknown) fail(`${name} is no suite and no check`);
for (const [name, ...command] of CHECKS) if (isChosen(name)) await runCheck(name, command);
for (const suite of SUITES) if (isChosen(suite.name)) await runSuite(suite);
if (chosen.length === 0) findHomelessTests();
clearTimeout(deadline);
// Our own compiling threads come to an end while there is nothing to do.
await new Promise((resolve) => setTimeout(resolve, COMPILED_MS));
conclude();

function conclude(): never {
  for (const told of failedTests.tell()) console.log(`\n${told}`);
  console.log('');
  for (const fault of faults) console.log(`FAILED: ${fault}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
}

function fail(what: string, count = 1): void {
  faults.push(what);
  total.failed += count;
}

/** One tool with its own output; it counts as one test. */
async function runCheck(name: string, [tool = '', ...args]: readonly string[]): Promise<void> {
  now = name;
  console.log(`\n== ${name}: ${[tool, ...args].join(' ')}`);
  const child = spawn(join(ROOT, 'node_modules/.bin', tool), args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  if (status === 0) total.passed++;
  else fail(`${name} (${status === null ? 'could not be run to its end' : `exit status ${status}`})`);
}

async function runSuite(suite: Suite): Promise<void> {
  const files = globSync(suite.files, { cwd: ROOT }).sort();
  if (suite.isReversed === true) files.reverse();
  now = suite.name;
  console.log(`\n== ${suite.name}: ${files.length} files`);
  if (files.length === 0) {
    fail(`${suite.name}: no test file matches ${suite.files}`);
    return;
  }
  const counts = { passed: 0, failed: 0, left: 0, tests: 0 };
  const stream = run({
    files: files.map((file) => join(ROOT, file)),
    cwd: ROOT,
    concurrency: suite.concurrency,
    timeout: suite.timeoutMs,
    execArgv: [...NO_COMPILING_THREADS],
  });
  stream.on('test:summary', (summary) => {
    if (summary.file !== undefined) return; // One file; the summary of all comes last.
    counts.passed = summary.counts.passed;
    counts.tests = summary.counts.tests;
    counts.left = summary.counts.skipped + summary.counts.todo;
    counts.failed = summary.counts.tests - counts.passed - counts.left;
  });
  const durations: { file: string; ms: number }[] = [];
  stream.on('test:complete', ({ name, nesting, details }) => {
    // A test without parent is a file, and has its path as its name.
    if (nesting === 0 && name.startsWith(ROOT)) durations.push({ file: name, ms: details.duration_ms });
  });
  const watch = new FileWatch({
    root: ROOT,
    timeoutMs: FILE_TIMEOUT_MS,
    graceMs: 3_000,
    onFault: (fault) => fail(`${suite.name}: ${fault}`),
  });
  watch.follow(stream);
  failedTests.follow(stream);
  const shown = suite.name === 'conformance' ? new Collector(ROOT) : undefined;
  for (const type of Collector.EVENTS) stream.on(type, (data: unknown) => shown?.take({ type, data }));
  for await (const text of stream.compose(spec)) process.stdout.write(text as string);
  await watch.close();
  for (const { file, ms } of durations.sort((a, b) => b.ms - a.ms).slice(0, SLOWEST_SHOWN))
    console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${relative(ROOT, file)}`);
  total.passed += counts.passed;
  if (counts.failed > 0) fail(`${suite.name}: ${counts.failed} of ${counts.tests} tests`, counts.failed);
  if (counts.left > 0) fail(`${suite.name}: ${counts.left} tests were skipped or left to do`, counts.left);
  if (counts.tests === 0) fail(`${suite.name}: its files hold no test`);
  if (shown !== undefined) checkConformancePage(shown);
}

/** Each statement is proven by what this run has shown, and the page in the repository says so. */
function checkConformancePage(shown: Collector): void {
  const faults = conformanceFaults(shown.results(), readFileSync(join(ROOT, CONFORMANCE_PAGE), 'utf8'));
  if (faults.length === 0) total.passed++;
  for (const fault of faults) fail(fault);
}

function findHomelessTests(): void {
  const housed = new Set(SUITES.flatMap((suite) => globSync(suite.files, { cwd: ROOT })));
  const all = ['test/**/*.test.ts', 'src/**/*.test.ts'].flatMap((pattern) =>
    globSync(pattern, { cwd: ROOT }),
  );
  for (const file of all) {
    if (!housed.has(file)) fail(`${relative('.', file)} belongs to no suite of test/run.ts`);
  }
}
