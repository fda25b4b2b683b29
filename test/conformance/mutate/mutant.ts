/** One mutant: the rows of a step run against the product without that step. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { RunResults } from '../report/collect.ts';
import type { Row } from './steps.ts';

const DISABLE = pathToFileURL(fileURLToPath(new URL('./disable-step.ts', import.meta.url))).href;
const RUN_ROWS = fileURLToPath(new URL('./run-rows.ts', import.meta.url));
/** `parley up` ends its own processes on SIGTERM. */
const STOP_TIMEOUT_MS = 10_000;

export interface MutantOptions {
  /** undefined: the product as it is. */
  readonly step: string | undefined;
  readonly rows: readonly Row[];
  readonly trace: 'removed' | 'kept';
  readonly timeoutMs: number;
}

/**
 * `killed`: a row failed. `survived`: all passed. `late`: no result in time, which a client would have seen too.
 * `untested`: no row ran.
 */
export type Fate = 'killed' | 'survived' | 'late' | 'untested';

export interface Outcome {
  readonly fate: Fate;
  readonly failed: readonly string[];
  readonly passed: readonly string[];
}

export async function runMutant(options: MutantOptions): Promise<Outcome> {
  if (options.rows.length === 0) return { fate: 'untested', failed: [], passed: [] };
  const results = await runRows(options);
  if (results === undefined) return { fate: 'late', failed: [], passed: [] };
  const { tests, brokenFiles } = results;
  const failed = [...tests.filter(({ passed }) => !passed).map(({ name }) => name), ...brokenFiles];
  const passed = tests.filter((test) => test.passed).map(({ name }) => name);
  const fate = failed.length > 0 ? 'killed' : passed.length > 0 ? 'survived' : 'untested';
  return { fate, failed, passed };
}

async function runRows({ step, rows, trace, timeoutMs }: MutantOptions): Promise<RunResults | undefined> {
  const env: NodeJS.ProcessEnv = { ...process.env };
  if (step !== undefined) {
    env['NODE_OPTIONS'] = `${env['NODE_OPTIONS'] ?? ''} --import ${DISABLE}`.trim();
    env['PARLEY_TEST_DISABLED_STEP'] = step;
    if (trace === 'kept') env['PARLEY_TEST_DISABLED_STEP_TRACE'] = 'kept';
  }
  // A group of its own, so that what a test could not stop any more is stopped with it.
  const child = spawn(process.execPath, [RUN_ROWS, JSON.stringify(rows), String(Math.round(timeoutMs / 2))], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const isInTime = await within(closed, timeoutMs);
  await stopGroup(child);
  if (!isInTime) return undefined;
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
