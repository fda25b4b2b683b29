/**
 * Ends what a test run would otherwise wait for without end. The test runner of Node bounds a test, but not a test file that never
 * gives it a turn (a synchronous wait for a child, an endless loop), nor a process that a file has left behind with the file's output open.
 */
import type { EventEmitter } from 'node:events';
import { relative } from 'node:path';
import { familyOf, hasVariable, listProcesses, type Process } from './processes.ts';

/** In the environment of every process of a run; its value is the process id of the runner. */
const MARK = 'NODE_TEST_RUN_OF';
const LOOK_EVERY_MS = 50;

export interface FileWatchOptions {
  readonly root: string;
  /** From when a file is begun. */
  readonly timeoutMs: number;
  /** From the end of the last file: who was told to end may need a moment. */
  readonly graceMs: number;
  onFault(fault: string): void;
}

export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #mark: string;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(options: FileWatchOptions) {
    this.#options = options;
    process.env[MARK] = String(process.pid);
    this.#mark = `${MARK}=${process.pid}`;
  }

  /** @param stream of `run()` of node:test: a test without parent is a file, and has its path as its name */
  follow(stream: EventEmitter): void {
    stream.on('test:dequeue', ({ name, nesting, file }: { name: string; nesting: number; file?: string }) => {
      if (nesting === 0 && name === file)
        this.#timers.set(
          file,
          setTimeout(() => this.#end(file), this.#options.timeoutMs),
        );
    });
    stream.on('test:complete', ({ name, nesting }: { name: string; nesting: number }) => {
      if (nesting === 0) this.#forget(name);
    });
  }

  /** After the last file: what is still there was left behind: it is named, and ended. */
  async close(): Promise<void> {
    for (const file of [...this.#timers.keys()]) this.#forget(file);
    for (
      let waitedMs = 0;
      waitedMs < this.#options.graceMs && this.#ours().length > 0;
      waitedMs += LOOK_EVERY_MS
    )
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const left = this.#ours();
    if (left.length > 0) this.#options.onFault(`left behind and ended: ${said(left)}`);
    kill(left);
  }

  #forget(file: string): void {
    clearTimeout(this.#timers.get(file));
    this.#timers.delete(file);
  }

  #end(file: string): void {
    const all = listProcesses();
    const own = all.find(({ command, parentPid }) => parentPid === process.pid && command.includes(file));
    const family = own === undefined ? [] : familyOf(own.pid, all);
    const ours = this.#ours(all);
    const parents = new Set([process.pid, ...ours.map(({ pid }) => pid)]);
    const orphans = ours.filter(({ parentPid }) => !parents.has(parentPid));
    const late = [...family, ...orphans.flatMap(({ pid }) => familyOf(pid, all))];
    const seconds = this.#options.timeoutMs / 1000;
    this.#options.onFault(
      `${relative(this.#options.root, file)} was not done after ${seconds} s and was ended: ${said(late)}`,
    );
    kill(late);
  }

  /** What carries the mark; the runner itself does not, as it was started before there was one. */
  #ours(all = listProcesses()): Process[] {
    return all.filter(({ pid }) => hasVariable(pid, this.#mark));
  }
}

function said(processes: readonly Process[]): string {
  return processes.map(({ pid, command }) => `${pid} (${command.slice(0, 200)})`).join(', ') || 'no process';
}

function kill(processes: readonly Process[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was faster.
    }
  }
}
