/** Whole messages for a client that is still connecting, or connecting again: bounded, and not for long. */
import type { Form, OutgoingChunk } from './chunk.ts';

export interface BacklogEntry {
  readonly chunk: OutgoingChunk;
  readonly form: Form;
  readonly sinceMs: number;
}

export interface BacklogLimits {
  readonly backlogMessages: number;
  readonly backlogBytes: number;
  readonly backlogMs: number;
}

export class Backlog {
  readonly #limits: BacklogLimits;
  #entries: BacklogEntry[] = [];
  #bytes = 0;

  constructor(limits: BacklogLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Returns how many messages had to go, oldest first, to make room; the new one itself when it does not fit at all. */
  add(chunk: OutgoingChunk, form: Form, nowMs: number): number {
    const limits = this.#limits;
    const bytes = chunk.encoded(form).bytes;
    if (bytes > limits.backlogBytes || limits.backlogMessages === 0) return 1;
    let dropped = this.expire(nowMs);
    while (this.#entries.length >= limits.backlogMessages || this.#bytes + bytes > limits.backlogBytes) {
      this.#dropFirst();
      dropped++;
    }
    this.#entries.push({ chunk, form, sinceMs: nowMs });
    this.#bytes += bytes;
    return dropped;
  }

  /** Drops what is too old; returns how many. */
  expire(nowMs: number): number {
    let dropped = 0;
    while (this.#entries.length > 0) {
      const first = this.#entries[0] as BacklogEntry;
      if (nowMs - first.sinceMs <= this.#limits.backlogMs) break;
      this.#dropFirst();
      dropped++;
    }
    return dropped;
  }

  takeAll(): readonly BacklogEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    this.#bytes = 0;
    return entries;
  }

  #dropFirst(): void {
    const first = this.#entries.shift();
    if (first !== undefined) this.#bytes -= first.chunk.encoded(first.form).bytes;
  }
}
