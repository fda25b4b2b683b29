import { Assembly } from './assembly.ts';
import { FrameMemory } from './frame.ts';
import type { Outbox } from './outbox.ts';

/** Written out before the end of the turn: it would leave the processor's cache. */
const EARLY_BYTES = 192 * 1024;
/** Two who talk, and a third. */
const FEW = 3;

/**
 * One write per connection and turn of the event loop: outboxes that got something are flushed together after the
 * poll phase. Not `nextTick`: a chain of microtasks that goes on producing would starve it.
 */
export class FlushRound {
  /** Time as of the last tick: good enough for bounds of seconds, and free. */
  nowMs: number;
  readonly assembly = new Assembly();
  /** What this turn's frames are written in. */
  readonly memory = new FrameMemory();
  #dirty: Outbox[] = [];
  #isScheduled = false;
  readonly #run = (): void => {
    this.#isScheduled = false;
    this.#flush();
  };

  /** So few that a further write to one of them is soon paid for. */
  get hasFew(): boolean {
    return this.#dirty.length <= FEW;
  }

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  add(outbox: Outbox): void {
    this.#dirty.push(outbox);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#run);
  }

  /** A read has been used up: what came of it may be much already. */
  afterRead(): void {
    if (this.memory.usedBytes >= EARLY_BYTES) this.#flush();
  }

  #flush(): void {
    const round = this.#dirty;
    this.#dirty = [];
    for (const outbox of round) {
      try {
        outbox.flush();
      } catch (error) {
        // The others' turn comes as if nothing had been.
        outbox.giveUp(error);
      }
    }
    // Whoever was cut off meanwhile may have left something to say to others.
    if (this.#dirty.length === 0) this.memory.clear();
  }
}
