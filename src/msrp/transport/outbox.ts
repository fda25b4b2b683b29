/**
 * What waits to be written to one connection. While the kernel takes everything, messages of one turn of the event loop are
 * gathered and written at once. When it does not, they queue by urgency within bounds, and passing a bound cuts the connection.
 */
import type { Socket } from 'node:net';
import { Fifo } from './fifo.ts';
import type { FlushRound } from './flush-round.ts';

export interface OutboxLimits {
  /** Bytes waiting for one connection; above it the peer is cut off as slow. */
  readonly maxBytes: number;
  readonly maxMessages: number;
  /** How long the oldest message may wait. */
  readonly maxAgeMs: number;
  /** Above this many bytes waiting the connection counts as congested; below half of it, as eased. */
  readonly congestedBytes: number;
}

export const DEFAULT_OUTBOX_LIMITS: OutboxLimits = {
  maxBytes: 4 * 1024 * 1024,
  maxMessages: 16_384,
  maxAgeMs: 30_000,
  congestedBytes: 256 * 1024,
};

/** Responses and reports, whole messages, chunks of long messages: a later class never delays an earlier one. */
export const URGENT = 0;
export const CHAT = 1;
export const BULK = 2;
export type Urgency = typeof URGENT | typeof CHAT | typeof BULK;

export interface OutboxEvents {
  onOverflow(): void;
  onEased(): void;
}

interface Waiting {
  readonly text: string;
  readonly body: Buffer | null;
  readonly sinceMs: number;
  readonly sender: object | null;
}

/** Gathered text above this is written at once instead of at the end of the turn. */
const INLINE_FLUSH_BYTES = 32 * 1024;
/** How much is handed to the socket at a time after congestion: what is there cannot be overtaken any more. */
const REFILL_BYTES = 64 * 1024;

export class Outbox {
  readonly #socket: Socket;
  readonly #round: FlushRound;
  readonly #limits: OutboxLimits;
  readonly #events: OutboxEvents;
  #text = '';
  #parts: (string | Buffer)[] | null = null;
  #gatheredBytes = 0;
  #isScheduled = false;
  #isBlocked = false;
  #isClosed = false;
  #wasCongested = false;
  #queuedBytes = 0;
  #queuedMessages = 0;
  #blockedSinceMs = 0;
  readonly #lanes = [new Fifo<Waiting>(), new Fifo<Waiting>(), new Fifo<Waiting>()] as const;
  /** Chunks waiting, by their sender: a sender's later messages stay behind them. */
  readonly #bulkSenders = new Map<object, number>();
  readonly #onWritten = (): void => {
    if (!this.#isBlocked || this.#isClosed || this.#socket.writableLength > 0) return;
    this.#isBlocked = false;
    this.#refill();
  };

  constructor(socket: Socket, round: FlushRound, limits: OutboxLimits, events: OutboxEvents) {
    this.#socket = socket;
    this.#round = round;
    this.#limits = limits;
    this.#events = events;
  }

  /** Bytes not yet taken by the kernel. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#gatheredBytes + (this.#isBlocked ? this.#socket.writableLength : 0);
  }

  get isCongested(): boolean {
    return this.#isBlocked && this.#wasCongested;
  }

  /**
   * Takes one frame: `text` has one character a byte, `body` follows it.
   * @param sender whose order with earlier chunks must hold; null when none
   */
  send(text: string, body: Buffer | null, urgency: Urgency, sender: object | null): void {
    if (this.#isClosed) return;
    if (!this.#isBlocked) {
      this.#gather(text, body);
      if (this.#gatheredBytes >= INLINE_FLUSH_BYTES) this.#writeGathered();
      else if (!this.#isScheduled) {
        this.#isScheduled = true;
        this.#round.add(this);
      }
      return;
    }
    this.#enqueue(text, body, urgency, sender);
  }

  flush(): void {
    this.#isScheduled = false;
    if (!this.#isBlocked && !this.#isClosed) this.#writeGathered();
  }

  /** True when the oldest waiting message is older than the limit. */
  isOverdue(nowMs: number): boolean {
    if (!this.#isBlocked) return false;
    let oldestMs = this.#blockedSinceMs;
    for (const lane of this.#lanes) {
      const first = lane.peek();
      if (first !== undefined && first.sinceMs < oldestMs) oldestMs = first.sinceMs;
    }
    return nowMs - oldestMs > this.#limits.maxAgeMs;
  }

  close(): void {
    this.#isClosed = true;
    this.#text = '';
    this.#parts = null;
    this.#gatheredBytes = 0;
    this.#queuedBytes = 0;
    this.#queuedMessages = 0;
    for (const lane of this.#lanes) lane.clear();
    this.#bulkSenders.clear();
  }

  #gather(text: string, body: Buffer | null): void {
    this.#text += text;
    this.#gatheredBytes += text.length;
    if (body === null) return;
    this.#parts ??= [];
    this.#parts.push(this.#text, body);
    this.#text = '';
    this.#gatheredBytes += body.length;
  }

  #writeGathered(): void {
    if (this.#gatheredBytes === 0) return;
    const socket = this.#socket;
    const text = this.#text;
    const parts = this.#parts;
    this.#text = '';
    this.#parts = null;
    this.#gatheredBytes = 0;
    if (parts === null) socket.write(text, 'latin1', this.#onWritten);
    else {
      if (text !== '') parts.push(text);
      socket.cork();
      for (const part of parts.slice(0, -1)) writePart(socket, part);
      const last = parts.at(-1) as string | Buffer;
      if (typeof last === 'string') socket.write(last, 'latin1', this.#onWritten);
      else socket.write(last, this.#onWritten);
      socket.uncork();
    }
    // A write that the kernel took whole is already out of the socket's own buffer here.
    if (socket.writableLength > 0) {
      this.#isBlocked = true;
      this.#blockedSinceMs = this.#round.nowMs;
      this.#noteCongestion();
    }
  }

  #enqueue(text: string, body: Buffer | null, urgency: Urgency, sender: object | null): void {
    let lane: Urgency = urgency;
    if (sender !== null) {
      const chunks = this.#bulkSenders.get(sender);
      if (lane === CHAT && chunks !== undefined) lane = BULK;
      if (lane === BULK) this.#bulkSenders.set(sender, (chunks ?? 0) + 1);
    }
    this.#lanes[lane].push({ text, body, sinceMs: this.#round.nowMs, sender });
    this.#queuedBytes += text.length + (body === null ? 0 : body.length);
    this.#queuedMessages++;
    this.#noteCongestion();
    if (this.waitingBytes > this.#limits.maxBytes || this.#queuedMessages > this.#limits.maxMessages) {
      this.#events.onOverflow();
    }
  }

  #noteCongestion(): void {
    if (!this.#wasCongested && this.waitingBytes > this.#limits.congestedBytes) this.#wasCongested = true;
  }

  #refill(): void {
    while (!this.#isBlocked && this.#queuedMessages > 0) {
      while (this.#gatheredBytes < REFILL_BYTES) {
        const next = this.#takeFirst();
        if (next === undefined) break;
        this.#gather(next.text, next.body);
      }
      this.#writeGathered();
      if (this.#isClosed) return;
    }
    if (this.#wasCongested && this.waitingBytes < this.#limits.congestedBytes / 2) {
      this.#wasCongested = false;
      this.#events.onEased();
    }
  }

  #takeFirst(): Waiting | undefined {
    for (let urgency = URGENT as number; urgency <= BULK; urgency++) {
      const entry = (this.#lanes[urgency] as Fifo<Waiting>).shift();
      if (entry === undefined) continue;
      this.#queuedBytes -= entry.text.length + (entry.body === null ? 0 : entry.body.length);
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

function writePart(socket: Socket, part: string | Buffer): void {
  if (typeof part === 'string') {
    if (part !== '') socket.write(part, 'latin1');
  } else socket.write(part);
}
