import { isAscii, isUtf8 } from 'node:buffer';

import { ParseError } from '../lib/errors.ts';
import { isToken, parseUint32, splitOutside } from './scan.ts';

/**
 * A SIP message at header-field level (RFC 3261 7). Kamailio has framed and checked the message before; this reads
 * its byte copy and trusts nothing in it.
 *
 * Lines end in CRLF; a bare LF ends a line too, because Kamailio accepts it and we must see the same fields as it
 * does. A CR that no LF follows is refused. Values keep NUL and other octets: UTF-8 where a value is valid UTF-8,
 * Latin-1 otherwise, decided value by value.
 */
export interface SipHeader {
  /** As received, except that a compact form (`f`) has its long name (`From`). */
  readonly name: string;
  /** Trimmed, with folding replaced by one space. */
  readonly value: string;
}

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

export interface SipLimits {
  /** Header fields in one message; default 256. */
  readonly maxHeaders?: number;
  /** Start line and header fields together; default 32,768. */
  readonly maxHeadBytes?: number;
  /** The whole message; default 262,144 (the largest body Kamailio can take in over TCP is well below). */
  readonly maxMessageBytes?: number;
}

const DEFAULT_MAX_HEADERS = 256;
const DEFAULT_MAX_HEAD_BYTES = 32_768;
const DEFAULT_MAX_MESSAGE_BYTES = 262_144;

const COMPACT_FORMS: ReadonlyMap<string, string> = new Map([
  ['a', 'Accept-Contact'],
  ['b', 'Referred-By'],
  ['c', 'Content-Type'],
  ['d', 'Request-Disposition'],
  ['e', 'Content-Encoding'],
  ['f', 'From'],
  ['i', 'Call-ID'],
  ['j', 'Reject-Contact'],
  ['k', 'Supported'],
  ['l', 'Content-Length'],
  ['m', 'Contact'],
  ['n', 'Identity-Info'],
  ['o', 'Event'],
  ['r', 'Refer-To'],
  ['s', 'Subject'],
  ['t', 'To'],
  ['u', 'Allow-Events'],
  ['v', 'Via'],
  ['x', 'Session-Expires'],
  ['y', 'Identity'],
]);

const LF = 0x0a;
const CR = 0x0d;

/**
 * Reads one whole message. The body has the length that Content-Length says (bytes after it are left out, RFC 3261
 * 18.3), or all that follows the headers when the field is absent.
 *
 * Throws `ParseError`: SIP_TOO_LARGE, SIP_TOO_MANY_HEADERS, SIP_TRUNCATED (no empty line, or a body shorter than
 * Content-Length), SIP_BAD_START_LINE, SIP_BAD_VERSION, SIP_BAD_HEADER, SIP_BAD_CONTENT_LENGTH.
 */
export function parseSipMessage(bytes: Buffer, limits: SipLimits = {}): SipMessage {
  if (bytes.length > (limits.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES)) {
    throw new ParseError('SIP_TOO_LARGE', `message of ${bytes.length} bytes`);
  }
  const start = skipEmptyLines(bytes);
  const bodyStart = endOfHead(bytes, start, limits.maxHeadBytes ?? DEFAULT_MAX_HEAD_BYTES);
  const head = bytes.subarray(start, bodyStart);
  const lines = unfold(head.toString('latin1'), limits.maxHeaders ?? DEFAULT_MAX_HEADERS);
  const text = isAscii(head) ? keep : decodeValue;
  const headers: SipHeader[] = [];
  for (let at = 1; at < lines.length; at++) headers.push(parseHeaderLine(lines[at] as string, text));
  const body = takeBody(bytes, bodyStart, headers);
  return parseStartLine(lines[0] as string, text, headers, body);
}

/** RFC 3261 7.5: empty lines before the start line are ignored. */
function skipEmptyLines(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === CR || bytes[at] === LF) at++;
  return at;
}

function endOfHead(bytes: Buffer, start: number, maxHeadBytes: number): number {
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf(LF, at);
    if (lineEnd < 0 || lineEnd - start >= maxHeadBytes) {
      if (bytes.length - start > maxHeadBytes)
        throw new ParseError('SIP_TOO_LARGE', 'header section too long');
      throw new ParseError('SIP_TRUNCATED', 'no empty line after the header fields', bytes.length);
    }
    if (lineEnd === at || (lineEnd === at + 1 && bytes[at] === CR)) return lineEnd + 1;
    at = lineEnd + 1;
  }
}

/** Logical lines without the final empty one; a line that begins with white space continues the one before. */
function unfold(head: string, maxHeaders: number): string[] {
  const lines: string[] = [];
  let at = 0;
  while (at < head.length) {
    const lf = head.indexOf('\n', at);
    const end = lf > at && head.charCodeAt(lf - 1) === CR ? lf - 1 : lf;
    if (end === at) break;
    const line = head.slice(at, end);
    const first = line.charCodeAt(0);
    if (line.includes('\r')) throw new ParseError('SIP_BAD_HEADER', 'CR without LF', at, line);
    if (first !== 0x20 && first !== 0x09) lines.push(line);
    else if (lines.length > 1) lines[lines.length - 1] += ` ${trimSpace(line)}`;
    else throw new ParseError('SIP_BAD_START_LINE', 'white space before the first header field', at, line);
    if (lines.length > maxHeaders + 1)
      throw new ParseError('SIP_TOO_MANY_HEADERS', `more than ${maxHeaders} header fields`);
    at = lf + 1;
  }
  return lines;
}

function parseHeaderLine(line: string, text: (latin1: string) => string): SipHeader {
  const colon = line.indexOf(':');
  const name = colon < 0 ? '' : trimSpace(line.slice(0, colon));
  if (!isToken(name)) throw new ParseError('SIP_BAD_HEADER', 'header field without a name', -1, line);
  const long = name.length === 1 ? COMPACT_FORMS.get(name.toLowerCase()) : undefined;
  return { name: long ?? name, value: text(trimSpace(line.slice(colon + 1))) };
}

/** Not `trim()`: that would also eat NUL-adjacent Unicode spaces which belong to the value. */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function keep(text: string): string {
  return text;
}

function decodeValue(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}

function takeBody(bytes: Buffer, bodyStart: number, headers: readonly SipHeader[]): Buffer {
  const rest = bytes.subarray(bodyStart);
  const lengths = valuesOf(headers, 'content-length');
  const first = lengths[0];
  if (first === undefined) return rest;
  const length = parseUint32(first);
  if (length === undefined || lengths.some((other) => other !== first)) {
    throw new ParseError('SIP_BAD_CONTENT_LENGTH', 'Content-Length is no number or not one', -1, first);
  }
  if (length > rest.length) {
    throw new ParseError(
      'SIP_TRUNCATED',
      `Content-Length ${length}, but ${rest.length} bytes follow`,
      bytes.length,
    );
  }
  return rest.subarray(0, length);
}

function parseStartLine(
  line: string,
  text: (latin1: string) => string,
  headers: readonly SipHeader[],
  body: Buffer,
): SipMessage {
  const firstSpace = line.indexOf(' ');
  const first = firstSpace < 0 ? line : line.slice(0, firstSpace);
  if (isVersion(first)) {
    const code = line.slice(firstSpace + 1, firstSpace + 4);
    const status = parseUint32(code);
    const after = line.charAt(firstSpace + 4);
    if (status === undefined || status < 100 || status > 699 || (after !== '' && after !== ' '))
      throw badStartLine(line);
    return { kind: 'response', status, reason: text(line.slice(firstSpace + 5)), headers, body };
  }
  const lastSpace = line.lastIndexOf(' ');
  const uri = line.slice(firstSpace + 1, lastSpace);
  if (!isToken(first) || uri === '' || firstSpace >= lastSpace || !isRequestUri(uri))
    throw badStartLine(line);
  const version = line.slice(lastSpace + 1);
  if (!isVersion(version)) {
    const code = /^SIP\/\d+\.\d+$/i.test(version) ? 'SIP_BAD_VERSION' : 'SIP_BAD_START_LINE';
    throw new ParseError(code, 'the start line does not end in SIP/2.0', lastSpace + 1, line);
  }
  return { kind: 'request', method: first, uri: text(uri), headers, body };
}

function isVersion(text: string): boolean {
  return text.length === 7 && (text === 'SIP/2.0' || text.toUpperCase() === 'SIP/2.0');
}

/** No white space, control characters or angle brackets (RFC 4475 3.1.2.7 and 3.1.2.8). */
function isRequestUri(uri: string): boolean {
  for (let at = 0; at < uri.length; at++) {
    const code = uri.charCodeAt(at);
    if (code <= 0x20 || code === 0x7f || code === 0x3c || code === 0x3e || code === 0x22) return false;
  }
  return true;
}

function badStartLine(line: string): ParseError {
  return new ParseError('SIP_BAD_START_LINE', 'neither a request line nor a status line', 0, line);
}

/**
 * The message on the wire, its header fields as given; Content-Length is set to the body's length (replaced where it
 * stands, else added last). Throws SIP_BAD_HEADER for a name that is no token or a value with CR or LF, which would
 * let one field write another, and SIP_BAD_START_LINE.
 */
export function formatSipMessage(message: SipMessage): Buffer {
  const startLine =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  if (/[\r\n]/.test(startLine)) throw badStartLine(startLine);
  const length = String(message.body.length);
  let lengthSeen = false;
  let head = `${startLine}\r\n`;
  for (const { name, value } of message.headers) {
    if (!isToken(name) || /[\r\n]/.test(value)) {
      throw new ParseError(
        'SIP_BAD_HEADER',
        'header field that would not stay one line',
        -1,
        `${name}: ${value}`,
      );
    }
    const isLength = name.toLowerCase() === 'content-length';
    lengthSeen ||= isLength;
    head += `${name}: ${isLength ? length : value}\r\n`;
  }
  if (!lengthSeen) head += `Content-Length: ${length}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'utf8'), message.body]);
}

/** The first field of that name (any case, long or compact), `undefined` when there is none. */
export function header(
  message: { readonly headers: readonly SipHeader[] },
  name: string,
): string | undefined {
  const wanted = longName(name);
  for (const field of message.headers) {
    if (field.name.length === wanted.length && field.name.toLowerCase() === wanted) return field.value;
  }
  return undefined;
}

/** As `header`, but throws SIP_MISSING_HEADER when there is none. */
export function requiredHeader(message: { readonly headers: readonly SipHeader[] }, name: string): string {
  const value = header(message, name);
  if (value === undefined) throw new ParseError('SIP_MISSING_HEADER', `no ${name} header field`);
  return value;
}

/** Every field of that name, one entry a field, in order. */
export function headers(message: { readonly headers: readonly SipHeader[] }, name: string): string[] {
  return valuesOf(message.headers, longName(name));
}

/** Every element of every field of that name: split at commas outside quotes, `<…>` and comments (RFC 3261 7.3.1). */
export function listHeader(message: { readonly headers: readonly SipHeader[] }, name: string): string[] {
  return headers(message, name).flatMap((value) => splitOutside(value, ','));
}

function longName(name: string): string {
  const lower = name.toLowerCase();
  return lower.length === 1 ? (COMPACT_FORMS.get(lower) ?? lower).toLowerCase() : lower;
}

function valuesOf(fields: readonly SipHeader[], lowerName: string): string[] {
  const out: string[] = [];
  for (const field of fields) {
    if (field.name.length === lowerName.length && field.name.toLowerCase() === lowerName)
      out.push(field.value);
  }
  return out;
}
