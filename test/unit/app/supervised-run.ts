/** Drives stub-up.ts from outside: its lines, its parts, its end. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { groupOf, type ProcessName } from '../../../src/app/process-table.ts';
import type { RecordedPart } from '../../../src/app/run-record.ts';

const STUB_UP = fileURLToPath(new URL('stub-up.ts', import.meta.url));

/** A store in a directory that goes with the test file: what runs on it ends before. */
export function freshStore(): string {
  const directory = mkdtempSync(join(tmpdir(), 'parley-up-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'parley.db');
}

export class Run {
  readonly child: ChildProcess;
  readonly store: string;
  readonly exit: Promise<[code: number | null, signal: string | null]>;
  stdout = '';
  stderr = '';
  #watchers: (() => void)[] = [];

  constructor(
    context: TestContext,
    store: string,
    behaviours: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ) {
    this.store = store;
    this.child = spawn(process.execPath, [STUB_UP, store, ...behaviours], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exit = once(this.child, 'close') as Promise<[number | null, string | null]>;
    const { stdout, stderr } = this.child;
    assert(stdout !== null && stderr !== null);
    createInterface({ input: stdout }).on('line', (line) => this.#add('stdout', line));
    createInterface({ input: stderr }).on('line', (line) => this.#add('stderr', line));
    context.after(async () => {
      if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
      await this.exit;
    });
  }

  #add(stream: 'stdout' | 'stderr', line: string): void {
    this[stream] += `${line}\n`;
    for (const watcher of this.#watchers) watcher();
  }

  /** Resolves when the stream holds the text `times` times; fails when the run ends before. */
  async says(stream: 'stdout' | 'stderr', text: string, times = 1): Promise<void> {
    const holds = () => this[stream].split(text).length > times;
    const said = new Promise<void>((resolve) => {
      const watcher = () => {
        if (holds()) resolve();
      };
      this.#watchers.push(watcher);
      watcher();
    });
    await Promise.race([said, this.exit]);
    assert(holds(), `no ${JSON.stringify(text)} on ${stream}:\n${this.stdout}${this.stderr}`);
  }

  /** As the record beside the store names them now. */
  parts(): RecordedPart[] {
    const record = JSON.parse(readFileSync(`${this.store}.run/record.json`, 'utf8')) as {
      parts: RecordedPart[];
    };
    return record.parts;
  }

  part(name: string): RecordedPart {
    const part = this.parts().find((candidate) => candidate.name === name);
    assert(part !== undefined, `${name} is not recorded`);
    return part;
  }
}

/** True when neither the process nor anything of its group is left. */
export function isGone(name: ProcessName): boolean {
  return groupOf(name).length === 0;
}
