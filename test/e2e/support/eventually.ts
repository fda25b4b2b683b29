/** Waiting for what another process does: its log, its processes, its REST answers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../support/stack.ts';

const LOOK_EVERY_MS = 20;
const TIMEOUT_MS = 10_000;

/** Resolves with the first truthy answer of `probe`; `seen` says on failure what there was instead. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  seen: () => string,
  timeoutMs = TIMEOUT_MS,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms; ${seen()}`);
    await delay(LOOK_EVERY_MS);
  }
}

type Entry = Record<string, unknown>;

/** Only what is logged after this was made. */
export class LogWatch {
  readonly #stack: Pick<Stack, 'logEntries'>;
  readonly #from: number;

  constructor(stack: Pick<Stack, 'logEntries'>) {
    this.#stack = stack;
    this.#from = stack.logEntries().length;
  }

  get entries(): Entry[] {
    return this.#stack.logEntries().slice(this.#from);
  }

  /** The first entry with these values. */
  until(values: Entry, timeoutMs = TIMEOUT_MS): Promise<Entry> {
    const fits = (entry: Entry) => Object.entries(values).every(([name, value]) => entry[name] === value);
    return eventually(
      () => this.entries.find(fits),
      () =>
        `no log entry ${JSON.stringify(values)} among:\n${this.entries.map((entry) => JSON.stringify(entry)).join('\n')}`,
      timeoutMs,
    );
  }
}
