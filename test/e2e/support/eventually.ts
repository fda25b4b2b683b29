/** Waiting for what another process does: its log, its processes, its REST answers. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Stack } from '../../support/stack.ts';

const LOOK_EVERY_MS = 20;
const TIMEOUT_MS = 20_000;

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

/** Only what is logged after this was made, or after the first `from` entries. */
export class LogWatch {
  readonly #stack: Pick<Stack, 'logEntries'>;
  readonly #from: number;

  constructor(stack: Pick<Stack, 'logEntries'>, from = stack.logEntries().length) {
    this.#stack = stack;
    this.#from = from;
  }

  get entries(): Entry[] {
    return this.#stack.logEntries().slice(this.#from);
  }

  /** The first entry with these values. */
  until(values: Entry, timeoutMs = TIMEOUT_MS): Promise<Entry> {
    return eventually(
      () => this.entries.find((entry) => fits(entry, values)),
      () =>
        `no log entry ${JSON.stringify(values)} among:\n${this.entries.map((entry) => JSON.stringify(entry)).join('\n')}`,
      timeoutMs,
    );
  }

  /** As `until`, in the same turn of the event loop in which the entry arrives. */
  async immediately(values: Entry, timeoutMs = TIMEOUT_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.entries.some((entry) => fits(entry, values))) {
      if (performance.now() > deadline) throw new Error(`no log entry ${JSON.stringify(values)}`);
      await nextTurn();
    }
  }
}

function fits(entry: Entry, values: Entry): boolean {
  return Object.entries(values).every(([name, value]) => entry[name] === value);
}
