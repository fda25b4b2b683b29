/** Whole messages for a client that is still connecting, or connecting again: bounded, and not for long. */
import type { Audience } from './audience.ts';
import type { OutgoingChunk } from './chunk.ts';
import type { Leg } from './leg.ts';

/** In which form the client gets it is settled when it goes out: only its SDP, which may be still to come, says that. */
export interface BacklogEntry {
  readonly chunk: OutgoingChunk;
  readonly audience: Audience;
  /** Null: the room itself, whose forms are all made. */
  readonly sender: Leg | null;
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
  add(entry: BacklogEntry): number {
    const limits = this.#limits;
    const bytes = entry.chunk.source.body.length;
    if (bytes > limits.backlogBytes || limits.backlogMessages === 0) return 1;
    let dropped = this.expire(entry.sinceMs);
    while (this.#entries.length >= limits.backlogMessages || this.#bytes + bytes > limits.backlogBytes) {
      this.#dropFirst();
      dropped++;
    }
    this.#entries.push({ ...entry, chunk: entry.chunk.lasting() });
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
    if (first !== undefined) this.#bytes -= first.chunk.source.body.length;
  }
}
