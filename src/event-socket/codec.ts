/**
 * FreeSWITCH event-socket framing, both directions, without I/O.
 *
 * A frame is a block of lines ended by an empty line, then `Content-Length` bytes of body when that header is there.
 * Towards the client every line is `Name: value`; towards the server the first line is the command.
 * Lines end with LF; CR LF is understood. Header names are case-insensitive; of duplicates the last wins.
 */
import { isUtf8 } from 'node:buffer';
import { CodedError, ParseError } from '../lib/errors.ts';

export interface FrameLimits {
  /** Bytes of the header block, the empty line not counted. */
  readonly headerBytes: number;
  /** Lines of the header block. */
  readonly lines: number;
  /** Bytes of one body; a larger Content-Length is refused before a byte of it is read. */
  readonly bodyBytes: number;
}

/** A JSON event of 60 KiB of text can double when its quotes are escaped, so the body limit is not 64 KiB. */
export const DEFAULT_FRAME_LIMITS: FrameLimits = { headerBytes: 16_384, lines: 64, bodyBytes: 262_144 };

/** What an unauthenticated peer may send: one short command, no body. */
export const GUEST_FRAME_LIMITS: FrameLimits = { headerBytes: 1024, lines: 8, bodyBytes: 0 };

export interface Frame {
  /** The command line; empty for a frame towards the client. */
  readonly command: string;
  /** Keys in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** False: bytes of the body that are no UTF-8 stand as U+FFFD in it. The frame border is sound all the same. */
  readonly isUtf8: boolean;
}

type FrameHead = Pick<Frame, 'command' | 'headers'>;

export type FrameDirection = 'to-server' | 'to-client';

const LF = 0x0a;
const CR = 0x0d;
const CONTENT_LENGTH = /^[0-9]{1,9}$/;
const HEADER_NAME = /^[!-9;-~]{1,128}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be found.
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * Turns chunks into frames. `feed` calls `onFrame` for each complete frame and throws `ParseError`
 * (`ESL_HEADER_TOO_LONG`, `ESL_TOO_MANY_LINES`, `ESL_BODY_TOO_LONG`, `ESL_BAD_CONTENT_LENGTH`, `ESL_BAD_HEADER`)
 * at the first fault; after that the decoder ignores all input, because the frame border is lost.
 */
export class FrameDecoder {
  readonly #direction: FrameDirection;
  readonly #onFrame: (frame: Frame) => void;
  #limits: FrameLimits;
  #dead = false;
  readonly #held = new ByteStore();
  /** Bytes of the unfinished line, and the last of them: an empty line is nothing or one CR. */
  #lineBytes = 0;
  #lastByte = 0;
  #lines = 0;
  #head: FrameHead | null = null;
  #bodyBytes = 0;

  constructor(
    direction: FrameDirection,
    onFrame: (frame: Frame) => void,
    limits: FrameLimits = DEFAULT_FRAME_LIMITS,
  ) {
    this.#direction = direction;
    this.#onFrame = onFrame;
    this.#limits = limits;
  }

  /** Takes effect with the next frame. */
  setLimits(limits: FrameLimits): void {
    this.#limits = limits;
  }

  /** True when a frame has begun and is not complete. */
  get isMidFrame(): boolean {
    return this.#head !== null || this.#lines > 0 || this.#lineBytes > 0;
  }

  /** Ignores everything from here on. */
  stop(): void {
    this.#dead = true;
    this.#held.clear();
  }

  feed(chunk: Buffer): void {
    let at = 0;
    try {
      while (at < chunk.length && !this.#dead) {
        at = this.#head === null ? this.#feedHead(chunk, at) : this.#feedBody(chunk, at);
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #feedHead(chunk: Buffer, from: number): number {
    let start = from;
    let scan = from;
    for (;;) {
      const end = chunk.indexOf(LF, scan);
      if (end < 0) break;
      const lineBytes = this.#lineBytes + (end - scan);
      const lastByte = end > scan ? chunk[end - 1] : this.#lastByte;
      this.#lineBytes = 0;
      scan = end + 1;
      if (lineBytes === 0 || (lineBytes === 1 && lastByte === CR)) {
        if (this.#lines === 0) {
          // Empty lines between frames mean nothing.
          this.#held.clear();
          start = scan;
          continue;
        }
        this.#checkHeaderBytes(this.#held.length + end - start);
        this.#finishHead(chunk.subarray(start, end));
        return scan;
      }
      this.#lines += 1;
      if (this.#lines > this.#limits.lines) {
        throw new ParseError('ESL_TOO_MANY_LINES', `more than ${this.#limits.lines} header lines`);
      }
    }
    if (chunk.length > scan) {
      this.#lineBytes += chunk.length - scan;
      this.#lastByte = chunk[chunk.length - 1] ?? 0;
    }
    this.#checkHeaderBytes(this.#held.length + chunk.length - start);
    this.#held.append(chunk, start, chunk.length);
    return chunk.length;
  }

  #checkHeaderBytes(bytes: number): void {
    if (bytes > this.#limits.headerBytes) {
      throw new ParseError('ESL_HEADER_TOO_LONG', `header block over ${this.#limits.headerBytes} bytes`);
    }
  }

  #finishHead(tail: Buffer): void {
    const bytes = this.#held.length === 0 ? tail : this.#held.take(tail);
    this.#lines = 0;
    if (!isUtf8(bytes)) throw new ParseError('ESL_BAD_HEADER', 'header block is not UTF-8');
    const head = parseHead(bytes.toString('utf8'), this.#direction);
    const length = head.headers.get('content-length');
    if (length === undefined) {
      this.#onFrame({ ...head, body: '', isUtf8: true });
      return;
    }
    if (!CONTENT_LENGTH.test(length)) {
      throw new ParseError('ESL_BAD_CONTENT_LENGTH', 'Content-Length is not a number', -1, length);
    }
    this.#bodyBytes = Number(length);
    if (this.#bodyBytes > this.#limits.bodyBytes) {
      throw new ParseError('ESL_BODY_TOO_LONG', `body of ${length} bytes, limit ${this.#limits.bodyBytes}`);
    }
    if (this.#bodyBytes === 0) {
      this.#onFrame({ ...head, body: '', isUtf8: true });
      return;
    }
    this.#head = head;
  }

  #feedBody(chunk: Buffer, from: number): number {
    const head = this.#head;
    if (head === null) return from;
    const end = Math.min(chunk.length, from + this.#bodyBytes - this.#held.length);
    if (this.#held.length + end - from < this.#bodyBytes) {
      this.#held.append(chunk, from, end);
      return end;
    }
    const piece = chunk.subarray(from, end);
    const bytes = this.#held.length === 0 ? piece : this.#held.take(piece);
    this.#head = null;
    this.#onFrame({ ...head, body: bytes.toString('utf8'), isUtf8: isUtf8(bytes) });
    return end;
  }
}

/** Bytes of an unfinished frame, growing by doubling, so that byte-wise input stays linear. */
class ByteStore {
  #bytes: Buffer = Buffer.alloc(0);
  length = 0;

  append(chunk: Buffer, from: number, to: number): void {
    const needed = this.length + to - from;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(512, this.#bytes.length * 2, needed));
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.length, from, to);
    this.length = needed;
  }

  take(tail: Buffer): Buffer {
    this.append(tail, 0, tail.length);
    const bytes = this.#bytes.subarray(0, this.length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.length = 0;
  }
}

function parseHead(text: string, direction: FrameDirection): FrameHead {
  const headers = new Map<string, string>();
  let command = '';
  let isFirst = true;
  for (const raw of text.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '' && !isFirst) continue;
    if (CONTROL.test(line)) {
      throw new ParseError('ESL_BAD_HEADER', 'control character in a header line', -1, line);
    }
    if (isFirst && direction === 'to-server') {
      command = line.trim();
    } else {
      addHeader(headers, line);
    }
    isFirst = false;
  }
  return { command, headers };
}

function addHeader(headers: Map<string, string>, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0)).trimEnd().toLowerCase();
  if (colon < 1 || !HEADER_NAME.test(name)) {
    throw new ParseError('ESL_BAD_HEADER', 'header line without a name', -1, line);
  }
  const value = line.slice(colon + 1).trim();
  // Two lengths that differ would let two readers see two different frames.
  if (name === 'content-length' && (headers.get(name) ?? value) !== value) {
    throw new ParseError('ESL_BAD_CONTENT_LENGTH', 'two Content-Length headers differ', -1, value);
  }
  headers.set(name, value);
}

export type HeaderList = readonly (readonly [name: string, value: string])[];

/**
 * One frame as bytes, header and body together (a body that comes late makes FreeSWITCH spin).
 * `command` is empty towards the client. Content-Length is added when `body` is not undefined.
 * Throws `ESL_BAD_VALUE` when a line would not survive the wire.
 */
export function encodeFrame(command: string, headers: HeaderList, body?: string): Buffer {
  let text = '';
  if (command !== '') {
    if (CONTROL.test(command)) throw badValue('command');
    text = `${command}\n`;
  }
  for (const [name, value] of headers) {
    if (!HEADER_NAME.test(name) || CONTROL.test(value)) throw badValue(name);
    text += `${name}: ${value}\n`;
  }
  if (body === undefined) return Buffer.from(`${text}\n`, 'utf8');
  return Buffer.from(`${text}Content-Length: ${Buffer.byteLength(body, 'utf8')}\n\n${body}`, 'utf8');
}

function badValue(name: string): CodedError {
  return new CodedError('ESL_BAD_VALUE', `the value of ${JSON.stringify(name)} cannot be sent as a line`);
}
