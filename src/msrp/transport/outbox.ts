/**
 * What waits to be written to one connection. While the kernel takes everything, messages of one turn of the event loop are
 * gathered and written at once. When it does not, they queue by urgency within bounds, and passing a bound cuts the connection.
 */
import type { Socket } from 'node:net';
import { Batch, type Slab } from './assembly.ts';
import { Fifo } from './fifo.ts';
import type { FlushRound } from './flush-round.ts';
import type { Frame } from './frame.ts';

/** A connection is over its limits when it passes one of the first three; what follows from that its room decides. */
export interface OutboxLimits {
  /** Bytes waiting for one connection. */
  readonly maxBytes: number;
  readonly maxMessages: number;
  /** How long the oldest message may wait. */
  readonly maxAgeMs: number;
  /** A peer that takes nothing for so long is cut off, whoever else is slow. */
  readonly stallMs: number;
}

export const DEFAULT_OUTBOX_LIMITS: OutboxLimits = {
  maxBytes: 4 * 1024 * 1024,
  maxMessages: 16_384,
  maxAgeMs: 20_000,
  stallMs: 30_000,
};

/** A quarter of a limit is congestion; below an eighth it has eased. */
const CONGESTED_SHARE = 4;
/** So many times the limits are never held, even when all are slow and every sender is held back. */
const HARD_FACTOR = 4;

/** Responses and reports, whole messages, chunks of long messages: a later class never delays an earlier one. */
export const URGENT = 0;
export const CHAT = 1;
export const BULK = 2;
export type Urgency = typeof URGENT | typeof CHAT | typeof BULK;

export interface OutboxEvents {
  /** More waits than may ever wait. */
  onOverflow(): void;
  onEased(): void;
  onDefect(error: unknown): void;
}

interface Waiting {
  readonly frame: Frame;
  readonly own: Buffer;
  readonly sinceMs: number;
  readonly sender: object | null;
}

/** What is gathered above this is written at once instead of at the end of the turn. */
const INLINE_FLUSH_BYTES = 192 * 1024;
/** With few to write to, this much is written at once: the peer works on it while we go on, and neither waits for the other in turn. */
const OVERLAP_BYTES = 6 * 1024;
/** How much is handed to the socket at a time after congestion: what is there cannot be overtaken any more. */
const REFILL_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export class Outbox {
  readonly #socket: Socket;
  readonly #envelope: ((bytes: number) => string) | null;
  readonly #round: FlushRound;
  readonly #limits: OutboxLimits;
  readonly #events: OutboxEvents;
  #batch: Batch | null = null;
  /** Where what the socket is writing stands. */
  #slab: Slab | null = null;
  #isScheduled = false;
  #isBlocked = false;
  #isClosed = false;
  #wasCongested = false;
  #queuedBytes = 0;
  #queuedMessages = 0;
  #blockedSinceMs = 0;
  #progressMs = 0;
  readonly #lanes = [new Fifo<Waiting>(), new Fifo<Waiting>(), new Fifo<Waiting>()] as const;
  /** Chunks waiting, by their sender: a sender's later messages stay behind them. */
  readonly #bulkSenders = new Map<object, number>();
  /** Batches that the kernel has not taken, or that it took at once and has not said so yet. */
  #unwritten = 0;
  readonly #onWritten = (): void => {
    this.#unwritten--;
    if (!this.#isBlocked || this.#isClosed) return;
    this.#progressMs = this.#round.nowMs;
    // Not the socket's own buffer: what a WebSocket writes by itself (pongs) may stand in it behind ours, and tells us nothing.
    if (this.#unwritten > 0) return;
    this.#isBlocked = false;
    if (this.#slab !== null) this.#round.assembly.release(this.#slab);
    this.#slab = null;
    this.#refill();
  };

  /** @param envelope what stands before each frame, by its size; null when nothing does */
  constructor(
    socket: Socket,
    envelope: ((bytes: number) => string) | null,
    round: FlushRound,
    limits: OutboxLimits,
    events: OutboxEvents,
  ) {
    this.#socket = socket;
    this.#envelope = envelope;
    this.#round = round;
    this.#limits = limits;
    this.#events = events;
  }

  /** Bytes not yet taken by the kernel. */
  get waitingBytes(): number {
    const gatheredBytes = this.#batch === null ? 0 : this.#batch.bytes;
    return this.#queuedBytes + gatheredBytes + (this.#isBlocked ? this.#socket.writableLength : 0);
  }

  get isCongested(): boolean {
    return this.#isBlocked && this.#wasCongested;
  }

  /** Over its limits; as to age, as of the last tick. */
  get isOver(): boolean {
    if (!this.#isBlocked) return false;
    const { maxBytes, maxMessages, maxAgeMs } = this.#limits;
    if (this.#queuedMessages > maxMessages || this.waitingBytes > maxBytes) return true;
    return this.#round.nowMs - this.#oldestMs() > maxAgeMs;
  }

  /**
   * Takes a frame.
   * @param own this recipient's own lines in it
   * @param sender whose order with earlier chunks must hold; null when none
   */
  send(frame: Frame, own: Buffer, urgency: Urgency, sender: object | null): void {
    if (this.#isClosed) return;
    if (this.#isBlocked) this.#enqueue(frame, own, urgency, sender);
    else this.#gather(frame, own);
  }

  /** Takes a response or a report: text with one character a byte. */
  sendUrgent(text: string): void {
    const { memory } = this.#round;
    memory.begin(text.length, false);
    memory.text(text);
    this.send(memory.end(), NOTHING, URGENT, null);
  }

  flush(): void {
    this.#isScheduled = false;
    if (!this.#isBlocked && !this.#isClosed) this.#writeGathered();
  }

  /** Our own code threw while this was written. */
  giveUp(error: unknown): void {
    this.#events.onDefect(error);
  }

  /** The peer has not taken what it was written, not one write of at most some ten kilobytes, for too long. */
  isStalled(nowMs: number): boolean {
    return this.#isBlocked && nowMs - this.#progressMs > this.#limits.stallMs;
  }

  #oldestMs(): number {
    let oldestMs = this.#blockedSinceMs;
    for (const lane of this.#lanes) {
      const first = lane.peek();
      if (first !== undefined && first.sinceMs < oldestMs) oldestMs = first.sinceMs;
    }
    return oldestMs;
  }

  close(): void {
    this.#isClosed = true;
    this.#batch = null;
    this.#queuedBytes = 0;
    this.#queuedMessages = 0;
    for (const lane of this.#lanes) lane.clear();
    this.#bulkSenders.clear();
  }

  #gather(frame: Frame, own: Buffer): void {
    this.#batch ??= new Batch();
    this.#batch.add(frame, own);
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#round.add(this);
    }
    const { bytes } = this.#batch;
    if (bytes >= INLINE_FLUSH_BYTES || (bytes >= OVERLAP_BYTES && this.#round.hasFew)) this.#writeGathered();
  }

  #writeGathered(): void {
    const batch = this.#batch;
    if (batch === null) return;
    const socket = this.#socket;
    this.#batch = null;
    this.#unwritten++;
    this.#slab = this.#round.assembly.write(socket, batch, this.#envelope, this.#onWritten);
    if (this.#slab !== null) {
      this.#isBlocked = true;
      this.#blockedSinceMs = this.#round.nowMs;
      this.#progressMs = this.#round.nowMs;
      this.#noteCongestion();
    }
  }

  #enqueue(frame: Frame, own: Buffer, urgency: Urgency, sender: object | null): void {
    let lane: Urgency = urgency;
    if (sender !== null) {
      const chunks = this.#bulkSenders.get(sender);
      if (lane === CHAT && chunks !== undefined) lane = BULK;
      if (lane === BULK) this.#bulkSenders.set(sender, (chunks ?? 0) + 1);
    }
    this.#lanes[lane].push({ frame: frame.lasting(), own, sinceMs: this.#round.nowMs, sender });
    this.#queuedBytes += frame.byteLength + own.length;
    this.#queuedMessages++;
    this.#noteCongestion();
    const { maxBytes, maxMessages } = this.#limits;
    if (this.#queuedMessages > HARD_FACTOR * maxMessages || this.waitingBytes > HARD_FACTOR * maxBytes)
      this.#events.onOverflow();
  }

  #noteCongestion(): void {
    if (!this.#wasCongested && this.#isAbove(CONGESTED_SHARE)) this.#wasCongested = true;
  }

  #isAbove(share: number): boolean {
    const { maxBytes, maxMessages } = this.#limits;
    return this.waitingBytes * share > maxBytes || this.#queuedMessages * share > maxMessages;
  }

  #refill(): void {
    while (!this.#isBlocked && this.#queuedMessages > 0) {
      const batch = new Batch();
      while (batch.bytes < REFILL_BYTES) {
        const next = this.#takeFirst();
        if (next === undefined) break;
        batch.add(next.frame, next.own);
      }
      this.#batch = batch;
      this.#writeGathered();
      if (this.#isClosed) return;
    }
    if (this.#wasCongested && !this.#isAbove(2 * CONGESTED_SHARE)) {
      this.#wasCongested = false;
      this.#events.onEased();
    }
  }

  #takeFirst(): Waiting | undefined {
    for (let urgency = URGENT as number; urgency <= BULK; urgency++) {
      const entry = (this.#lanes[urgency] as Fifo<Waiting>).shift();
      if (entry === undefined) continue;
      this.#queuedBytes -= entry.frame.byteLength + entry.own.length;
      this.#queuedMessages--;
      if (urgency === BULK && entry.sender !== null) this.#forgetChunk(entry.sender);
      return entry;
    }
    return undefined;
  }

  #forgetChunk(sender: object): void {
    const left = (this.#bulkSenders.get(sender) ?? 1) - 1;
    if (left === 0) this.#bulkSenders.delete(sender);
    else this.#bulkSenders.set(sender, left);
  }
}
