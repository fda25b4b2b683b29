/** Looking at processes and ending them, by pid AND start time: a pid alone may belong to somebody else by now. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessName {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: string;
}

interface ProcessStat extends ProcessName {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

/** Undefined when there is no such process. */
export function statOf(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may itself hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent = '', group = ''] = fields;
  return { pid, state, parent: Number(parent), group: Number(group), startTime: fields[19] ?? '' };
}

/** The start time of a live process; undefined when it is gone (a zombie counts as gone). */
export function startTimeOf(pid: number): string | undefined {
  const stat = statOf(pid);
  return stat === undefined || stat.state === 'Z' ? undefined : stat.startTime;
}

export function isRunning(name: ProcessName): boolean {
  return startTimeOf(name.pid) === name.startTime;
}

/** Names this boot: after a reboot a recorded pid and start time mean nothing. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The live members of the process group that `leader` led, also when the leader itself is gone already. */
export function groupOf(leader: ProcessName): ProcessName[] {
  const now = statOf(leader.pid);
  if (now !== undefined && now.startTime !== leader.startTime) return []; // The pid was given to somebody else.
  return allProcesses().filter(
    (stat) => stat.group === leader.pid && BigInt(stat.startTime) >= BigInt(leader.startTime),
  );
}

/** The live direct children of a process that have a process group of their own. */
export function childrenOf(pid: number): ProcessName[] {
  return allProcesses().filter((stat) => stat.parent === pid && stat.group === stat.pid);
}

function allProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => statOf(Number(entry)))
    .filter((stat) => stat !== undefined)
    .filter((stat) => stat.state !== 'Z');
}

const POLL_MS = 20;

/**
 * SIGTERM to the leader, or to the members when it is gone already; after `timeoutMs`, or once the leader has gone,
 * SIGKILL to what is left of the group. Resolves when nothing is.
 */
export async function endGroup(leader: ProcessName, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  const asked = isRunning(leader) ? [leader] : groupOf(leader);
  for (const member of asked) signal(member.pid, 'SIGTERM');
  while (asked.some(isRunning) && performance.now() < deadlineMs) await delay(POLL_MS);
  await killGroup(leader);
}

/** SIGKILL to all that is left of the group; resolves when none is. */
export async function killGroup(leader: ProcessName): Promise<void> {
  for (let members = groupOf(leader); members.length > 0; members = groupOf(leader)) {
    for (const member of members) if (isRunning(member)) signal(member.pid, 'SIGKILL');
    await delay(POLL_MS);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
