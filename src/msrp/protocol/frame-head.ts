/**
 * Start line and headers of one frame, decoded only where somebody asks. A head is reused for the next frame and
 * points into the parser's input: take what you need inside the sink call.
 */
import { type ByteRange, readByteRange } from './byte-range.ts';
import { COLON, CR, SPACE, TAB } from './wire.ts';

export const TO_PATH = 0;
export const FROM_PATH = 1;
export const MESSAGE_ID = 2;
export const BYTE_RANGE = 3;
export const CONTENT_TYPE = 4;
export const SUCCESS_REPORT = 5;
export const FAILURE_REPORT = 6;
export const STATUS = 7;
export const USE_NICKNAME = 8;
const KNOWN_COUNT = 9;
const UNKNOWN = -1;
const OTHER_CONTENT = -2;
export type HeaderId = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ABSENT = -1;

export class FrameHead {
  /** Response status, 0 for a request. */
  status = 0;
  /** Request method as sent (case-sensitive), empty for a response. */
  method = '';
  /** A Content-* part and a body follow. */
  hasBody = false;
  /** More than one line of a header that may come once. */
  hasDuplicates = false;
  /** The same number as in another request of this connection: the same path lines, byte by byte. 0 says nothing. */
  pathsId = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #tidStart = 0;
  #tidEnd = 0;
  readonly #bounds = new Int32Array(KNOWN_COUNT * 2).fill(ABSENT);
  #otherContent: string[] | null = null;
  #byteRange: ByteRange | null = null;
  #isRangeRead = false;

  begin(bytes: Buffer, tidStart: number, tidEnd: number, method: string, status: number): void {
    this.#bytes = bytes;
    this.#tidStart = tidStart;
    this.#tidEnd = tidEnd;
    this.method = method;
    this.status = status;
    this.hasBody = false;
    this.hasDuplicates = false;
    this.pathsId = 0;
    if (status === 0) this.#bounds.fill(ABSENT);
    this.#otherContent = null;
    this.#isRangeRead = false;
  }

  /** Takes one header line `[start, end)` without CRLF; false when it has no name and colon. */
  addLine(start: number, end: number): boolean {
    const bytes = this.#bytes;
    let colon = start;
    while (colon < end && bytes[colon] !== COLON) colon++;
    if (colon === end || colon === start) return false;
    const id = identify(bytes, start, colon);
    if (id === UNKNOWN) return true;
    if (id === OTHER_CONTENT) {
      // These go on to others as they are: a CR could make a line of its own there.
      if (bytes.subarray(start, end).includes(CR)) return false;
      this.#otherContent ??= [];
      this.#otherContent.push(bytes.toString('latin1', start, end));
      return true;
    }
    let from = colon + 1;
    let to = end;
    while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
    if (this.#bounds[id * 2] !== ABSENT) this.hasDuplicates = true;
    this.#bounds[id * 2] = from;
    this.#bounds[id * 2 + 1] = to;
    return true;
  }

  /** Where the values of the path lines stand, counted from `start`. */
  pathBounds(start: number): readonly number[] {
    return Array.from(this.#bounds.subarray(TO_PATH * 2, FROM_PATH * 2 + 2), (at) => at - start);
  }

  /** Takes path lines that are known, instead of `addLine`. */
  setPaths(id: number, start: number, bounds: readonly number[]): void {
    for (let i = 0; i < bounds.length; i++) this.#bounds[TO_PATH * 2 + i] = start + (bounds[i] as number);
    this.pathsId = id;
  }

  /** The transaction id. */
  tid(): string {
    return this.#bytes.toString('latin1', this.#tidStart, this.#tidEnd);
  }

  get tidStart(): number {
    return this.#tidStart;
  }

  get tidEnd(): number {
    return this.#tidEnd;
  }

  /** The input that `tidStart` and `tidEnd` count in. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /**
   * A known header's value, one character a byte; null when absent.
   * @param guess what it probably is: to compare is quicker than to make text anew
   */
  value(id: HeaderId, guess = ''): string | null {
    const from = this.#bounds[id * 2] as number;
    if (from === ABSENT) return null;
    const to = this.#bounds[id * 2 + 1] as number;
    return this.#isText(from, to, guess) ? guess : this.#bytes.toString('latin1', from, to);
  }

  #isText(from: number, to: number, text: string): boolean {
    if (to - from !== text.length) return false;
    for (let i = 0; i < text.length; i++) if (this.#bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  has(id: HeaderId): boolean {
    return this.#bounds[id * 2] !== ABSENT;
  }

  /** Null when it is absent or malformed. */
  byteRange(): ByteRange | null {
    if (!this.#isRangeRead) {
      const from = this.#bounds[BYTE_RANGE * 2] as number;
      const to = this.#bounds[BYTE_RANGE * 2 + 1] as number;
      this.#byteRange = from === ABSENT ? null : readByteRange(this.#bytes, from, to);
      this.#isRangeRead = true;
    }
    return this.#byteRange;
  }

  /** Content-* lines besides Content-Type, each ending in CRLF, one character a byte; mostly empty. */
  otherContentLines(): string {
    return this.#otherContent === null ? '' : `${this.#otherContent.join('\r\n')}\r\n`;
  }
}

/** Header names are few and known: length first, then one comparison without case. */
function identify(bytes: Buffer, start: number, end: number): number {
  switch (end - start) {
    case 6:
      return isName(bytes, start, 'status') ? STATUS : UNKNOWN;
    case 7:
      return isName(bytes, start, 'to-path') ? TO_PATH : UNKNOWN;
    case 9:
      return isName(bytes, start, 'from-path') ? FROM_PATH : UNKNOWN;
    case 10:
      if (isName(bytes, start, 'message-id')) return MESSAGE_ID;
      if (isName(bytes, start, 'byte-range')) return BYTE_RANGE;
      return isName(bytes, start, 'content-id') ? OTHER_CONTENT : UNKNOWN;
    case 12:
      if (isName(bytes, start, 'content-type')) return CONTENT_TYPE;
      return isName(bytes, start, 'use-nickname') ? USE_NICKNAME : UNKNOWN;
    case 14:
      if (isName(bytes, start, 'success-report')) return SUCCESS_REPORT;
      return isName(bytes, start, 'failure-report') ? FAILURE_REPORT : UNKNOWN;
    default:
      return end - start > 8 && isName(bytes, start, 'content-') ? OTHER_CONTENT : UNKNOWN;
  }
}

function isName(bytes: Buffer, start: number, lowerName: string): boolean {
  for (let at = 0; at < lowerName.length; at++) {
    // Setting bit 5 folds letters; the only other character in our names, '-', has it already.
    if (((bytes[start + at] as number) | 0x20) !== lowerName.charCodeAt(at)) return false;
  }
  return true;
}
