import { ParseError } from '../lib/errors.ts';
import { formatParams, type Params, parseParams, parseUint32 } from './scan.ts';

/** Session-Expires (compact form x) and Min-SE of RFC 4028. */
export interface SessionExpires {
  readonly deltaS: number;
  /** Who refreshes; absent when the field leaves it open. */
  readonly refresher?: 'uac' | 'uas';
}

/** `1800;refresher=uac`. An unknown refresher is a malformed field. Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function parseSessionExpires(text: string): SessionExpires {
  const { deltaS, params } = parseDelta(text, 'Session-Expires');
  const refresher = params.get('refresher')?.toLowerCase();
  if (refresher === undefined) return { deltaS };
  if (refresher === 'uac' || refresher === 'uas') return { deltaS, refresher };
  throw new ParseError('SIP_BAD_FIELD', 'Session-Expires with an unknown refresher', 0, text);
}

export function formatSessionExpires(value: SessionExpires): string {
  return value.refresher === undefined ? `${value.deltaS}` : `${value.deltaS};refresher=${value.refresher}`;
}

/** Seconds. Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function parseMinSe(text: string): number {
  return parseDelta(text, 'Min-SE').deltaS;
}

/** Expires and Min-Expires: seconds (RFC 3261 20.19). Throws SIP_BAD_FIELD. */
export function parseExpires(text: string): number {
  const value = parseUint32(text.trim());
  if (value === undefined) throw new ParseError('SIP_BAD_FIELD', 'malformed Expires', 0, text);
  return value;
}

/** Retry-After: seconds, perhaps a comment, perhaps how long the service will then be up (RFC 3261 20.33). */
export interface RetryAfter {
  readonly seconds: number;
  readonly durationS?: number;
}

/** Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function parseRetryAfter(text: string): RetryAfter {
  const { deltaS, params } = parseDelta(withoutComment(text), 'Retry-After');
  const durationS = parseUint32(params.get('duration') ?? '');
  return durationS === undefined ? { seconds: deltaS } : { seconds: deltaS, durationS };
}

export function formatRetryAfter(value: RetryAfter): string {
  const duration = value.durationS === undefined ? '' : String(value.durationS);
  return `${value.seconds}${duration === '' ? '' : formatParams(new Map([['duration', duration]]))}`;
}

function withoutComment(text: string): string {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  return open < 0 || close < open ? text : `${text.slice(0, open)}${text.slice(close + 1)}`;
}

function parseDelta(text: string, field: string): { deltaS: number; params: Params } {
  const semicolon = text.indexOf(';');
  const end = semicolon < 0 ? text.length : semicolon;
  const deltaS = parseUint32(text.slice(0, end).trim());
  if (deltaS === undefined) throw new ParseError('SIP_BAD_FIELD', `malformed ${field}`, 0, text);
  return { deltaS, params: parseParams(text, end) };
}
