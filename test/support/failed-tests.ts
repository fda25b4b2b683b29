/** Why tests failed, for the end of a run: what they printed themselves stands thousands of lines above. */
import type { EventEmitter } from 'node:events';
import { relative } from 'node:path';
import { inspect } from 'node:util';

/** Of what is told of one test. */
const MAX_LINES = 24;
const MAX_LINE_CHARACTERS = 400;
/** More of them have one cause, and fail in the same words. */
const MAX_TOLD = 20;

interface FailEvent {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly details: { readonly error: Error & { readonly failureType?: string } };
}

export class FailedTests {
  readonly #root: string;
  readonly #told: string[] = [];
  #count = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** @param stream of `run()` of node:test */
  follow(stream: EventEmitter): void {
    stream.on('test:fail', (event: FailEvent) => this.#take(event));
  }

  /** A paragraph for each: where and what it is, the error and where it was thrown. */
  tell(): readonly string[] {
    const untold = this.#count - this.#told.length;
    return untold === 0 ? this.#told : [...this.#told, `and ${untold} more failed tests`];
  }

  #take({ name, file = '', line, details: { error } }: FailEvent): void {
    // A suite, or a file, fails with what is in it.
    if (error.failureType === 'subtestsFailed') return;
    this.#count++;
    if (this.#told.length >= MAX_TOLD) return;
    const place = `${relative(this.#root, file)}${line === undefined ? '' : `:${line}`}`;
    const why = error.cause instanceof Error ? error.cause : error;
    const lines = inspect(why).split('\n');
    if (lines.length > MAX_LINES) lines.splice(MAX_LINES, Infinity, '…');
    this.#told.push(
      [`✖ ${name} (${place})`, ...lines.map((text) => `    ${text.slice(0, MAX_LINE_CHARACTERS)}`)].join(
        '\n',
      ),
    );
  }
}
