/**
 * message/cpim (RFC 3862): the heads of a CPIM message, read from bytes with their offsets so that a switch can check and
 * replace single header lines and leave every other byte alone. Lines may end in a bare LF: shipping clients send it.
 */
import { ParseError } from '../lib/errors.ts';

export interface CpimHeader {
  /** As written, with its namespace prefix (`imdn.Message-ID`). */
  readonly name: string;
  /** UTF-8 decoded. */
  readonly value: string;
  /** First byte of the line. */
  readonly start: number;
  /** After the last byte of the line's text, before its line end. */
  readonly end: number;
}

export interface CpimAddress {
  readonly displayName: string;
  readonly uri: string;
}

export interface CpimHead {
  readonly headers: readonly CpimHeader[];
  readonly from: CpimAddress | null;
  readonly to: readonly CpimAddress[];
  /** Content-Type of the wrapped content as written; null when the inner head has none. */
  readonly contentType: string | null;
  /** Lower case; null when absent. */
  readonly contentTransferEncoding: string | null;
  /** Offset of the wrapped content. */
  readonly contentStart: number;
}

const LF = 0x0a;
const CR = 0x0d;
const MAX_HEADER_LINES = 128;

/**
 * Reads both heads of a CPIM message.
 * @returns null when `bytes` end before the heads do
 * @throws ParseError MSRP_BAD_CPIM
 */
export function parseCpim(bytes: Buffer): CpimHead | null {
  const headers: CpimHeader[] = [];
  const outerEnd = readHeaders(bytes, 0, headers);
  if (outerEnd < 0) return null;
  const inner: CpimHeader[] = [];
  const contentStart = readHeaders(bytes, outerEnd, inner);
  if (contentStart < 0) return null;
  let from: CpimAddress | null = null;
  const to: CpimAddress[] = [];
  for (const header of headers) {
    const name = header.name.toLowerCase();
    if (name === 'from') {
      if (from !== null) throw new ParseError('MSRP_BAD_CPIM', 'two From headers', header.start);
      from = parseCpimAddress(header.value);
    } else if (name === 'to') to.push(parseCpimAddress(header.value));
  }
  return {
    headers,
    from,
    to,
    contentType: valueOf(inner, 'content-type'),
    contentTransferEncoding: valueOf(inner, 'content-transfer-encoding')?.toLowerCase() ?? null,
    contentStart,
  };
}

/** `[display-name] <uri>` or a bare URI. @throws ParseError MSRP_BAD_CPIM */
export function parseCpimAddress(text: string): CpimAddress {
  const open = text.lastIndexOf('<');
  if (open < 0) {
    const uri = text.trim();
    if (!URI.test(uri)) throw new ParseError('MSRP_BAD_CPIM', 'no URI in an address', 0, text);
    return { displayName: '', uri };
  }
  const close = text.indexOf('>', open);
  const uri = text.slice(open + 1, close).trim();
  if (close < 0 || !URI.test(uri)) throw new ParseError('MSRP_BAD_CPIM', 'no URI in an address', 0, text);
  return { displayName: unquote(text.slice(0, open).trim()), uri };
}

export function formatCpimAddress(address: CpimAddress): string {
  if (address.displayName === '') return `<${address.uri}>`;
  return `"${address.displayName.replace(/["\\]/g, '\\$&')}" <${address.uri}>`;
}

export interface CpimWrap {
  /** Name-addr or URI in angle brackets. */
  readonly from: string;
  readonly to: string;
  /** RFC 3339. */
  readonly dateTime: string;
  /** Full Content-Type of the content that follows. */
  readonly contentType: string;
}

/** Both heads, ready to stand before the content. */
export function formatCpimHead(wrap: CpimWrap): string {
  return (
    `From: ${wrap.from}\r\nTo: ${wrap.to}\r\nDateTime: ${wrap.dateTime}\r\n\r\n` +
    `Content-Type: ${wrap.contentType}\r\n\r\n`
  );
}

const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>]+$/;

function valueOf(headers: readonly CpimHeader[], lowerName: string): string | null {
  return headers.find((header) => header.name.toLowerCase() === lowerName)?.value ?? null;
}

function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** Reads header lines from `start` up to an empty line; returns the offset after it, −1 when the bytes end before. */
function readHeaders(bytes: Buffer, start: number, into: CpimHeader[]): number {
  let at = start;
  for (;;) {
    const lineFeed = bytes.indexOf(LF, at);
    if (lineFeed < 0) return -1;
    const end = lineFeed > at && bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    if (end === at) return lineFeed + 1;
    if (into.length >= MAX_HEADER_LINES) throw new ParseError('MSRP_BAD_CPIM', 'too many header lines', at);
    into.push(readHeader(bytes, at, end));
    at = lineFeed + 1;
  }
}

function readHeader(bytes: Buffer, start: number, end: number): CpimHeader {
  const line = bytes.toString('utf8', start, end);
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!HEADER_NAME.test(name)) throw new ParseError('MSRP_BAD_CPIM', 'header without name', start, line);
  return { name, value: line.slice(colon + 1).trim(), start, end };
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
