/** Frames that were not taken: all are counted, few are written to the log, so that who floods the bus does not flood the disk. */
import type { EventSocketLog } from '../log.ts';

export interface RefusedFrame {
  /** Why, as an error code or a word. */
  readonly why: string;
  readonly from: string;
  readonly subclass: string;
}

/** Of each reason one line in so long, with the number of those that had none. */
const QUIET_MS = 5000;

export class Refusals {
  readonly counts = new Map<string, number>();
  readonly #log: EventSocketLog;
  readonly #quietUntilMs = new Map<string, number>();
  readonly #unlogged = new Map<string, number>();

  constructor(log: EventSocketLog) {
    this.#log = log;
  }

  /** `why` is one of a small closed set. */
  add({ why, from, subclass }: RefusedFrame, nowMs: number): void {
    this.counts.set(why, (this.counts.get(why) ?? 0) + 1);
    if (nowMs < (this.#quietUntilMs.get(why) ?? 0)) {
      this.#unlogged.set(why, (this.#unlogged.get(why) ?? 0) + 1);
      return;
    }
    const unlogged = this.#unlogged.get(why) ?? 0;
    this.#quietUntilMs.set(why, nowMs + QUIET_MS);
    this.#unlogged.delete(why);
    this.#log.warn({ why, from, subclass, ...(unlogged === 0 ? {} : { unlogged }) }, 'bus frame refused');
  }

  get total(): number {
    let total = 0;
    for (const count of this.counts.values()) total += count;
    return total;
  }
}
