/** MSRP frames as bytes and back (RFC 4975 section 9). Independent of the product's own codec on purpose. */

export type Flag = '$' | '+' | '#';

export interface Frame {
  /** SEND, REPORT, …; '' in a response. */
  readonly method: string;
  /** 0 in a request. */
  readonly status: number;
  readonly comment: string;
  readonly transactionId: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Undefined: the frame has no body at all; an empty buffer: a body of no bytes. */
  readonly body: Buffer | undefined;
  readonly flag: Flag;
  readonly raw: Buffer;
  header(name: string): string | undefined;
}

export class MsrpSyntaxError extends Error {
  readonly code = 'AGENT_MSRP_SYNTAX';
}

export interface FrameParts {
  readonly startLine: string;
  readonly transactionId: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body?: Buffer | undefined;
  readonly flag?: Flag;
}

/** `startLine` is all after the transaction id: `SEND` or `200 OK`. */
export function encodeFrame(parts: FrameParts): Buffer {
  const head = [
    `MSRP ${parts.transactionId} ${parts.startLine}`,
    ...parts.fields.map(([name, value]) => `${name}: ${value}`),
  ].join('\r\n');
  const end = `-------${parts.transactionId}${parts.flag ?? '$'}\r\n`;
  if (parts.body === undefined) return Buffer.from(`${head}\r\n${end}`);
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), parts.body, Buffer.from(`\r\n${end}`)]);
}

const MAX_HEAD_BYTES = 64 * 1024;

/** Cuts a byte stream into frames. After a syntax error the stream is lost: close the connection. */
export class MsrpStream {
  #buffer: Buffer = Buffer.alloc(0);
  /** How far the search for the end-line has come in #buffer. */
  #searched = 0;

  feed(chunk: Buffer): Frame[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  /** Bytes of an unfinished frame. */
  get pendingBytes(): number {
    return this.#buffer.length;
  }

  #next(): Frame | undefined {
    const lineEnd = this.#buffer.indexOf('\r\n');
    if (lineEnd < 0) {
      if (this.#buffer.length > MAX_HEAD_BYTES) throw new MsrpSyntaxError('first line too long');
      return undefined;
    }
    const startLine = this.#buffer.subarray(0, lineEnd).toString('utf8');
    const match = /^MSRP ([A-Za-z0-9][A-Za-z0-9.\-+%=]{3,31}) (?:([A-Z]+)|(\d{3})(?: (.*))?)$/.exec(
      startLine,
    );
    if (match === null) throw new MsrpSyntaxError(`malformed first line "${startLine.slice(0, 80)}"`);
    const [, transactionId = '', method = '', status = '0', comment = ''] = match;
    const marker = Buffer.from(`\r\n-------${transactionId}`);
    let from = Math.max(lineEnd, this.#searched);
    for (;;) {
      const at = this.#buffer.indexOf(marker, from);
      if (at < 0) {
        this.#searched = Math.max(lineEnd, this.#buffer.length - marker.length);
        return undefined;
      }
      const tail = at + marker.length;
      if (this.#buffer.length < tail + 3) {
        this.#searched = at;
        return undefined;
      }
      const flag = String.fromCharCode(this.#buffer[tail] ?? 0);
      const ends = this.#buffer[tail + 1] === 13 && this.#buffer[tail + 2] === 10;
      if (ends && (flag === '$' || flag === '+' || flag === '#')) {
        const raw = Buffer.from(this.#buffer.subarray(0, tail + 3));
        this.#buffer = this.#buffer.subarray(tail + 3);
        this.#searched = 0;
        return makeFrame({
          method,
          status: Number(status),
          comment,
          transactionId,
          flag,
          raw,
          lineEnd,
          endLine: at,
        });
      }
      from = at + 1;
    }
  }
}

interface Cut {
  readonly method: string;
  readonly status: number;
  readonly comment: string;
  readonly transactionId: string;
  readonly flag: Flag;
  readonly raw: Buffer;
  readonly lineEnd: number;
  /** Offset of the CRLF before the end-line. */
  readonly endLine: number;
}

function makeFrame(cut: Cut): Frame {
  const { raw, lineEnd, endLine } = cut;
  const blank = raw.indexOf('\r\n\r\n', lineEnd);
  const hasBody = blank >= 0 && blank + 2 <= endLine;
  if (hasBody && blank + 4 > endLine)
    throw new MsrpSyntaxError('an empty line but no CRLF before the end-line');
  const headEnd = hasBody ? blank : endLine;
  const fields: (readonly [string, string])[] = [];
  if (headEnd > lineEnd) {
    for (const line of raw
      .subarray(lineEnd + 2, headEnd)
      .toString('utf8')
      .split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon <= 0) throw new MsrpSyntaxError(`malformed header line "${line.slice(0, 80)}"`);
      fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
  }
  return {
    method: cut.method,
    status: cut.status,
    comment: cut.comment,
    transactionId: cut.transactionId,
    fields,
    body: hasBody ? raw.subarray(blank + 4, endLine) : undefined,
    flag: cut.flag,
    raw,
    header: (name) => fields.find(([field]) => field.toLowerCase() === name.toLowerCase())?.[1],
  };
}

/** `SEND tid` or `200 OK`, for messages to people. */
export function frameSummary(frame: Frame): string {
  return frame.method === ''
    ? `${frame.status} ${frame.comment}`.trim()
    : `${frame.method} ${frame.transactionId}`;
}
