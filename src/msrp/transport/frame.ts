/**
 * Frames on their way out, and the memory they are written in. A frame to many is the same for all but for a few lines of
 * each one's own; it lies in memory that every turn of the event loop uses again, and that therefore stays in the cache.
 */

/** What all get of a frame: `memory` from `start` to `end`. A recipient's own lines belong at `ownAt`. */
export class Frame {
  readonly memory: Buffer;
  readonly start: number;
  readonly ownAt: number;
  readonly end: number;
  /** Whether the memory is this frame's; else it is good until the end of the turn. */
  readonly isLasting: boolean;
  #lasting: Frame | null = null;

  constructor(memory: Buffer, start: number, ownAt: number, end: number, isLasting: boolean) {
    this.memory = memory;
    this.start = start;
    this.ownAt = ownAt;
    this.end = end;
    this.isLasting = isLasting;
  }

  get byteLength(): number {
    return this.end - this.start;
  }

  /** The same, to be kept for longer than this turn. All who keep it share one copy. */
  lasting(): Frame {
    if (this.isLasting) return this;
    if (this.#lasting === null) {
      const memory = Buffer.allocUnsafeSlow(this.byteLength);
      this.memory.copy(memory, 0, this.start, this.end);
      this.#lasting = new Frame(memory, 0, this.ownAt - this.start, memory.length, true);
    }
    return this.#lasting;
  }
}

/** Below this a loop is done before a call into the engine would be. */
const LOOPED_BYTES = 32;

/** Copies `[start, end)` to `at` of another buffer, which has the room; returns the offset after it there. */
export function copy(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  if (end - start > LOOPED_BYTES) return at + from.copy(to, at, start, end);
  let next = at;
  for (let i = start; i < end; i++) to[next++] = from[i] as number;
  return next;
}

/** Enough for what one read brings, in three forms. */
const TURN_BYTES = 512 * 1024;
/** What is longer gets memory of its own: it is written from where it lies, maybe later. */
export const LONG_FRAME_BYTES = 32 * 1024;

/** Writes frames, one after the other: `begin`, their parts in order, `end`. */
export class FrameMemory {
  readonly #turn = Buffer.allocUnsafeSlow(TURN_BYTES);
  #memory = this.#turn;
  #isLasting = false;
  #start = 0;
  #ownAt = 0;
  #at = 0;
  /** How much of the turn's memory is in use. */
  usedBytes = 0;

  /**
   * @param maxBytes what the frame has at most
   * @param mustLast whether it is kept for longer than this turn
   */
  begin(maxBytes: number, mustLast: boolean): void {
    const isOwn = mustLast || maxBytes > LONG_FRAME_BYTES || this.usedBytes + maxBytes > TURN_BYTES;
    this.#memory = isOwn ? Buffer.allocUnsafeSlow(maxBytes) : this.#turn;
    this.#isLasting = isOwn;
    this.#start = isOwn ? 0 : this.usedBytes;
    this.#ownAt = this.#start;
    this.#at = this.#start;
  }

  bytes(bytes: Buffer): void {
    this.range(bytes, 0, bytes.length);
  }

  /** A piece of `bytes`. */
  range(bytes: Buffer, start: number, end: number): void {
    this.#at = copy(bytes, start, end, this.#memory, this.#at);
  }

  /** @param text one character a byte */
  text(text: string): void {
    const memory = this.#memory;
    const at = this.#at;
    if (text.length > LOOPED_BYTES) memory.write(text, at, 'latin1');
    else for (let i = 0; i < text.length; i++) memory[at + i] = text.charCodeAt(i);
    this.#at = at + text.length;
  }

  /** A whole number, not negative, in decimal. */
  number(value: number): void {
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    let rest = value;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      const tenth = Math.floor(rest / 10);
      this.#memory[at] = DIGIT_0 + rest - tenth * 10;
      rest = tenth;
    }
    this.#at += digits;
  }

  byte(byte: number): void {
    this.#memory[this.#at++] = byte;
  }

  /** Here each recipient's own lines come in. */
  own(): void {
    this.#ownAt = this.#at;
  }

  end(): Frame {
    if (!this.#isLasting) this.usedBytes = this.#at;
    return new Frame(this.#memory, this.#start, this.#ownAt, this.#at, this.#isLasting);
  }

  /** All frames of this turn have been written, or are kept elsewhere. */
  clear(): void {
    this.usedBytes = 0;
  }
}

const DIGIT_0 = 0x30;
