/** All timers of one agent, so that stopping it leaves none behind. */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();
  #stopped = false;

  /** Runs `action` after `delayMs` unless cancelled first. Returns the cancel function. */
  after(delayMs: number, action: () => void): () => void {
    if (this.#stopped) return () => {};
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      action();
    }, delayMs);
    this.#running.add(timer);
    return () => {
      clearTimeout(timer);
      this.#running.delete(timer);
    };
  }

  /** Repeats `action` with intervals that double from `firstMs` up to `capMs` (RFC 3261 timers A, E and G). */
  backoff(firstMs: number, capMs: number, action: () => void): () => void {
    let cancel = () => {};
    const arm = (delayMs: number): void => {
      cancel = this.after(delayMs, () => {
        action();
        arm(Math.min(delayMs * 2, capMs));
      });
    };
    arm(firstMs);
    return () => cancel();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#running) clearTimeout(timer);
    this.#running.clear();
  }
}

/** RFC 3261 section 17.1.1.1, milliseconds. */
export interface SipTimes {
  readonly t1Ms: number;
  readonly t2Ms: number;
  readonly reliable: boolean;
}
