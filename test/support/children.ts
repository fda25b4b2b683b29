/** Child processes of tests and benchmarks: no wait for one is without end, and none outlives the process that started it. */
import { type ChildProcess, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const KILLED_TIMEOUT_MS = 5_000;
const RUN_TIMEOUT_MS = 45_000;

const living = new Map<ChildProcess, boolean>();

/**
 * The result of a wait.
 * @param what ends `… did not come within 20 s`
 * @param saw what there was instead, when it did not come
 * @throws Error that says what was waited for, and what was seen
 */
export async function within<T>(
  timeoutMs: number,
  what: string,
  wait: Promise<T>,
  saw: () => string = () => '',
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const seen = saw();
    reject(new Error(`${what} did not come within ${timeoutMs / 1000} s${seen === '' ? '' : `: ${seen}`}`));
  }, timeoutMs);
  try {
    return await Promise.race([wait, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Kills the child when this process ends first. @param isGroup it leads a group (`detached`), which goes with it */
export function bindToLife(child: ChildProcess, isGroup = false): void {
  if (living.size === 0) {
    process.on('exit', killAll);
    for (const signal of SIGNALS) process.on(signal, endBySignal);
  }
  living.set(child, isGroup);
  child.once('error', () => forget(child));
  // Members of its group may be left when their leader was killed.
  child.once('exit', () => {
    if (isGroup) kill(child, true, 'SIGKILL');
    forget(child);
  });
}

/**
 * Ends a child that `bindToLife` knows.
 * @param graceMs how long it gets after SIGTERM before SIGKILL; 0: SIGKILL at once
 * @throws Error when it is there even after SIGKILL
 */
export async function endChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const isGroup = living.get(child) === true;
    const gone = once(child, 'exit');
    if (graceMs > 0) child.kill('SIGTERM');
    const timer = setTimeout(() => kill(child, isGroup, 'SIGKILL'), graceMs);
    try {
      await within(graceMs + KILLED_TIMEOUT_MS, `the end of process ${child.pid}`, gone);
    } finally {
      clearTimeout(timer);
    }
  }
  // Whatever else holds the other end of a pipe must not keep us.
  for (const stream of child.stdio) stream?.destroy();
}

/**
 * Runs a command while this process waits, so that no timeout of a test can come between: it has one of its own.
 * @throws Error with what it has printed when it did not end in time
 */
export function runToEnd(
  command: string,
  args: readonly string[],
  cwd = process.cwd(),
): SpawnSyncReturns<string> {
  const options = { cwd, encoding: 'utf8', timeout: RUN_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
  const run = spawnSync(command, args, options);
  if (run.error === undefined) return run;
  throw new Error(`${[command, ...args].join(' ')}: ${run.error.message}; ${run.stdout}${run.stderr}`);
}

function forget(child: ChildProcess): void {
  living.delete(child);
  if (living.size > 0) return;
  process.off('exit', killAll);
  for (const signal of SIGNALS) process.off(signal, endBySignal);
}

function killAll(): void {
  for (const [child, isGroup] of living) kill(child, isGroup, 'SIGKILL');
}

function endBySignal(signal: NodeJS.Signals): void {
  killAll();
  for (const each of SIGNALS) process.off(each, endBySignal);
  process.kill(process.pid, signal);
}

function kill(child: ChildProcess, isGroup: boolean, signal: NodeJS.Signals): void {
  if (!isGroup || child.pid === undefined) {
    child.kill(signal);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // None of it is left.
  }
}
