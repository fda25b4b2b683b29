/** `parley …` as a process, with all that it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

const END_TIMEOUT_MS = 30_000;
const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Command {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #exited: Promise<unknown>;
  readonly #closed: Promise<unknown>;
  #wasKilled = false;

  constructor(...args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#exited = once(this.child, 'exit');
    this.#closed = once(this.child, 'close');
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Until it ends by itself and its output is read. */
  async ended(): Promise<Ended> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_TIMEOUT_MS);
    await this.#closed;
    clearTimeout(timer);
    if (this.child.signalCode === 'SIGKILL' && !this.#wasKilled)
      throw new Error(`it did not end by itself:\n${this.stdout}${this.stderr.slice(-4_000)}`);
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.#wasKilled ||= signal === 'SIGKILL';
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    // The parts of a killed `up` hold its stderr open, so that end may be long in coming.
    if (signal === 'SIGKILL') await this.#exited;
    else await this.ended();
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** The line of JSON that it prints when it is ready. */
  async ready(): Promise<Record<string, unknown>> {
    await eventually(
      () => {
        if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
        return this.stdout.includes('\n');
      },
      () => this.stderr,
      30_000,
    );
    return JSON.parse(this.stdout.slice(0, this.stdout.indexOf('\n'))) as Record<string, unknown>;
  }

  logEntries(): Record<string, unknown>[] {
    return (
      this.stderr
        .split('\n')
        // The last one may still be on its way.
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    );
  }
}
