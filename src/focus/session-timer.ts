/** Session timers (RFC 4028) as the focus uses them: the client refreshes, we supervise. */
import { header, type SipRequest } from '../sip/message.ts';
import { parseSessionExpires } from '../sip/session-expires.ts';

/** When a session that was not refreshed is given up: min(32 s, a third) before its end (RFC 4028 section 10). */
export function sessionDeadlineMs(nowMs: number, expiresS: number): number {
  return nowMs + Math.round((expiresS - Math.min(32, expiresS / 3)) * 1000);
}

export type Interval =
  | { readonly ok: true; readonly expiresS: number }
  | { readonly ok: false; readonly minSeS: number };

/**
 * The interval for a request: what the peer asks for, never above ours. Below our minimum a peer that knows
 * session timers is told so (422); for one that does not we raise it (RFC 4028 section 9, A-6).
 */
export function negotiateInterval(
  request: SipRequest,
  supportsTimer: boolean,
  ours: { readonly expiresS: number; readonly minSeS: number },
): Interval {
  const value = header(request, 'session-expires');
  const asked = value === undefined ? undefined : parseSessionExpires(value).deltaS;
  if (asked === undefined) return { ok: true, expiresS: ours.expiresS };
  if (asked < ours.minSeS) {
    if (supportsTimer) return { ok: false, minSeS: ours.minSeS };
    return { ok: true, expiresS: ours.minSeS };
  }
  const peerMinimum = Number.parseInt(header(request, 'min-se') ?? '0', 10) || 0;
  return { ok: true, expiresS: Math.max(Math.min(asked, ours.expiresS), peerMinimum) };
}
