/** Jobs one after the other, in order, with a bound. A job that returns a promise holds up the next ones. */
export type EventJob = () => void | Promise<void>;

export class JobQueue {
  readonly #maxJobs: number;
  readonly #onError: (error: unknown) => void;
  #waiting: EventJob[] = [];
  #isBusy = false;

  constructor(maxJobs: number, onError: (error: unknown) => void) {
    this.#maxJobs = maxJobs;
    this.#onError = onError;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Runs the job at once when nothing is before it. False when the queue is full; the job is not taken then. */
  push(job: EventJob): boolean {
    if (this.#waiting.length >= this.#maxJobs) return false;
    this.#waiting.push(job);
    if (!this.#isBusy) void this.#drain();
    return true;
  }

  clear(): void {
    this.#waiting = [];
  }

  async #drain(): Promise<void> {
    this.#isBusy = true;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      try {
        const pending = job();
        if (pending instanceof Promise) await pending;
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#isBusy = false;
  }
}
