/** How often something happened in the last while, in steps of fixed length; nothing older is kept. */
export class RateWindow {
  readonly #stepMs: number;
  readonly #counts: Float64Array;
  /** Number of the newest step, since the epoch. */
  #newest = 0;

  constructor({ steps, stepMs }: { steps: number; stepMs: number }) {
    this.#stepMs = stepMs;
    this.#counts = new Float64Array(steps);
  }

  add(atMs: number, count = 1): void {
    const step = Math.floor(atMs / this.#stepMs);
    this.#advance(step);
    if (step > this.#newest - this.#counts.length) this.#counts[step % this.#counts.length]! += count;
  }

  /** Oldest first; the last one is still under way. */
  steps(nowMs: number): number[] {
    this.#advance(Math.floor(nowMs / this.#stepMs));
    const { length } = this.#counts;
    return Array.from({ length }, (_, index) => this.#counts[(this.#newest + 1 + index) % length] ?? 0);
  }

  total(nowMs: number): number {
    return this.steps(nowMs).reduce((sum, count) => sum + count, 0);
  }

  #advance(step: number): void {
    if (step <= this.#newest) return;
    const { length } = this.#counts;
    const from = Math.max(this.#newest + 1, step - length + 1);
    for (let one = from; one <= step; one += 1) this.#counts[one % length] = 0;
    this.#newest = step;
  }
}
