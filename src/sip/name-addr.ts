import { ParseError } from '../lib/errors.ts';
import {
  closingQuote,
  formatParams,
  type Params,
  parseParams,
  quote,
  skipSpace,
  splitOutside,
  unescapeQuoted,
} from './scan.ts';

/** `"Name" <uri>;params`, as in From, To, Contact, Refer-To, Referred-By, Route, P-Asserted-Identity. */
export interface NameAddr {
  /** Without quotes and escapes; absent rather than empty. */
  readonly displayName?: string;
  /** As received, not checked beyond having a scheme. */
  readonly uri: string;
  /** The header field's parameters (`tag`, `isfocus`), not the URI's. */
  readonly params: Params;
}

/** A literal that formats to `<uri>`. */
export const NO_PARAMS: Params = new Map();

/**
 * Reads one name-addr or addr-spec. Without `<>` all after the first semicolon belongs to the header field (RFC
 * 3261 20). An unquoted display name may hold more than the grammar's tokens (UTF-8, `@`), but no comma, semicolon
 * or quote. Throws SIP_BAD_NAME_ADDR or SIP_BAD_PARAMETER.
 */
export function parseNameAddr(text: string): NameAddr {
  let at = skipSpace(text, 0);
  let displayName = '';
  if (text.charAt(at) === '"') {
    const close = closingQuote(text, at);
    if (close < 0) throw bad(text, 'quoted string without an end', at);
    displayName = unescapeQuoted(text.slice(at + 1, close));
    at = skipSpace(text, close + 1);
    if (text.charAt(at) !== '<') throw bad(text, 'display name without an address', at);
  } else {
    const open = text.indexOf('<', at);
    const semicolon = text.indexOf(';', at);
    if (open < 0 || (semicolon >= 0 && semicolon < open)) return parseAddrSpec(text, at, semicolon);
    displayName = text.slice(at, open).trim();
    if (/[",>]/.test(displayName)) throw bad(text, 'display name that needs quotes', at);
    at = open;
  }
  const close = text.indexOf('>', at);
  if (close < 0) throw bad(text, 'address without its closing bracket', at);
  const uri = checkUri(text, text.slice(at + 1, close));
  const params = parseParams(text, close + 1);
  return displayName === '' ? { uri, params } : { displayName, uri, params };
}

function parseAddrSpec(text: string, from: number, semicolon: number): NameAddr {
  const end = semicolon < 0 ? text.length : semicolon;
  const uri = checkUri(text, text.slice(from, end).trimEnd());
  return { uri, params: parseParams(text, end) };
}

/** The URI's own parser decides more; here only what would make the field ambiguous. */
function checkUri(text: string, uri: string): string {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\s"<>]/.test(uri) || /[\s"<>\u0000-\u001f\u007f]/.test(uri)) {
    throw bad(text, 'no URI');
  }
  return uri;
}

/** Always with angle brackets, the display name always quoted. Throws SIP_BAD_NAME_ADDR for a URI that would break out. */
export function formatNameAddr(value: NameAddr): string {
  const uri = `<${checkUri(value.uri, value.uri)}>${formatParams(value.params)}`;
  return value.displayName === undefined || value.displayName === ''
    ? uri
    : `${quote(value.displayName)} ${uri}`;
}

/** Every address of several fields, each of which may be a comma-separated list. */
export function parseNameAddrList(values: readonly string[]): NameAddr[] {
  return values.flatMap((value) => splitOutside(value, ',')).map(parseNameAddr);
}

/** The `tag` parameter of a From or To value; `undefined` when there is none. */
export function tagOf(text: string): string | undefined {
  return parseNameAddr(text).params.get('tag');
}

function bad(text: string, what: string, at = -1): ParseError {
  return new ParseError('SIP_BAD_NAME_ADDR', `malformed address: ${what}`, at, text);
}
