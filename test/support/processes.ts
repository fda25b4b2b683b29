/** Processes as the kernel tells of them (Linux, proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parentPid: number;
  /** Its arguments, with blanks between them. */
  readonly command: string;
}

/** All processes that may be looked at. What ends meanwhile is left out. */
export function listProcesses(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [describe(Number(name))];
      } catch {
        return [];
      }
    });
}

/** A process and all that came of it, parents first. */
export function familyOf(pid: number, all = listProcesses()): Process[] {
  const children = all.filter(({ parentPid }) => parentPid === pid);
  return [
    ...all.filter((process) => process.pid === pid),
    ...children.flatMap((child) => familyOf(child.pid, all)),
  ];
}

/** Whether a process was started with this variable: also when its parent has gone, and it belongs to nobody's family. */
export function hasVariable(pid: number, assignment: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(assignment);
  } catch {
    return false;
  }
}

function describe(pid: number): Process {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold blanks: what follows it is state and parent.
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z') throw new Error(`${pid} has ended`);
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  return { pid, parentPid: Number(parent), command };
}
