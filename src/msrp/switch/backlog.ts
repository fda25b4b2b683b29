/** Messages for a client that is still connecting, or connecting again: bounded, and not for long. */
import type { Audience } from './audience.ts';
import type { OutgoingChunk } from './chunk.ts';
import type { Leg } from './leg.ts';
import type { Transfer } from './transfer.ts';

/** In which form the client gets it is settled when it goes out: only its SDP, which may be still to come, says that. */
export interface BacklogEntry {
  readonly chunk: OutgoingChunk;
  readonly audience: Audience;
  /** Null: the room itself, whose forms are all made. */
  readonly sender: Leg | null;
  readonly sinceMs: number;
  /** The message that this is a chunk of; null for a whole one. All of its chunks so far are here. */
  readonly transfer: Transfer | null;
}

export interface BacklogLimits {
  readonly backlogMessages: number;
  readonly backlogBytes: number;
  readonly backlogMs: number;
}

/** What an entry takes besides its content. */
const ENTRY_BYTES = 256;

export class Backlog {
  readonly #limits: BacklogLimits;
  readonly #onLost: (transfer: Transfer) => void;
  #entries: BacklogEntry[] = [];
  #messages = 0;
  #bytes = 0;

  /** @param onLost a message of which chunks may still come had to go */
  constructor(limits: BacklogLimits, onLost: (transfer: Transfer) => void) {
    this.#limits = limits;
    this.#onLost = onLost;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Returns how many messages had to go, oldest first, to make room; the new one itself when it does not fit at all. */
  add(entry: BacklogEntry): number {
    const { backlogMessages, backlogBytes } = this.#limits;
    const { transfer } = entry;
    const bytes = bytesOf(entry);
    const isFurther = isFurtherChunk(entry);
    let dropped = this.expire(entry.sinceMs);
    const isTooMuch = () =>
      this.#bytes + bytes > backlogBytes || (!isFurther && this.#messages >= backlogMessages);
    while (isTooMuch() && this.#entries.length > 0) {
      dropped++;
      const lost = this.#dropFirst();
      if (lost !== null && lost === transfer) return dropped;
    }
    if (isTooMuch()) {
      if (transfer !== null) this.#onLost(transfer);
      return dropped + 1;
    }
    this.#keep({ ...entry, chunk: entry.chunk.lasting() });
    return dropped;
  }

  /** Drops what is too old; returns how many messages. */
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
    this.#messages = 0;
    this.#bytes = 0;
    return entries;
  }

  /** The client does not come any more. */
  clear(): void {
    for (const { transfer } of this.takeAll()) if (transfer !== null) this.#onLost(transfer);
  }

  /** Its sender gave it up. */
  forget(transfer: Transfer): void {
    const entries = this.takeAll();
    for (const entry of entries) if (entry.transfer !== transfer) this.#keep(entry);
  }

  #keep(entry: BacklogEntry): void {
    this.#entries.push(entry);
    if (!isFurtherChunk(entry)) this.#messages++;
    this.#bytes += bytesOf(entry);
  }

  /** The oldest message, all of it that is here; returns it if more of it may come. */
  #dropFirst(): Transfer | null {
    const [first] = this.#entries;
    if (first === undefined) return null;
    const { transfer } = first;
    if (transfer === null) {
      this.#entries.shift();
      this.#messages--;
      this.#bytes -= bytesOf(first);
    } else {
      this.forget(transfer);
      this.#onLost(transfer);
    }
    return transfer;
  }
}

function bytesOf({ chunk }: BacklogEntry): number {
  return chunk.source.body.length + ENTRY_BYTES;
}

/** It is no message more. */
function isFurtherChunk({ chunk, transfer }: BacklogEntry): boolean {
  return transfer !== null && chunk.source.start > 1;
}
