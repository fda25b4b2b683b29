import { ParseError } from '../lib/errors.ts';
import { parseMediaType } from './content-types.ts';

/** One body part. */
export interface Part {
  /** By lower-case name; the first of two equal names counts. */
  readonly headers: ReadonlyMap<string, string>;
  /** Lower case, without parameters; `text/plain` where the part says nothing (RFC 2046 section 5.1). */
  readonly contentType: string;
  /** Without its angle brackets, as a `cid:` URL names it. */
  readonly contentId?: string;
  /** The Content-Disposition's word in lower case, without parameters. */
  readonly disposition?: string;
  /** A view of the body that was read, not a copy. */
  readonly body: Buffer;
}

/** Bounds of one multipart body; over a bound is `SIP_MULTIPART_LIMIT`. */
export interface MultipartOptions {
  /** Default 1 MiB. */
  readonly maxBytes?: number;
  /** Default 16. */
  readonly maxParts?: number;
  /** Bytes of the header fields of one part (default 8 KiB). */
  readonly maxHeaderBytes?: number;
}

export const MULTIPART_DEFAULTS: Required<MultipartOptions> = {
  maxBytes: 1_048_576,
  maxParts: 16,
  maxHeaderBytes: 8192,
};

const CR = 13;
const LF = 10;
const DASH = 45;
const MAX_BOUNDARY_CHARS = 200;

/**
 * The parts of a multipart body of any subtype (RFC 2046 section 5.1.1). Preamble and epilogue are left out, lines may
 * end in LF alone, and a multipart inside a part is a part like any other.
 *
 * @throws {ParseError} `SIP_MEDIA_TYPE` · `SIP_MULTIPART_BOUNDARY` none, or not usable · `SIP_MULTIPART_MALFORMED` ·
 *   `SIP_MULTIPART_LIMIT`
 */
export function parseMultipart(contentType: string, body: Buffer, options: MultipartOptions = {}): Part[] {
  const bounds = { ...MULTIPART_DEFAULTS, ...options };
  if (body.length > bounds.maxBytes) {
    throw new ParseError(
      'SIP_MULTIPART_LIMIT',
      `the body has ${body.length} bytes, ${bounds.maxBytes} are allowed`,
    );
  }
  const boundary = parseMediaType(contentType).parameters.get('boundary');
  if (boundary === undefined || boundary === '' || boundary.length > MAX_BOUNDARY_CHARS) {
    throw new ParseError(
      'SIP_MULTIPART_BOUNDARY',
      'the Content-Type has no usable boundary',
      -1,
      contentType,
    );
  }
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  const parts: Part[] = [];
  let current = nextDelimiter(body, delimiter, 0);
  if (current === undefined) {
    throw new ParseError('SIP_MULTIPART_MALFORMED', 'the boundary does not occur in the body', 0);
  }
  while (!current.closes) {
    const next = nextDelimiter(body, delimiter, current.end);
    if (next === undefined) {
      throw new ParseError('SIP_MULTIPART_MALFORMED', 'the last boundary is missing', body.length);
    }
    if (parts.length >= bounds.maxParts) {
      throw new ParseError('SIP_MULTIPART_LIMIT', `more than ${bounds.maxParts} parts`, current.end);
    }
    parts.push(readPart(body, current.end, next.start, bounds.maxHeaderBytes));
    current = next;
  }
  return parts;
}

interface Delimiter {
  /** Where the part before it ends: the line end in front of a delimiter belongs to the delimiter. */
  readonly start: number;
  /** After its own line end. */
  readonly end: number;
  readonly closes: boolean;
}

function nextDelimiter(body: Buffer, delimiter: Buffer, from: number): Delimiter | undefined {
  for (let at = body.indexOf(delimiter, from); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    if (at > 0 && body[at - 1] !== LF) continue;
    let end = at + delimiter.length;
    const closes = body[end] === DASH && body[end + 1] === DASH;
    if (closes) end += 2;
    while (body[end] === 32 || body[end] === 9) end += 1;
    if (body[end] === CR && body[end + 1] === LF) end += 2;
    else if (body[end] === LF) end += 1;
    // Anything else on the line makes it text that starts alike, such as a longer boundary. After the closing
    // delimiter only the epilogue follows, which some senders put on the same line.
    else if (!closes) continue;
    let start = at;
    if (start > from && body[start - 1] === LF) start -= 1;
    if (start > from && body[start - 1] === CR && body[start] === LF) start -= 1;
    return { start, end, closes };
  }
  return undefined;
}

function readPart(body: Buffer, from: number, to: number, maxHeaderBytes: number): Part {
  const headers = new Map<string, string>();
  let seenField = false;
  /** The field that a folded line continues; none after a second copy of a field, which is passed over. */
  let last: string | undefined;
  let at = from;
  while (at < to) {
    const lineFeed = body.indexOf(LF, at);
    const lineEnd = lineFeed < 0 || lineFeed > to ? to : lineFeed;
    const line = body.toString('utf8', at, body[lineEnd - 1] === CR && lineEnd > at ? lineEnd - 1 : lineEnd);
    at = Math.min(lineEnd + 1, to);
    if (line === '') return partOf(headers, body.subarray(at, to));
    if (at - from > maxHeaderBytes) {
      throw new ParseError(
        'SIP_MULTIPART_LIMIT',
        `header fields of a part over ${maxHeaderBytes} bytes`,
        from,
      );
    }
    if (/^[ \t]/.test(line) && seenField) {
      if (last !== undefined) headers.set(last, `${headers.get(last) ?? ''} ${line.trim()}`);
      continue;
    }
    const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)$/s.exec(line);
    if (field === null) {
      throw new ParseError(
        'SIP_MULTIPART_MALFORMED',
        'a line among the header fields of a part is none',
        at,
        line,
      );
    }
    seenField = true;
    const name = (field[1] ?? '').toLowerCase();
    last = headers.has(name) ? undefined : name;
    if (last !== undefined) headers.set(last, (field[2] ?? '').trim());
  }
  // Header fields and no empty line: a part with an empty body.
  return partOf(headers, body.subarray(to, to));
}

function partOf(headers: Map<string, string>, body: Buffer): Part {
  const contentType = headers.get('content-type');
  const contentId = headers.get('content-id');
  const disposition = headers.get('content-disposition');
  return {
    headers,
    contentType: contentType === undefined ? 'text/plain' : parseMediaType(contentType).type,
    ...(contentId !== undefined && { contentId: contentId.replace(/^<|>$/g, '') }),
    ...(disposition !== undefined && { disposition: parseMediaType(disposition).type }),
    body,
  };
}

/**
 * The parts of any message body: those of a multipart, or the body itself as the one part. An empty body has none.
 *
 * @param contentType the message's Content-Type, as received
 * @param messageHeaders for a body of one part: its other Content-* fields (Content-ID, Content-Disposition …)
 * @throws {ParseError} as `parseMultipart`, and `SIP_CONTENT_TYPE_MISSING` (RFC 3261 section 20.15)
 */
export function bodyParts(
  contentType: string | undefined,
  body: Buffer,
  messageHeaders: Iterable<readonly [string, string]> = [],
  options: MultipartOptions = {},
): Part[] {
  if (body.length === 0) return [];
  if (contentType === undefined) {
    throw new ParseError('SIP_CONTENT_TYPE_MISSING', 'a body without a Content-Type');
  }
  if (parseMediaType(contentType).type.startsWith('multipart/'))
    return parseMultipart(contentType, body, options);
  const headers = new Map<string, string>();
  for (const [name, value] of messageHeaders) {
    const key = name.toLowerCase();
    if (key.startsWith('content-') && !headers.has(key)) headers.set(key, value);
  }
  headers.set('content-type', contentType);
  return [partOf(headers, body)];
}

/** A part to be written. */
export interface PartToWrite {
  /** With its parameters. */
  readonly contentType: string;
  /** Without angle brackets. */
  readonly contentId?: string;
  /** With its parameters, such as `recipient-list-history; handling=optional`. */
  readonly disposition?: string;
  readonly body: Buffer | string;
}

/**
 * Writes a multipart/mixed body. The boundary given (default `parley-boundary`) is lengthened until it occurs in no
 * part, so the same parts give the same bytes.
 *
 * @returns the Content-Type with the boundary, and the body
 */
export function formatMultipart(
  parts: readonly PartToWrite[],
  boundary = 'parley-boundary',
): { contentType: string; body: Buffer } {
  const bodies = parts.map((part) => (typeof part.body === 'string' ? Buffer.from(part.body) : part.body));
  let unused = boundary;
  for (let count = 1; bodies.some((body) => body.includes(unused)); count += 1)
    unused = `${boundary}-${count}`;
  const pieces: Buffer[] = [];
  for (const [index, part] of parts.entries()) {
    let head = `--${unused}\r\nContent-Type: ${oneLine(part.contentType)}\r\n`;
    if (part.disposition !== undefined) head += `Content-Disposition: ${oneLine(part.disposition)}\r\n`;
    if (part.contentId !== undefined) head += `Content-ID: <${oneLine(part.contentId)}>\r\n`;
    pieces.push(Buffer.from(`${head}\r\n`), bodies[index] ?? Buffer.alloc(0), Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${unused}--\r\n`));
  return { contentType: `multipart/mixed;boundary="${unused}"`, body: Buffer.concat(pieces) };
}

/** A value can not start a header field of its own. */
function oneLine(value: string): string {
  return value.replace(/[\r\n]+/g, ' ');
}
