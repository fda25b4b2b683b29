/** Session timers (RFC 4028) as the focus uses them: the client refreshes unless it leaves that to us; we supervise. */
import { ParseError } from '../lib/errors.ts';
import { header, type SipRequest, type SipResponse } from '../sip/message.ts';
import { parseMinSe, parseSessionExpires } from '../sip/session-expires.ts';
import type { Deadlines, LegRow } from './conference.ts';
import type { HeaderLine } from './decision.ts';
import type { Readings } from './readings.ts';

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
 * @throws ParseError for fields that are malformed, contradict each other, or ask for more than a day
 */
export function negotiateInterval(
  request: SipRequest,
  supportsTimer: boolean,
  ours: { readonly expiresS: number; readonly minSeS: number },
): Interval {
  const value = header(request, 'session-expires');
  const asked = value === undefined ? undefined : parseSessionExpires(value).deltaS;
  const minimum = header(request, 'min-se');
  const peerMinimum = minimum === undefined ? 0 : parseMinSe(minimum);
  if (peerMinimum > MAX_INTERVAL_S || (asked !== undefined && peerMinimum > asked))
    throw new ParseError('SIP_BAD_FIELD', 'Min-SE is too large', 0, minimum);
  if (asked === undefined) return { ok: true, expiresS: Math.max(ours.expiresS, peerMinimum) };
  if (asked < ours.minSeS) {
    if (supportsTimer) return { ok: false, minSeS: ours.minSeS };
    return { ok: true, expiresS: ours.minSeS };
  }
  return { ok: true, expiresS: Math.max(Math.min(asked, ours.expiresS), peerMinimum) };
}

/** Whether we are to refresh, by what a request asks and by the readings of A-6 and R-7.2.1.1-3. */
export function leavesRefreshToUs(
  request: SipRequest,
  supportsTimer: boolean,
  { withoutTimer, askedToRefresh }: Readings,
): boolean {
  if (!supportsTimer) return withoutTimer === 'refresh';
  const value = header(request, 'session-expires');
  if (value === undefined || askedToRefresh === 'client') return false;
  return parseSessionExpires(value).refresher === 'uas';
}

/** Session-Expires of a 2xx of ours. */
export function agreedInterval(expiresS: number, { isRefresher }: Pick<LegRow, 'isRefresher'>): HeaderLine {
  return ['Session-Expires', `${expiresS};refresher=${isRefresher === true ? 'uas' : 'uac'}`];
}

/** Session-Expires and Min-SE of an INVITE or UPDATE of ours. */
export function askedInterval(
  { expiresS = 0, isRefresher }: Pick<LegRow, 'expiresS' | 'isRefresher'>,
  ours: { readonly expiresS: number; readonly minSeS: number },
): HeaderLine[] {
  const deltaS = expiresS === 0 ? ours.expiresS : expiresS;
  // What a 422 asked for is the least from then on; only that can be above what we want ourselves.
  const minSeS = deltaS > ours.expiresS ? deltaS : Math.min(deltaS, ours.minSeS);
  return [
    ['Session-Expires', `${deltaS};refresher=${isRefresher === true ? 'uac' : 'uas'}`],
    ['Min-SE', String(minSeS)],
  ];
}

type TimerDeadlines = Deadlines<'session' | 'refresh'>;

/** The timer starts anew: its end, and half way to it the refresh where that is ours (RFC 4028 section 7.4). */
export function timerDeadlines(nowMs: number, expiresS: number, isRefresher: boolean): TimerDeadlines {
  const session = sessionDeadlineMs(nowMs, expiresS);
  return isRefresher ? { session, refresh: nowMs + expiresS * 500 } : { session };
}

/** The same deadlines without those of the session timer. */
export function withoutTimer({ deadlines }: LegRow): LegRow['deadlines'] {
  const { session: _, refresh: __, ...others } = deadlines;
  return others;
}

/**
 * The leg after a 2xx to a request of ours (INVITE or refresh) in which we were the UAC. An interval below our minimum
 * is not taken. Without Session-Expires there is no timer that the peer knows of: it is supervised only as long as we
 * refresh (RFC 4028 section 7.2).
 */
export function timedByAnswer(leg: LegRow, response: SipResponse, minSeS: number, nowMs: number): LegRow {
  const { isRefresher: wasRefresher, ...rest } = leg;
  const value = header(response, 'session-expires');
  if (value === undefined) {
    const deadlines = withoutTimer(leg);
    if (wasRefresher === undefined || leg.expiresS === undefined) return { ...rest, deadlines };
    return { ...leg, deadlines: { ...deadlines, ...timerDeadlines(nowMs, leg.expiresS, true) } };
  }
  const { deltaS, refresher } = readable(value);
  const expiresS = deltaS !== undefined && deltaS >= minSeS ? deltaS : (leg.expiresS ?? minSeS);
  // Who leaves it open has not promised anything: a refresh too many harms nobody.
  const isRefresher = refresher !== 'uas';
  return {
    ...rest,
    supportsTimer: true,
    expiresS,
    ...(isRefresher ? { isRefresher } : {}),
    deadlines: { ...withoutTimer(leg), ...timerDeadlines(nowMs, expiresS, isRefresher) },
  };
}

/** An answer cannot be refused: what is malformed in it counts as not said. */
function readable(value: string): { readonly deltaS?: number; readonly refresher?: 'uac' | 'uas' } {
  try {
    return parseSessionExpires(value);
  } catch {
    return {};
  }
}

/** What a 422 asks for; undefined when that is no more than was offered, so that asking again would be no use. */
export function intervalAskedFor(response: SipResponse, offeredS: number): number | undefined {
  const value = header(response, 'min-se');
  if (response.status !== 422 || value === undefined) return undefined;
  try {
    const minSeS = parseMinSe(value);
    return minSeS > offeredS && minSeS <= MAX_INTERVAL_S ? minSeS : undefined;
  } catch {
    return undefined;
  }
}

/** As the largest `session.expiresS`: a peer that asks for more would not be supervised at all. */
const MAX_INTERVAL_S = 86_400;
