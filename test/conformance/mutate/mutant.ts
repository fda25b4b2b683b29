/** One mutant: the rows of a step run against the product without that step. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { RunResults } from '../report/collect.ts';
import type { Mutant, Row } from './steps.ts';

const DISABLE = pathToFileURL(fileURLToPath(new URL('./disable-step.ts', import.meta.url))).href;
const RUN_ROWS = fileURLToPath(new URL('./run-rows.ts', import.meta.url));
/** `parley up` ends its own processes on SIGTERM. */
const STOP_TIMEOUT_MS = 10_000;

const VARIABLES = {
  step: 'PARLEY_TEST_DISABLED_STEP',
  check: 'PARLEY_TEST_LENIENT_STEP',
  warning: 'PARLEY_TEST_SILENT_STEP',
} as const satisfies Record<Mutant['kind'], string>;

export interface RunOptions {
  /** undefined: the product as it is. */
  readonly mutant: Mutant | undefined;
  readonly rows: readonly Row[];
  readonly trace: 'removed' | 'kept';
  readonly timeoutMs: number;
  /** How long one row may take. */
  readonly rowTimeoutMs: number;
}

/**
 * `killed`: a row failed. `survived`: all passed. `late`: no result in time, which a client would have seen too.
 * `untested`: no row ran.
 */
export type Fate = 'killed' | 'survived' | 'late' | 'untested';

export interface Outcome {
  readonly fate: Fate;
  /** The row that missed the step, and what it said. */
  readonly by?: { readonly file: string; readonly name: string; readonly failure: string };
  readonly passed: readonly string[];
}

/** What node:test says of the tests of a file whose stack did not come up: they have shown nothing. */
const CANCELLED = 'test did not finish before its parent and was cancelled';

export async function runMutant(options: RunOptions): Promise<Outcome> {
  if (options.rows.length === 0) return { fate: 'untested', passed: [] };
  const results = await runRows(options);
  if (results === undefined) return { fate: 'late', passed: [] };
  const passed = results.tests.filter((test) => test.passed).map(({ name }) => name);
  const failed = results.tests.find((test) => !test.passed && test.failure !== CANCELLED);
  if (failed !== undefined) {
    const { file, name, failure = 'failed' } = failed;
    return { fate: 'killed', by: { file, name, failure }, passed };
  }
  const [broken] = results.brokenFiles;
  // A mutant that keeps the stack from coming up has shown nothing of its own row.
  if (broken !== undefined)
    return { fate: 'untested', by: { file: broken, name: broken, failure: 'the file failed' }, passed };
  return { fate: passed.length > 0 ? 'survived' : 'untested', passed };
}

/** All results of these rows on the product as it is; undefined: none in time. */
export function runBaseline(rows: readonly Row[], timeoutMs: number): Promise<RunResults | undefined> {
  return runRows({ mutant: undefined, rows, trace: 'kept', timeoutMs, rowTimeoutMs: 60_000 });
}

/** Process groups that run now: whoever ends the command ends them too. */
const groups = new Set<number>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const group of groups) signalGroup(group, 'SIGTERM');
    process.exit(130);
  });
}

async function runRows(options: RunOptions): Promise<RunResults | undefined> {
  const { mutant, rows, trace, timeoutMs, rowTimeoutMs } = options;
  const env: NodeJS.ProcessEnv = { ...process.env };
  if (mutant !== undefined) {
    env['NODE_OPTIONS'] = `${env['NODE_OPTIONS'] ?? ''} --import ${DISABLE}`.trim();
    env[VARIABLES[mutant.kind]] = mutant.of;
    if (trace === 'kept') env['PARLEY_TEST_DISABLED_STEP_TRACE'] = 'kept';
  }
  const end = mutant === undefined ? 'all' : 'first-failure';
  // A group of its own, so that what a test could not stop any more is stopped with it.
  const child = spawn(process.execPath, [RUN_ROWS, JSON.stringify(rows), String(rowTimeoutMs), end], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.pid !== undefined) groups.add(child.pid);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // Not `close`: a stack that goes on after the first failure still holds the pipe.
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const isInTime = await within(ended, timeoutMs);
  await stopGroup(child);
  if (!isInTime) return undefined;
  if (!text.endsWith('\n')) throw new Error(`the rows could not be run (exit code ${child.exitCode})`);
  return JSON.parse(text) as RunResults;
}

async function stopGroup(child: ChildProcess): Promise<void> {
  const group = child.pid;
  if (group === undefined) return;
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  for (let signal: NodeJS.Signals = 'SIGTERM'; signalGroup(group, signal); ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (Date.now() > deadline) signal = 'SIGKILL';
  }
  groups.delete(group);
}

/** @returns false when nobody is left in the group */
function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

async function within(done: Promise<void>, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  try {
    return await Promise.race([done.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}
