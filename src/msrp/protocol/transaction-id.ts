/** Our own transaction ids: eight characters of this process, then a counter, so that an answer leads straight to it. */
import { END_LINE_DASHES } from './wire.ts';

const PREFIX_CHARS = 8;
const COUNTER_CHARS = 8;
const RADIX = 36;
const NOT_OURS = -1;
const DASHES = Buffer.from(END_LINE_DASHES);

export class TransactionIds {
  readonly #prefix: string;
  readonly #prefixBytes: Buffer;
  #last = 0;

  /** @param prefix eight characters of `[a-z0-9]`, random for each process */
  constructor(prefix: string) {
    this.#prefix = prefix.slice(0, PREFIX_CHARS).padEnd(PREFIX_CHARS, 'x');
    this.#prefixBytes = Buffer.from(this.#prefix);
  }

  /** The next number whose id does not stand in an end-line of `body`. */
  next(body: Buffer | null): number {
    this.#last++;
    // Seven dashes are rare in text: one native search settles nearly every message.
    if (body !== null && body.includes(DASHES)) {
      while (body.includes(`${END_LINE_DASHES}${this.text(this.#last)}`)) this.#last++;
    }
    return this.#last;
  }

  text(number: number): string {
    return this.#prefix + number.toString(RADIX).padStart(COUNTER_CHARS, '0');
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
