/** What was written by somebody who is not in the conversation yet: the first message of a user asks for that. Bounded. */
import type { Clock } from '../lib/clock.ts';

interface Held {
  readonly key: string;
  readonly text: string;
  readonly atMs: number;
}

export class HeldTexts {
  readonly #bounds: { readonly maxTexts: number; readonly maxAgeMs: number };
  readonly #clock: Clock;
  readonly #onExpired: () => void;
  /** Oldest first. */
  #texts: Held[] = [];

  constructor(
    bounds: { readonly maxTexts: number; readonly maxAgeMs: number },
    clock: Clock,
    onExpired: () => void,
  ) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** The oldest gives way. */
  add(key: string, text: string): void {
    this.#expire();
    if (this.#texts.length >= this.#bounds.maxTexts) {
      this.#texts.shift();
      this.#onExpired();
    }
    this.#texts.push({ key, text, atMs: this.#clock.nowMs() });
  }

  take(key: string): string[] {
    this.#expire();
    const taken = this.#texts.filter((held) => held.key === key);
    if (taken.length > 0) this.#texts = this.#texts.filter((held) => held.key !== key);
    return taken.map(({ text }) => text);
  }

  #expire(): void {
    const sinceMs = this.#clock.nowMs() - this.#bounds.maxAgeMs;
    while (this.#texts[0] !== undefined && this.#texts[0].atMs < sinceMs) {
      this.#texts.shift();
      this.#onExpired();
    }
  }
}
