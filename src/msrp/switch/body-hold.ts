/** The body of the SEND that is arriving: one view while it lies in one read, a growing copy when it does not. */
const EMPTY = Buffer.alloc(0);
const FIRST_BYTES = 1024;

export class BodyHold {
  #view: Buffer | null = null;
  #slab: Buffer = EMPTY;
  #slabBytes = 0;
  /** Size of the slab that was handed over last: a long body comes in pieces of one size, and growing again each time is garbage. */
  #usualBytes = FIRST_BYTES;

  get bytes(): number {
    return this.#view === null ? this.#slabBytes : this.#view.length;
  }

  add(view: Buffer): void {
    if (this.#view === null && this.#slabBytes === 0) this.#view = view;
    else {
      this.settle();
      this.#append(view);
    }
  }

  /** Copies a view that will not be good any more. */
  settle(): void {
    const view = this.#view;
    if (view === null) return;
    this.#view = null;
    this.#append(view);
  }

  /** Hands the bytes over and starts empty. */
  take(): Buffer {
    const bytes = this.#view ?? this.#slab.subarray(0, this.#slabBytes);
    this.#view = null;
    this.#usualBytes = this.#slabBytes * 2 > this.#slab.length ? this.#slab.length : FIRST_BYTES;
    this.#slab = EMPTY;
    this.#slabBytes = 0;
    return bytes;
  }

  /** Starts empty; nobody wants what was there. */
  drop(): void {
    this.#view = null;
    this.#slab = EMPTY;
    this.#slabBytes = 0;
  }

  #append(view: Buffer): void {
    const total = this.#slabBytes + view.length;
    if (total > this.#slab.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(total, this.#slab.length * 2, this.#usualBytes));
      this.#slab.copy(grown, 0, 0, this.#slabBytes);
      this.#slab = grown;
    }
    view.copy(this.#slab, this.#slabBytes);
    this.#slabBytes = total;
  }
}
