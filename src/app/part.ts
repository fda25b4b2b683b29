/** One part of the stack as a process of its own, in its own process group, that tells on the Node IPC channel when it is ready. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { CodedError } from '../lib/errors.ts';
import { endGroup, killGroup, type ProcessName, startTimeOf } from './process-table.ts';

export interface PartExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningPart extends ProcessName {
  readonly exited: Promise<PartExit>;
  /** SIGTERM, after `timeoutMs` SIGKILL to the group. Resolves when nothing is left. */
  stop(timeoutMs: number): Promise<void>;
}

export interface PartSpec {
  /** `kamailio`, `focus`, `switch 0` */
  readonly name: string;
  /** Resolves when the part is ready; rejects when it ends before that. `spawned` is told of the process at once. */
  start(spawned: (part: RunningPart) => void): Promise<RunningPart>;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly readyTimeoutMs: number;
}

/** Starts a child that sends `{type: 'ready'}`; its stdout and stderr both go to our stderr. Throws `RUN_PART_FAILED`. */
export async function startChild(
  options: ChildOptions,
  spawned: (part: RunningPart) => void,
): Promise<RunningPart> {
  const child = spawn(options.command, options.args, { detached: true, stdio: ['ignore', 2, 2, 'ipc'] });
  const exited = exitOf(child);
  const pid = child.pid;
  if (pid === undefined) throw await startFault(options.name, exited);
  const name = { pid, startTime: startTimeOf(pid) ?? '0' };
  const part: RunningPart = { ...name, exited, stop: (timeoutMs) => endGroup(name, timeoutMs) };
  spawned(part);
  try {
    await ready(child, options, exited);
  } catch (error) {
    await killGroup(name);
    throw error;
  }
  return part;
}

async function exitOf(child: ChildProcess): Promise<PartExit> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return { code, signal };
  } catch {
    return { code: null, signal: null }; // It could not be started at all.
  }
}

async function ready(child: ChildProcess, options: ChildOptions, exited: Promise<PartExit>): Promise<void> {
  const gaveUp = AbortSignal.timeout(options.readyTimeoutMs);
  const failure = new AbortController();
  const told = (async () => {
    for (;;) {
      const [message] = (await once(child, 'message', {
        signal: AbortSignal.any([gaveUp, failure.signal]),
      })) as [unknown];
      if ((message as { type?: unknown } | null)?.type === 'ready') return undefined;
    }
  })();
  try {
    const exit = await Promise.race([told, exited]);
    if (exit !== undefined) throw await startFault(options.name, exited);
  } catch (error) {
    if (!gaveUp.aborted) throw error;
    const seconds = options.readyTimeoutMs / 1000;
    throw new CodedError('RUN_PART_FAILED', `${options.name} was not ready after ${seconds} s`, {
      cause: error,
    });
  } finally {
    failure.abort();
    told.catch(() => undefined); // The race is over; its loser has nothing to say.
  }
}

async function startFault(name: string, exited: Promise<PartExit>): Promise<CodedError> {
  return new CodedError('RUN_PART_FAILED', `${name} ended before it was ready (${exitText(await exited)})`);
}

/** `exit status 1`, `SIGKILL` */
export function exitText(exit: PartExit): string {
  if (exit.signal !== null) return exit.signal;
  return exit.code === null ? 'could not be started' : `exit status ${exit.code}`;
}
