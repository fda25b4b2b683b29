/** SENDs that a peer has not answered yet, in the order they left: a ring, because answers come in that order. */
import type { Leg } from './leg.ts';
import type { Transfer } from './transfer.ts';

export interface OutstandingSend {
  readonly number: number;
  readonly leg: Leg;
  /** The unfinished message that this chunk belongs to; null for a message sent whole. */
  readonly transfer: Transfer | null;
}

const FIRST_SLOTS = 8;
/** Who is sent nothing needs none. */
const NO_SLOTS = new Float64Array(0);

export class Outstanding {
  readonly #maxSlots: number;
  #numbers = NO_SLOTS;
  #sentMs = NO_SLOTS;
  #legs: (Leg | null)[] = [];
  #transfers: (Transfer | null)[] = [];
  #first = 0;
  #count = 0;

  /** @param maxCount beyond it the oldest is forgotten; rounded up to a power of two */
  constructor(maxCount: number) {
    this.#maxSlots = Math.max(FIRST_SLOTS, 2 ** Math.ceil(Math.log2(maxCount)));
  }

  push(number: number, leg: Leg, transfer: Transfer | null, nowMs: number): void {
    if (this.#count === this.#numbers.length) this.#makeRoom();
    const slot = (this.#first + this.#count) & (this.#numbers.length - 1);
    this.#numbers[slot] = number;
    this.#sentMs[slot] = nowMs;
    this.#legs[slot] = leg;
    this.#transfers[slot] = transfer;
    this.#count++;
  }

  /** Takes the SEND out; null when none with this number waits. */
  take(number: number): OutstandingSend | null {
    const mask = this.#numbers.length - 1;
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#first + i) & mask;
      const leg = this.#legs[slot] ?? null;
      if (this.#numbers[slot] !== number || leg === null) continue;
      const transfer = this.#transfers[slot] ?? null;
      this.#legs[slot] = null;
      this.#transfers[slot] = null;
      this.#dropAnswered();
      return { number, leg, transfer };
    }
    return null;
  }

  /** The common answer: 200 to the oldest SEND. False when `number` is another one. */
  takeFirst(number: number): boolean {
    if (this.#count === 0 || this.#numbers[this.#first] !== number) return false;
    this.#legs[this.#first] = null;
    this.#transfers[this.#first] = null;
    this.#dropAnswered();
    return true;
  }

  /** The oldest SEND is of no interest any more. */
  forgetFirst(): void {
    this.#legs[this.#first] = null;
    this.#transfers[this.#first] = null;
    this.#dropAnswered();
  }

  /** The leg whose SEND has waited since before `beforeMs`, if any. */
  overdue(beforeMs: number): Leg | null {
    if (this.#count === 0 || (this.#sentMs[this.#first] as number) >= beforeMs) return null;
    return this.#legs[this.#first] ?? null;
  }

  #dropAnswered(): void {
    const mask = this.#numbers.length - 1;
    while (this.#count > 0 && this.#legs[this.#first] === null) {
      this.#first = (this.#first + 1) & mask;
      this.#count--;
    }
  }

  #makeRoom(): void {
    const slots = this.#numbers.length;
    if (slots >= this.#maxSlots) {
      this.forgetFirst();
      return;
    }
    const more = Math.max(FIRST_SLOTS, slots * 2);
    const numbers = new Float64Array(more);
    const sentMs = new Float64Array(more);
    const legs = new Array<Leg | null>(more).fill(null);
    const transfers = new Array<Transfer | null>(more).fill(null);
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#first + i) & (slots - 1);
      numbers[i] = this.#numbers[slot] as number;
      sentMs[i] = this.#sentMs[slot] as number;
      legs[i] = this.#legs[slot] ?? null;
      transfers[i] = this.#transfers[slot] ?? null;
    }
    this.#numbers = numbers;
    this.#sentMs = sentMs;
    this.#legs = legs;
    this.#transfers = transfers;
    this.#first = 0;
  }
}
