import { ParseError } from '../lib/errors.ts';
import type { Params } from './scan.ts';

/**
 * A URI as SIP uses it (RFC 3261 19.1, RFC 3966). Escapes stay as received, so that `formatUri(parseUri(x))` says
 * the same as `x`; `canonicalAddress` and `addressKey` compare.
 */
export interface SipUri {
  /** Lower case: `sip`, `sips`, `tel`, or any other. */
  readonly scheme: string;
  /** For `tel:` the number. */
  readonly user?: string;
  readonly password?: string;
  /** As received; IPv6 in brackets; empty for `tel:` and opaque schemes. */
  readonly host: string;
  readonly port?: number;
  readonly params: Params;
  readonly headers: ReadonlyMap<string, string>;
  /** All after the colon, for schemes other than sip, sips, tel, im and pres (`cid:`, `urn:`, `https:` …). */
  readonly opaque?: string;
}

const NONE: Params = new Map();
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** Throws SIP_BAD_URI. No white space, quotes or angle brackets anywhere; `%` must start an escape in SIP URIs. */
export function parseUri(text: string): SipUri {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1 || !isScheme(text, colon)) throw badUri(text, 'no scheme');
  for (let at = colon + 1; at < text.length; at++)
    if (!isUriCode(text.charCodeAt(at))) throw badUri(text, 'character', at);
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips' || scheme === 'im' || scheme === 'pres')
    return parseSip(scheme, text, colon + 1);
  if (scheme === 'tel') return parseTel(text, colon + 1);
  return { scheme, host: '', params: NONE, headers: NO_HEADERS, opaque: text.slice(colon + 1) };
}

function isScheme(text: string, end: number): boolean {
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at) | 0x20;
    const isLetter = code >= 0x61 && code <= 0x7a;
    if (!isLetter && (at === 0 || !'0123456789+-.'.includes(text.charAt(at)))) return false;
  }
  return true;
}

function isUriCode(code: number): boolean {
  return code > 0x20 && code !== 0x22 && code !== 0x3c && code !== 0x3e && code !== 0x7f;
}

function parseSip(scheme: string, text: string, from: number): SipUri {
  checkEscapes(text, from);
  // A user part may hold `;`, `?` and `/` unescaped, but `@` never (RFC 3261 25.1): the first one ends it.
  const at = text.indexOf('@', from);
  const userinfo = at < 0 ? undefined : splitUserinfo(text, from, at);
  const hostStart = at < 0 ? from : at + 1;
  const question = text.indexOf('?', hostStart);
  const headersStart = question < 0 ? text.length : question;
  const semicolon = text.indexOf(';', hostStart);
  const hostEnd = semicolon < 0 || semicolon > headersStart ? headersStart : semicolon;
  const { host, port } = splitHostPort(text, hostStart, hostEnd);
  return {
    scheme,
    ...userinfo,
    host,
    ...(port === undefined ? {} : { port }),
    params: parseUriParams(text.slice(hostEnd, headersStart)),
    headers: parseUriHeaders(text.slice(headersStart + 1)),
  };
}

function splitUserinfo(text: string, from: number, at: number): { user: string; password?: string } {
  const colon = text.indexOf(':', from);
  const userEnd = colon < 0 || colon > at ? at : colon;
  if (userEnd === from) throw badUri(text, 'empty user', from);
  const user = text.slice(from, userEnd);
  return userEnd === at ? { user } : { user, password: text.slice(userEnd + 1, at) };
}

function splitHostPort(text: string, from: number, end: number): { host: string; port?: number } {
  const hostport = text.slice(from, end);
  const bracket = hostport.startsWith('[') ? hostport.indexOf(']') : 0;
  const colon = bracket < 0 ? -1 : hostport.indexOf(':', bracket);
  const host = colon < 0 ? hostport : hostport.slice(0, colon);
  if (!isHost(host)) throw badUri(text, 'host', from);
  if (colon < 0) return { host };
  const digits = hostport.slice(colon + 1);
  if (!/^\d{1,5}$/.test(digits) || Number(digits) > 65_535) throw badUri(text, 'port', from + colon);
  return { host, port: Number(digits) };
}

/** A host name, IPv4 or bracketed IPv6 address by its characters; whether it resolves is for the network to say. */
export function isHost(host: string): boolean {
  return (
    host.length <= 255 &&
    (/^[A-Za-z0-9](?:[A-Za-z0-9._-]*)$/.test(host) || /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(host))
  );
}

function parseTel(text: string, from: number): SipUri {
  checkEscapes(text, from);
  const semicolon = text.indexOf(';', from);
  const end = semicolon < 0 ? text.length : semicolon;
  const user = text.slice(from, end);
  if (!/^(?:\+[0-9().-]*[0-9][0-9().-]*|[0-9A-Fa-f*#().-]+)$/.test(user))
    throw badUri(text, 'telephone number', from);
  return { scheme: 'tel', user, host: '', params: parseUriParams(text.slice(end)), headers: NO_HEADERS };
}

function parseUriParams(text: string): Params {
  if (text === '') return NONE;
  const params = new Map<string, string | undefined>();
  for (const part of text.split(';')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    if (name === '') throw badUri(text, 'parameter without a name');
    if (!params.has(name)) params.set(name, equals < 0 ? undefined : part.slice(equals + 1));
  }
  return params;
}

function parseUriHeaders(text: string): ReadonlyMap<string, string> {
  if (text === '') return NO_HEADERS;
  const fields = new Map<string, string>();
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    if (equals < 1) throw badUri(text, 'header without a name or value');
    const name = part.slice(0, equals);
    if (!fields.has(name)) fields.set(name, part.slice(equals + 1));
  }
  return fields;
}

function checkEscapes(text: string, from: number): void {
  for (let at = text.indexOf('%', from); at >= 0; at = text.indexOf('%', at + 3)) {
    if (!/^[0-9A-Fa-f]{2}$/.test(text.slice(at + 1, at + 3))) throw badUri(text, 'escape', at);
  }
}

export function formatUri(uri: SipUri): string {
  if (uri.opaque !== undefined) return `${uri.scheme}:${uri.opaque}`;
  let out = `${uri.scheme}:`;
  if (uri.user !== undefined) out += uri.user;
  if (uri.password !== undefined) out += `:${uri.password}`;
  if (uri.scheme !== 'tel') out += uri.user === undefined ? uri.host : `@${uri.host}`;
  if (uri.port !== undefined) out += `:${uri.port}`;
  for (const [name, value] of uri.params) out += value === undefined ? `;${name}` : `;${name}=${value}`;
  let separator = '?';
  for (const [name, value] of uri.headers) {
    out += `${separator}${name}=${value}`;
    separator = '&';
  }
  return out;
}

/** Undoes `%XX` (UTF-8 where the octets are valid UTF-8, else Latin-1); what is no escape stays. */
export function unescapeUri(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

function badUri(text: string, what: string, at = -1): ParseError {
  return new ParseError('SIP_BAD_URI', `malformed URI: ${what}`, at, text);
}

/**
 * A URI that somebody wrote down, as the Request-URI of a request of ours: with its port and parameters, without the
 * method and the header fields that a URI in a list or a Refer-To may have (RFC 5366 section 5, RFC 3261 section
 * 19.1.5). Separators in telephone numbers say nothing and are left out. sips asks for TLS on the way and becomes sip with
 * that transport: the hop to our own proxy is inside of one host, and with sips it would have to be TLS as well. Throws
 * SIP_BAD_URI.
 */
export function requestUriOf(text: string): string {
  const uri = parseAddress(text);
  const params = new Map(uri.params);
  params.delete('method');
  if (uri.scheme === 'sips' && !/^wss?$/i.test(params.get('transport') ?? '')) params.set('transport', 'tls');
  const isPhone = uri.scheme === 'tel' || params.get('user')?.toLowerCase() === 'phone';
  const user =
    isPhone && uri.user !== undefined ? { user: uri.user.replace(/^[^;]+/, withoutSeparators) } : {};
  const scheme = uri.scheme === 'sips' ? 'sip' : uri.scheme;
  return formatUri({ ...uri, scheme, ...user, params, headers: NO_HEADERS });
}

// Addresses for policy: which spellings mean one user (reading A-51). Port, password, parameters and headers never
// tell two users apart.

/**
 * The one spelling of an address: `sip:user@host` (sips is the same user as sip), or `tel:` with its visual
 * separators gone. Host in lower case without a final dot; escapes of characters that need none are undone, the others have upper-case
 * digits. Throws SIP_BAD_URI.
 */
export function canonicalAddress(text: string): string {
  return canonical(parseAddress(text));
}

/**
 * The key under which `tel:+n` and `sip:+n@any-domain;user=phone` meet (RFC 3261 19.1.6): take it from the URI as
 * received, because `canonicalAddress` drops the `user=phone` that says so. Throws SIP_BAD_URI.
 */
export function addressKey(text: string): string {
  const uri = parseAddress(text);
  if (uri.scheme === 'sip' || uri.scheme === 'sips') {
    const number =
      uri.params.get('user')?.toLowerCase() === 'phone' ? globalNumber(uri.user ?? '') : undefined;
    if (number !== undefined) return `tel:${number}`;
  }
  return canonical(uri);
}

/** Whether two URIs are one user's. Throws SIP_BAD_URI. */
export function sameUser(a: string, b: string): boolean {
  return a === b ? addressKey(a) !== '' : addressKey(a) === addressKey(b);
}

/** People write telephone numbers in documents and policy with spaces as separators; RFC 3966 has none. */
function parseAddress(text: string): SipUri {
  const trimmed = text.trim();
  return parseUri(/^tel:/i.test(trimmed) ? trimmed.replaceAll(' ', '') : trimmed);
}

function canonical(uri: SipUri): string {
  if (uri.scheme === 'tel') return canonicalTel(uri);
  if (uri.opaque !== undefined) return `${uri.scheme}:${uri.opaque}`;
  const scheme = uri.scheme === 'sips' ? 'sip' : uri.scheme;
  const host = canonicalHost(uri.host);
  if (uri.user === undefined) return `${scheme}:${host}`;
  const isPhone = uri.params.get('user')?.toLowerCase() === 'phone';
  const user = isPhone ? (globalNumber(uri.user) ?? canonicalUser(uri.user)) : canonicalUser(uri.user);
  return `${scheme}:${user}@${host}`;
}

function canonicalTel(uri: SipUri): string {
  const number = withoutSeparators(uri.user ?? '').toLowerCase();
  const context = number.startsWith('+') ? undefined : uri.params.get('phone-context');
  // A local number means nothing without its context (RFC 3966 5.1.5).
  return context === undefined ? `tel:${number}` : `tel:${number};phone-context=${context.toLowerCase()}`;
}

function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** `+n` with digits only, out of the telephone-subscriber of a SIP URI; its own parameters (`;isub=…`) are dropped. */
function globalNumber(user: string): string | undefined {
  const semicolon = user.indexOf(';');
  const number = withoutSeparators(canonicalUser(semicolon < 0 ? user : user.slice(0, semicolon)));
  return /^\+\d+$/.test(number) ? number : undefined;
}

function withoutSeparators(number: string): string {
  return number.replace(/[().-]/g, '');
}

/** Characters that a user part may hold unescaped (unreserved and user-unreserved, RFC 3261 25.1). */
const PLAIN_IN_USER = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/]$/;

function canonicalUser(user: string): string {
  if (!user.includes('%')) return user;
  return user.replace(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return PLAIN_IN_USER.test(char) ? char : escape.toUpperCase();
  });
}
