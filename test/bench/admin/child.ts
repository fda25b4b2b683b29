/** Processes of a run, and what they say. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bindToLife, endChild } from '../../support/children.ts';

const ANSWER_TIMEOUT_MS = 120_000;

export class Child {
  readonly #process: ChildProcess;

  constructor(name: string, args: readonly string[]) {
    const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
    this.#process = fork(file, [...args], {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    bindToLife(this.#process);
  }

  async next<T>(): Promise<T> {
    const [answer] = (await once(this.#process, 'message', {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })) as [T];
    return answer;
  }

  ask<T>(message: string | number): Promise<T> {
    const answer = this.next<T>();
    this.#process.send(message);
    return answer;
  }

  stop(): Promise<void> {
    return endChild(this.#process, 0);
  }
}
