/** How many messages a leg may still begin: one second's worth at a time, filled up as time passes. */
export class Allowance {
  #left = Number.POSITIVE_INFINITY;
  #sinceMs = 0;

  /** Takes one of `perS` a second out; false when none is left. 0 a second: no limit. */
  take(perS: number, nowMs: number): boolean {
    if (perS === 0) return true;
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs > 0) {
      this.#left = Math.min(perS, this.#left + (elapsedMs * perS) / 1000);
      this.#sinceMs = nowMs;
    }
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
