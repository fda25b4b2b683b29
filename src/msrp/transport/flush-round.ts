import type { Outbox } from './outbox.ts';

/**
 * One write per connection and turn of the event loop: outboxes that got something are flushed together after the
 * poll phase. Not `nextTick`: a chain of microtasks that goes on producing would starve it.
 */
export class FlushRound {
  /** Time as of the last tick: good enough for bounds of seconds, and free. */
  nowMs: number;
  #dirty: Outbox[] = [];
  readonly #run = (): void => {
    const round = this.#dirty;
    this.#dirty = [];
    for (const outbox of round) outbox.flush();
  };

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  add(outbox: Outbox): void {
    if (this.#dirty.push(outbox) === 1) setImmediate(this.#run);
  }
}
