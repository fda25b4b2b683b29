import { ParseError } from '../lib/errors.ts';

/**
 * Character-level scanners shared by the SIP field parsers (RFC 3261 25.1). All work on strings whose folding is
 * already undone, so linear white space is SP and HTAB only. Every one is a single pass without regular
 * expressions, so hostile input costs no more than its length.
 */

/** Parameters of a header field or URI: names in lower case, `undefined` for a parameter without `=`. */
export type Params = ReadonlyMap<string, string | undefined>;

const TOKEN_CODES = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
  TOKEN_CODES[char.charCodeAt(0)] = 1;
}

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const LEFT_PAREN = 0x28;
const RIGHT_PAREN = 0x29;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const BACKSLASH = 0x5c;

export function isTokenCode(code: number): boolean {
  return code < 128 && TOKEN_CODES[code] === 1;
}

export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isTokenCode(text.charCodeAt(at))) return false;
  return text.length > 0;
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code !== SPACE && code !== TAB) break;
    at++;
  }
  return at;
}

/** First index at or after `from` that is no token character. */
export function skipToken(text: string, from: number): number {
  let at = from;
  while (at < text.length && isTokenCode(text.charCodeAt(at))) at++;
  return at;
}

/** Index of the quote that closes the one at `open`; −1 when it never closes. */
export function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
  return -1;
}

/** Takes the quoted-pairs out of what stood between two quotes. */
export function unescapeQuoted(inner: string): string {
  if (!inner.includes('\\')) return inner;
  let out = '';
  for (let at = 0; at < inner.length; at++) {
    if (inner.charCodeAt(at) === BACKSLASH && at + 1 < inner.length) at++;
    out += inner[at];
  }
  return out;
}

/**
 * A quoted-string. Control characters become spaces: a display name out of an XML document may hold a line break,
 * which would end the header field on the wire.
 */
export function quote(text: string): string {
  let out = '"';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code === 0x7f) out += ' ';
    else if (code === QUOTE || code === BACKSLASH) out += `\\${text[at]}`;
    else out += text[at];
  }
  return `${out}"`;
}

/**
 * Splits at a separator that stands outside quoted strings, `<…>` and comments; elements are trimmed and empty
 * ones dropped. Never throws: what does not close runs to the end (a lone parenthesis is an ordinary character).
 */
export function splitOutside(text: string, separator: ',' | ';'): string[] {
  const stop = separator === ',' ? COMMA : SEMICOLON;
  const out: string[] = [];
  let start = 0;
  // After one parenthesis that never closes the rest are characters too: looking on from each would cost n² steps.
  let hasComments = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === stop) {
      push(out, text, start, at);
      start = at + 1;
    } else if (code === QUOTE) {
      const close = closingQuote(text, at);
      at = close < 0 ? text.length : close;
    } else if (code === LESS) {
      const close = text.indexOf('>', at);
      at = close < 0 ? text.length : close;
    } else if (code === LEFT_PAREN && hasComments) {
      const close = closingParenthesis(text, at);
      if (close < 0) hasComments = false;
      else at = close;
    }
  }
  push(out, text, start, text.length);
  return out;
}

function push(out: string[], text: string, start: number, end: number): void {
  const element = text.slice(start, end).trim();
  if (element !== '') out.push(element);
}

/** Comments nest (RFC 3261 25.1). */
function closingParenthesis(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === LEFT_PAREN) depth++;
    else if (code === RIGHT_PAREN && --depth === 0) return at;
  }
  return -1;
}

const NO_PARAMS: Params = new Map();

/**
 * `;name[=value]…` from `from` to the end of the text. Values lose their quotes; the first of equal names wins, so
 * that appending a parameter cannot change what was there. Unquoted values may hold any character but
 * `;,"<>` and white space, because tags with `=` or `/` occur in the field. Throws SIP_BAD_PARAMETER.
 */
export function parseParams(text: string, from: number): Params {
  let at = skipSpace(text, from);
  if (at >= text.length) return NO_PARAMS;
  const params = new Map<string, string | undefined>();
  while (at < text.length) {
    if (text.charCodeAt(at) !== SEMICOLON) throw badParameter(text, at);
    at = skipSpace(text, at + 1);
    const nameStart = at;
    at = skipToken(text, at);
    if (at === nameStart) {
      if (at >= text.length || text.charCodeAt(at) === SEMICOLON) continue; // `;;` and a trailing `;` are seen in the field
      throw badParameter(text, at);
    }
    const name = text.slice(nameStart, at).toLowerCase();
    at = skipSpace(text, at);
    let value: string | undefined;
    if (text.charCodeAt(at) === EQUALS) {
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) === QUOTE) {
        const close = closingQuote(text, at);
        if (close < 0) throw badParameter(text, at);
        value = unescapeQuoted(text.slice(at + 1, close));
        at = close + 1;
      } else {
        const valueStart = at;
        while (at < text.length && isBareValueCode(text.charCodeAt(at))) at++;
        value = text.slice(valueStart, at);
      }
      at = skipSpace(text, at);
    }
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

function isBareValueCode(code: number): boolean {
  return (
    code > SPACE &&
    code !== SEMICOLON &&
    code !== COMMA &&
    code !== QUOTE &&
    code !== LESS &&
    code !== GREATER &&
    code !== 0x7f
  );
}

/** Feature tags (RFC 3840) and Reason text (RFC 3326) take quoted strings only, even where a token would do. */
const ALWAYS_QUOTED = new Set(
  'text actor class description duplex events language methods mobility schemes'.split(' '),
);

/** `;name=value…`, quoting what is no token. Throws SIP_BAD_PARAMETER for a name that is none. */
export function formatParams(params: Params): string {
  let out = '';
  for (const [name, value] of params) {
    if (!isToken(name)) throw badParameter(name, 0);
    if (value === undefined) out += `;${name}`;
    else out += `;${name}=${mustQuote(name, value) ? quote(value) : value}`;
  }
  return out;
}

function mustQuote(name: string, value: string): boolean {
  return name.startsWith('+') || ALWAYS_QUOTED.has(name) || !isToken(value);
}

function badParameter(text: string, at: number): ParseError {
  return new ParseError('SIP_BAD_PARAMETER', 'malformed parameter', at, text.slice(at));
}

/** A number of 1 to 10 digits up to 2^32−1, as delta-seconds and CSeq need; `undefined` for all else. */
export function parseUint32(text: string): number | undefined {
  if (text.length === 0 || text.length > 10) return undefined;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return undefined;
  }
  const value = Number(text);
  return value <= 0xffff_ffff ? value : undefined;
}
