/** Processes as the kernel shows them; read from /proc without the product's own code. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

export interface PartProcess {
  readonly name: string;
  readonly pid: number;
  readonly startTime: string;
}

interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly group: number;
  readonly startTime: string;
}

function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const [state = '', , group = '', ...more] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, state, group: Number(group), startTime: more[16] ?? '' };
}

/** Zombies do not count: what they held is free. */
export function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
}

export function startTimeOf(pid: number): string {
  return statOf(pid)?.startTime ?? '';
}

/** Live members of a process group. */
export function groupMembers(group: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const stat = statOf(Number(entry));
      return stat !== undefined && stat.state !== 'Z' && stat.group === group ? [stat.pid] : [];
    });
}

/** `parley.db.run` in the directory of a test's stack. */
export function runDirectory(directory: string): string {
  return join(directory, 'parley.db.run');
}

/** The parts that the run record beside the store names now. */
export function recordedParts(directory: string): PartProcess[] {
  const text = readFileSync(join(runDirectory(directory), 'record.json'), 'utf8');
  return (JSON.parse(text) as { parts: PartProcess[] }).parts;
}

export function partOf(directory: string, name: string): PartProcess {
  const part = recordedParts(directory).find((candidate) => candidate.name === name);
  assert(part !== undefined, `${name} is not recorded`);
  return part;
}

/** Every process of a running stack: `up`'s parts with their children. */
export function stackProcesses(directory: string): number[] {
  return recordedParts(directory).flatMap(({ pid }) => groupMembers(pid));
}

export async function untilGone(pids: readonly number[], timeoutMs: number): Promise<void> {
  await eventually(
    () => pids.every((pid) => !isAlive(pid)),
    () => `still there: ${pids.filter(isAlive).join(', ')}`,
    timeoutMs,
  );
}
