import { ParseError } from '../lib/errors.ts';
import { formatParams, isToken, type Params, parseParams, parseUint32 } from './scan.ts';

/** Event (compact form o, RFC 6665 8.2.1). */
export interface EventField {
  /** The package with its template, as received: `conference`, `refer`, `presence.winfo`. */
  readonly package: string;
  readonly id?: string;
  readonly params: Params;
}

/** Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function parseEvent(text: string): EventField {
  const { token, params } = tokenWithParams(text, 'Event');
  const id = params.get('id');
  return id === undefined ? { package: token, params } : { package: token, id, params };
}

export function formatEvent(packageName: string, id?: string): string {
  return `${packageName}${id === undefined ? '' : formatParams(new Map([['id', id]]))}`;
}

/** Subscription-State (RFC 6665 8.2.3). */
export interface SubscriptionState {
  /** Lower case: `active`, `pending`, `terminated` or an extension. */
  readonly state: string;
  /** Lower case: `noresource`, `timeout`, `deactivated`, `giveup`, `rejected`, `probation`, `invariant` … */
  readonly reason?: string;
  readonly expiresS?: number;
  readonly retryAfterS?: number;
}

/** Numbers that are none are left out. Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function parseSubscriptionState(text: string): SubscriptionState {
  const { token, params } = tokenWithParams(text, 'Subscription-State');
  const reason = params.get('reason')?.toLowerCase();
  const expiresS = parseUint32(params.get('expires') ?? '');
  const retryAfterS = parseUint32(params.get('retry-after') ?? '');
  return {
    state: token.toLowerCase(),
    ...(reason === undefined ? {} : { reason }),
    ...(expiresS === undefined ? {} : { expiresS }),
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  };
}

export function formatSubscriptionState(value: SubscriptionState): string {
  const params = new Map<string, string>();
  if (value.reason !== undefined) params.set('reason', value.reason);
  if (value.expiresS !== undefined) params.set('expires', String(value.expiresS));
  if (value.retryAfterS !== undefined) params.set('retry-after', String(value.retryAfterS));
  return `${value.state}${formatParams(params)}`;
}

function tokenWithParams(text: string, field: string): { token: string; params: Params } {
  const semicolon = text.indexOf(';');
  const end = semicolon < 0 ? text.length : semicolon;
  const token = text.slice(0, end).trim();
  if (!isToken(token)) throw new ParseError('SIP_BAD_FIELD', `malformed ${field}`, 0, text);
  return { token, params: parseParams(text, end) };
}
