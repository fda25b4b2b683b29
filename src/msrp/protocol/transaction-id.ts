/** Our own transaction ids: eight characters of this process, then a counter, so that an answer leads straight to it. */
import { DASH, END_LINE_DASHES } from './wire.ts';

const PREFIX_CHARS = 8;
const COUNTER_CHARS = 8;
const RADIX = 36;
const DIGITS = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');
const NOT_OURS = -1;

export class TransactionIds {
  readonly #prefixBytes: Buffer;
  /** The id that was written last. */
  readonly #bytes = Buffer.alloc(PREFIX_CHARS + COUNTER_CHARS);
  #last = 0;

  /** @param prefix eight characters of `[a-z0-9]`, random for each process */
  constructor(prefix: string) {
    this.#prefixBytes = Buffer.from(prefix.slice(0, PREFIX_CHARS).padEnd(PREFIX_CHARS, 'x'));
    this.#bytes.set(this.#prefixBytes);
  }

  /** The next number whose id does not stand in an end-line of `body`. */
  next(body: Buffer | null): number {
    this.#last++;
    // Most messages have no dash at all, and seven in a row are rare: native searches settle nearly all of them.
    const dash = body === null ? -1 : body.indexOf(DASH);
    if (body !== null && dash >= 0 && body.includes(END_LINE_DASHES, dash)) {
      while (body.includes(`${END_LINE_DASHES}${this.text(this.#last)}`)) this.#last++;
    }
    return this.#last;
  }

  text(number: number): string {
    return this.bytes(number).toString('latin1');
  }

  /** The same as bytes, good until the next call. */
  bytes(number: number): Buffer {
    const bytes = this.#bytes;
    let rest = number;
    for (let at = bytes.length - 1; at >= PREFIX_CHARS; at--) {
      const share = Math.floor(rest / RADIX);
      bytes[at] = DIGITS[rest - share * RADIX] as number;
      rest = share;
    }
    return bytes;
  }

  /** The number in an id at `[start, end)` of `bytes`, −1 when it is not one of ours. */
  numberAt(bytes: Buffer, start: number, end: number): number {
    if (end - start !== PREFIX_CHARS + COUNTER_CHARS) return NOT_OURS;
    const prefix = this.#prefixBytes;
    for (let at = 0; at < PREFIX_CHARS; at++) if (bytes[start + at] !== prefix[at]) return NOT_OURS;
    let number = 0;
    for (let at = start + PREFIX_CHARS; at < end; at++) {
      const byte = bytes[at] as number;
      const digit = byte <= 0x39 ? byte - 0x30 : byte - 0x57;
      if (digit < 0 || digit >= RADIX || (byte > 0x39 && byte < 0x61)) return NOT_OURS;
      number = number * RADIX + digit;
    }
    return number;
  }
}
