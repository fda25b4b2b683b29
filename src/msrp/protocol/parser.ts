/**
 * MSRP frames out of a byte stream (RFC 4975 section 7.3, 9). Pure: bytes in, sink calls out. The end of a body is found by
 * jumping along Byte-Range and checking what stands there; where it is not an end-line, by searching.
 */
import { ParseError } from '../../lib/errors.ts';
import {
  DASH_COUNT,
  END_LINE_TAIL,
  endMark,
  endOfTail,
  firstPossibleMark,
  NEED_MORE,
  NO_END_LINE,
} from './end-line.ts';
import { FrameHead } from './frame-head.ts';
import type { ProtocolLimits } from './limits.ts';
import { DEFAULT_PROTOCOL_LIMITS } from './limits.ts';
import { RepeatedPaths } from './repeated-paths.ts';
import { ResponseShape } from './response-shape.ts';
import { type ContinuationFlag, CR, DASH, isIdent, LF, SPACE } from './wire.ts';

/** Called while `feed` runs. Views and the head are good until the call returns: copy what outlives it. */
export interface FrameSink {
  onHead(head: FrameHead): void;
  /** A piece of the body, never empty. */
  onBody(view: Buffer): void;
  onEnd(flag: ContinuationFlag): void;
  /** The stream cannot be followed any more; later input is ignored. */
  onFault(fault: ParseError): void;
}

const IN_HEAD = 0;
const IN_BODY = 1;
const DEAD = 2;

const MAGIC = Buffer.from('MSRP ');
const UNKNOWN_LENGTH = -1;
/** To-Path and From-Path come first (RFC 4975 section 9). */
const PATH_LINES = 2;

export class MsrpParser {
  /** Frames that have come to their end. */
  frameCount = 0;
  readonly #sink: FrameSink;
  readonly #limits: ProtocolLimits;
  readonly #head = new FrameHead();
  readonly #responses = new ResponseShape();
  readonly #paths = new RepeatedPaths();
  /** The chunk being fed, made when something that may be repeated is first looked at in it. */
  #words: DataView | null = null;
  #state = IN_HEAD;
  /** Input that was left over, at the front of a slab that grows by doubling. */
  #slab: Buffer = Buffer.alloc(0);
  #slabBytes = 0;
  /** In the left-over head there is no LF before this offset. */
  #scannedBytes = 0;
  /** CRLF, dashes and transaction id of the frame whose body is being read. */
  #endMark: Buffer = Buffer.alloc(0);
  /** Body bytes that Byte-Range says are still to come, −1 when it says nothing. */
  #remainingBytes = UNKNOWN_LENGTH;
  #bodySeen = false;

  constructor(sink: FrameSink, limits: ProtocolLimits = DEFAULT_PROTOCOL_LIMITS) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** True between frames: nothing of a further frame has arrived. */
  get isIdle(): boolean {
    return this.#state === IN_HEAD && this.#slabBytes === 0;
  }

  /** Ignores all later input, also what is left of the chunk being fed. */
  close(): void {
    this.#state = DEAD;
  }

  feed(chunk: Buffer): void {
    if (this.#state === DEAD) return;
    const bytes = this.#slabBytes === 0 ? chunk : this.#append(chunk);
    let at = 0;
    while (at < bytes.length) {
      const next = this.#state === IN_HEAD ? this.#readHead(bytes, at) : this.#readBody(bytes, at);
      if ((this.#state as number) === DEAD) return;
      if (next === NEED_MORE) break;
      at = next;
    }
    this.#words = null;
    this.#keep(bytes, at + this.#consumed);
    this.#consumed = 0;
  }

  /** Body bytes handed out by the last, incomplete `#readBody`. */
  #consumed = 0;

  #append(chunk: Buffer): Buffer {
    const total = this.#slabBytes + chunk.length;
    if (total > this.#slab.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(total, this.#slab.length * 2));
      this.#slab.copy(grown, 0, 0, this.#slabBytes);
      this.#slab = grown;
    }
    chunk.copy(this.#slab, this.#slabBytes);
    this.#slabBytes = total;
    return this.#slab.subarray(0, total);
  }

  #keep(bytes: Buffer, from: number): void {
    const left = bytes.length - from;
    if (left === 0) {
      this.#slab = EMPTY;
      this.#slabBytes = 0;
    } else if (this.#slabBytes > 0) {
      if (from > 0) this.#slab.copyWithin(0, from, this.#slabBytes);
      this.#slabBytes = left;
    } else {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(left * 2, 256));
      bytes.copy(this.#slab, 0, from);
      this.#slabBytes = left;
    }
  }

  /** Reads start line and headers from `start`; returns the offset after them, or NEED_MORE. */
  #readHead(bytes: Buffer, start: number): number {
    const repeated = this.#responses.isKnown ? this.#readRepeated(bytes, start) : 0;
    if (repeated > 0) return repeated;
    const limits = this.#limits;
    const available = bytes.length - start;
    for (let at = 0; at < MAGIC.length && at < available; at++) {
      if (bytes[start + at] !== MAGIC[at])
        return this.#fault('MSRP_BAD_START_LINE', 'not MSRP', bytes, start);
    }
    // Only a left-over head starts at 0 with something scanned already.
    let lineEnd = bytes.indexOf(LF, start === 0 ? Math.max(this.#scannedBytes, start) : start);
    if (lineEnd < 0) return this.#needMoreHead(bytes, start);
    if (this.#scannedBytes > 0) {
      this.#scannedBytes = 0;
      lineEnd = bytes.indexOf(LF, start);
    }
    if (lineEnd - start > limits.maxStartLineBytes + 1) {
      return this.#fault('MSRP_START_LINE_TOO_LONG', 'start line over its limit', bytes, start);
    }
    if (bytes[lineEnd - 1] !== CR) return this.#fault('MSRP_BARE_LF', 'line ends without CR', bytes, start);
    const tidStart = start + MAGIC.length;
    if (!this.#readStartLine(bytes, tidStart, lineEnd - 1)) {
      return this.#fault('MSRP_BAD_START_LINE', 'malformed start line', bytes, start);
    }
    const head = this.#head;
    const isRequest = head.status === 0;
    const tidEnd = head.tidEnd;
    const pathsStart = lineEnd + 1;
    let pathsEnd = pathsStart;
    if (isRequest && this.#paths.isKnown) pathsEnd = this.#paths.read(this.#wordsOf(bytes), pathsStart, head);
    let lineStart = Math.max(pathsStart, pathsEnd);
    let headers = lineStart > pathsStart ? PATH_LINES : 0;
    for (;;) {
      if (bytes[lineStart] === DASH) {
        const end = this.#endLineAt(bytes, lineStart, tidStart, tidEnd);
        if (end === NEED_MORE) return this.#needMoreHead(bytes, start);
        if (end !== NO_END_LINE) {
          if (!isRequest) this.#responses.learn(bytes, head.status, start, tidEnd, end);
          return this.#finishHead(bytes, end);
        }
      }
      lineEnd = bytes.indexOf(LF, lineStart);
      if (lineEnd < 0) return this.#needMoreHead(bytes, start);
      if (lineEnd - start >= limits.maxHeadBytes) {
        return this.#fault('MSRP_HEAD_TOO_LONG', 'headers over their limit', bytes, start);
      }
      if (bytes[lineEnd - 1] !== CR)
        return this.#fault('MSRP_BARE_LF', 'line ends without CR', bytes, lineStart);
      if (lineEnd - 1 === lineStart) {
        if (isRequest && head.pathsId === 0) this.#paths.learn(bytes, pathsStart, pathsEnd, head);
        return this.#beginBody(bytes, lineEnd + 1, tidStart, tidEnd);
      }
      headers++;
      if (headers > limits.maxHeaders) {
        return this.#fault('MSRP_TOO_MANY_HEADERS', 'more headers than allowed', bytes, lineStart);
      }
      if (isRequest && !head.addLine(lineStart, lineEnd - 1)) {
        return this.#fault('MSRP_BAD_HEADER', 'header without name or colon', bytes, lineStart);
      }
      lineStart = lineEnd + 1;
      if (headers === PATH_LINES) pathsEnd = lineStart;
    }
  }

  #wordsOf(bytes: Buffer): DataView {
    this.#words ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#words;
  }

  /** The offset after a response that differs from an earlier one in its id only; 0 when something else is there. */
  #readRepeated(bytes: Buffer, start: number): number {
    const { tidBytes, status } = this.#responses;
    const end = this.#responses.endOf(this.#wordsOf(bytes), start);
    const tidStart = start + MAGIC.length;
    if (end < 0 || !isIdent(bytes, tidStart, tidStart + tidBytes)) return 0;
    this.#scannedBytes = 0;
    this.#head.begin(bytes, tidStart, tidStart + tidBytes, '', status);
    return this.#finishHead(bytes, end);
  }

  /** A frame without body; `end` is the offset after it. */
  #finishHead(bytes: Buffer, end: number): number {
    this.#sink.onHead(this.#head);
    this.frameCount++;
    if (this.#state !== DEAD) this.#sink.onEnd(bytes[end - END_LINE_TAIL] as ContinuationFlag);
    return end;
  }

  #needMoreHead(bytes: Buffer, start: number): number {
    const held = bytes.length - start;
    const noLine = bytes.indexOf(LF, start) < 0;
    if (noLine && held > this.#limits.maxStartLineBytes + 1) {
      return this.#fault('MSRP_START_LINE_TOO_LONG', 'start line over its limit', bytes, start);
    }
    if (held > this.#limits.maxHeadBytes) {
      return this.#fault('MSRP_HEAD_TOO_LONG', 'headers over their limit', bytes, start);
    }
    this.#scannedBytes = held;
    return NEED_MORE;
  }

  /** `tid SP METHOD` or `tid SP status [SP comment]` between `start` and `end`. */
  #readStartLine(bytes: Buffer, start: number, end: number): boolean {
    let tidEnd = start;
    while (tidEnd < end && bytes[tidEnd] !== SPACE) tidEnd++;
    if (tidEnd === end || !isIdent(bytes, start, tidEnd)) return false;
    const wordStart = tidEnd + 1;
    const first = bytes[wordStart] as number;
    if (first >= 0x30 && first <= 0x39) {
      const status = statusAt(bytes, wordStart, end);
      if (status < 0) return false;
      this.#head.begin(bytes, start, tidEnd, '', status);
      return true;
    }
    const length = end - wordStart;
    if (length < 1 || length > MAX_METHOD_BYTES) return false;
    for (let at = wordStart; at < end; at++) {
      const upper = (bytes[at] as number) & ~0x20;
      if (upper < 0x41 || upper > 0x5a) return false;
    }
    const isSend =
      length === 4 &&
      first === 0x53 &&
      bytes[wordStart + 1] === 0x45 &&
      bytes[wordStart + 2] === 0x4e &&
      bytes[wordStart + 3] === 0x44;
    this.#head.begin(bytes, start, tidEnd, isSend ? 'SEND' : bytes.toString('latin1', wordStart, end), 0);
    return true;
  }

  /** The offset after the end-line that starts at `at`, NO_END_LINE, or NEED_MORE when it may still become one. */
  #endLineAt(bytes: Buffer, at: number, tidStart: number, tidEnd: number): number {
    const tidBytes = tidEnd - tidStart;
    const available = bytes.length - at;
    for (let i = 0; i < DASH_COUNT; i++) {
      if (i >= available) return NEED_MORE;
      if (bytes[at + i] !== DASH) return NO_END_LINE;
    }
    for (let i = 0; i < tidBytes; i++) {
      if (DASH_COUNT + i >= available) return NEED_MORE;
      if (bytes[at + DASH_COUNT + i] !== bytes[tidStart + i]) return NO_END_LINE;
    }
    return endOfTail(bytes, at + DASH_COUNT + tidBytes);
  }

  #beginBody(bytes: Buffer, bodyStart: number, tidStart: number, tidEnd: number): number {
    const head = this.#head;
    head.hasBody = true;
    this.#remainingBytes = announcedBytes(head);
    this.#bodySeen = false;
    this.#state = IN_BODY;
    this.#sink.onHead(head);
    if ((this.#state as number) === DEAD) return bodyStart;
    // Most frames are here whole, and end where they say.
    const bodyEnd = bodyStart + this.#remainingBytes;
    if (this.#remainingBytes >= 0 && bytes[bodyEnd] === CR && bytes[bodyEnd + 1] === LF) {
      const end = this.#endLineAt(bytes, bodyEnd + 2, tidStart, tidEnd);
      if (end > 0) return this.#finishBody(bytes, bodyStart, bodyEnd, end);
    }
    this.#endMark = endMark(bytes, tidStart, tidEnd);
    return bodyStart;
  }

  /** Hands out what surely is body; returns the offset after the frame, or NEED_MORE with the rest kept. */
  #readBody(bytes: Buffer, start: number): number {
    const mark = this.#endMark;
    const available = bytes.length - start;
    const remaining = this.#remainingBytes;
    if (remaining >= 0 && available >= remaining + mark.length + END_LINE_TAIL) {
      const end = this.#markAt(bytes, start + remaining);
      if (end > 0) return this.#finishBody(bytes, start, start + remaining, end);
    }
    // An empty body written without its own CRLF: the end-line follows the blank line at once.
    if (!this.#bodySeen) {
      const end = this.#bareMarkAt(bytes, start);
      if (end === NEED_MORE) return NEED_MORE;
      if (end !== NO_END_LINE) return this.#finishBody(bytes, start, start, end);
    }
    let from = start;
    for (;;) {
      const found = bytes.indexOf(mark, from);
      if (found < 0) break;
      const end = endOfTail(bytes, found + mark.length);
      if (end === NEED_MORE) return this.#handOut(bytes, start, found);
      if (end !== NO_END_LINE) return this.#finishBody(bytes, start, found, end);
      from = found + 1;
    }
    // The last bytes may be the beginning of the mark.
    const safe = Math.max(start, bytes.length - mark.length + 1);
    return this.#handOut(bytes, start, firstPossibleMark(bytes, safe));
  }

  #handOut(bytes: Buffer, start: number, end: number): number {
    if (end > start) {
      this.#bodySeen = true;
      if (this.#remainingBytes >= 0)
        this.#remainingBytes = Math.max(UNKNOWN_LENGTH, this.#remainingBytes - (end - start));
      this.#sink.onBody(bytes.subarray(start, end));
      this.#consumed = end - start;
    }
    return NEED_MORE;
  }

  #finishBody(bytes: Buffer, start: number, bodyEnd: number, frameEnd: number): number {
    if (bodyEnd > start) this.#sink.onBody(bytes.subarray(start, bodyEnd));
    if ((this.#state as number) === DEAD) return frameEnd;
    this.#state = IN_HEAD;
    this.frameCount++;
    this.#sink.onEnd(bytes[frameEnd - END_LINE_TAIL] as ContinuationFlag);
    return frameEnd;
  }

  /** The offset after the end-line when CRLF, dashes, id, flag and CRLF stand exactly at `at`, else 0. */
  #markAt(bytes: Buffer, at: number): number {
    const mark = this.#endMark;
    for (let i = 0; i < mark.length; i++) if (bytes[at + i] !== mark[i]) return 0;
    const end = endOfTail(bytes, at + mark.length);
    return end > 0 ? end : 0;
  }

  #bareMarkAt(bytes: Buffer, at: number): number {
    const mark = this.#endMark;
    const available = bytes.length - at;
    for (let i = 2; i < mark.length; i++) {
      if (i - 2 >= available) return NEED_MORE;
      if (bytes[at + i - 2] !== mark[i]) return NO_END_LINE;
    }
    return endOfTail(bytes, at + mark.length - 2);
  }

  #fault(code: string, message: string, bytes: Buffer, at: number): number {
    this.#state = DEAD;
    this.#sink.onFault(new ParseError(code, message, at, bytes.toString('latin1', at, at + 40)));
    return NEED_MORE;
  }
}

const EMPTY = Buffer.alloc(0);
const MAX_METHOD_BYTES = 32;

function statusAt(bytes: Buffer, start: number, end: number): number {
  if (end - start < 3 || (end - start > 3 && bytes[start + 3] !== SPACE)) return -1;
  let status = 0;
  for (let at = start; at < start + 3; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status === 0 ? -1 : status;
}

function announcedBytes(head: FrameHead): number {
  if (head.status !== 0) return UNKNOWN_LENGTH;
  const range = head.byteRange();
  if (range === null) return UNKNOWN_LENGTH;
  const end = range.end >= 0 ? range.end : range.total;
  return end >= 0 && end >= range.start - 1 ? end - range.start + 1 : UNKNOWN_LENGTH;
}
