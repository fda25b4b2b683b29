/**
 * The responses of one peer for one session differ in their transaction id only. Who has read one of them knows the next when
 * all other bytes are the same, and need not look for lines in it.
 */
import { CR, LF, SPACE } from './wire.ts';

const MAGIC = 0x4d535250; // 'MSRP'
const MAGIC_BYTES = 'MSRP '.length;
/** After the transaction id of an end-line: flag, CR, LF. */
const TAIL_BYTES = 3;
const WORD_BYTES = 8;

export class ResponseShape {
  status = 0;
  tidBytes = 0;
  #flag = 0;
  /** What stands between the two transaction ids. */
  #middle: DataView | null = null;

  get isKnown(): boolean {
    return this.#middle !== null;
  }

  /** Remembers a response without body that was found good: `[start, end)`, the id of its start line up to `tidEnd`. */
  learn(bytes: Buffer, status: number, start: number, tidEnd: number, end: number): void {
    this.status = status;
    this.tidBytes = tidEnd - start - MAGIC_BYTES;
    this.#flag = bytes[end - TAIL_BYTES] as number;
    const middleEnd = end - TAIL_BYTES - this.tidBytes;
    // Not of a pool: it stays as long as the connection.
    const middle = Buffer.allocUnsafeSlow(middleEnd - tidEnd);
    bytes.copy(middle, 0, tidEnd, middleEnd);
    this.#middle = new DataView(middle.buffer, middle.byteOffset, middle.length);
  }

  /** The offset after the same response at `start`, with an id as long that is still to be looked at; −1 when it is another. */
  endOf(bytes: DataView, start: number): number {
    const middle = this.#middle;
    if (middle === null) return -1;
    const { tidBytes } = this;
    const middleAt = start + MAGIC_BYTES + tidBytes;
    const tidAt = middleAt + middle.byteLength;
    const tailAt = tidAt + tidBytes;
    if (tailAt + TAIL_BYTES > bytes.byteLength) return -1;
    if (!isSame(bytes, middleAt, middle, 0, middle.byteLength)) return -1;
    if (!isSame(bytes, tidAt, bytes, start + MAGIC_BYTES, tidBytes)) return -1;
    if (bytes.getInt32(start) !== MAGIC || bytes.getUint8(start + MAGIC_BYTES - 1) !== SPACE) return -1;
    if (bytes.getUint8(tailAt) !== this.#flag) return -1;
    if (bytes.getUint8(tailAt + 1) !== CR || bytes.getUint8(tailAt + 2) !== LF) return -1;
    return tailAt + TAIL_BYTES;
  }
}

/** Eight bytes at a time as doubles: of text, those are equal when the bytes are, and none is a NaN. */
export function isSame(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  let at = 0;
  for (; at + WORD_BYTES <= length; at += WORD_BYTES) {
    if (a.getFloat64(aAt + at) !== b.getFloat64(bAt + at)) return false;
  }
  for (; at < length; at++) if (a.getUint8(aAt + at) !== b.getUint8(bAt + at)) return false;
  return true;
}
