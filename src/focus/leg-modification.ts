/**
 * What the focus asks of a leg that stands: a refresh (RFC 4028 section 7.4) or a new offer (7.2.2.6), by re-INVITE or
 * UPDATE. One at a time in a dialog (RFC 3261 section 14.1): what cannot be sent now is kept in the leg as `wanted`.
 */
import type { IdSource } from '../lib/ids.ts';
import { parseRetryAfter } from '../sip/session-expires.ts';
import type { LegRow, Wanted } from './conference.ts';
import { type HeaderLine, STAGE } from './decision.ts';
import { inDialog } from './dialogs.ts';
import { offerText, reofferText } from './media.ts';
import { done, type Trace } from './procedure.ts';
import { ALLOW, focusContact, SUPPORTED } from './responses.ts';
import { askedInterval } from './session-timer.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/**
 * Asks the leg's client for `wanted`, now or as soon as nothing else is under way in its dialog. A leg that does not
 * stand is left as it is.
 */
export function modifyLeg(work: Work, world: World, trace: Trace, leg: LegRow, wanted: Wanted): LegRow {
  if (leg.state !== 'connected') return leg;
  const waiting = work.legs.put({ ...leg, wanted: bothWanted(leg.wanted, wanted) });
  return sendWanted(work, world, trace, waiting);
}

/**
 * What does for both: an offer is not displaced by a refresh, which it does as well, and takes over what an offer before it
 * was vital for.
 */
export function bothWanted(before: Wanted | undefined, after: Wanted): Wanted {
  return { ...before, ...after };
}

/** An offer of our side in its next version, for `modifyLeg`; the path leads to the session's present switch. */
export function nextOffer(
  work: Work,
  world: World,
  leg: LegRow,
  acceptTypes?: readonly string[],
): { readonly leg: LegRow; readonly sdp: string } {
  const sdpVersion = leg.sdpVersion + 1;
  const sdp = reofferText(work.row, world.settings, { ...leg, sdpVersion }, acceptTypes);
  return { leg: { ...leg, sdpVersion }, sdp };
}

/** Sends what the leg's client is still to be asked for, unless it must wait longer. */
export function sendWanted(work: Work, world: World, trace: Trace, leg: LegRow): LegRow {
  const { wanted } = leg;
  if (wanted === undefined || leg.state !== 'connected' || isBusy(leg)) return leg;
  const { wanted: _, ...rest } = leg;
  const { wanted: __, ...deadlines } = leg.deadlines;
  const cseq = leg.dialog.localCSeq + 1;
  const method = wanted.sdp === undefined && leg.allow.includes('UPDATE') ? 'UPDATE' : 'INVITE';
  const sent = work.legs.put({
    ...rest,
    asked: { ...wanted, method, cseq },
    dialog: { ...leg.dialog, localCSeq: cseq },
    deadlines: { ...deadlines, asked: world.nowMs + 68 * world.settings.t1Ms },
  });
  // A refresh says again what was said last, so that nothing changes by it (RFC 4028 section 7.4).
  const body =
    method === 'UPDATE'
      ? undefined
      : (wanted.sdp ?? leg.localSdp ?? offerText(work.row, world.settings, leg.sessionId));
  const request = inDialog(leg.dialog, method, cseq);
  const headers: HeaderLine[] = [
    ...request.headers,
    focusContact(work.row, world.settings),
    ALLOW,
    SUPPORTED,
    // The refresher stays who it is: us where we are (uac, because we send this), else the client.
    ...askedInterval(leg, world.settings.session),
    ['User-Agent', world.settings.release],
    ...(body === undefined ? [] : ([['Content-Type', 'application/sdp']] as const)),
  ];
  work.effect({
    stage: STAGE.requests,
    kind: 'request',
    method,
    callId: leg.dialog.callId,
    cseq,
    of: { row: 'leg', id: leg.id },
    kam: leg.dialog.kam,
    requestUri: request.requestUri,
    nextHop: request.nextHop,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const what = wanted.sdp === undefined ? 'a refresh' : 'a new offer';
  trace.note(
    '7.2.2.6',
    'ask the client by re-INVITE or UPDATE',
    done(`${method} with ${what}, CSeq ${cseq}`),
  );
  return sent;
}

/** A request of ours or theirs is under way, or we agreed to wait after a glare. */
function isBusy(leg: LegRow): boolean {
  const { asked, deadlines } = leg;
  return asked !== undefined || deadlines.ack !== undefined || deadlines.wanted !== undefined;
}

/** After 491 (RFC 3261 section 14.1): 2.1 to 4 s for who made the Call-ID, 0 to 2 s for the other, in steps of 10 ms. */
export function glareDelayMs({ origin }: LegRow, ids: IdSource): number {
  return origin === 'outgoing' ? 2_100 + 10 * upTo(190, ids) : 10 * upTo(200, ids);
}

/** Retry-After of a refusal that is not for ever, in ms; at most ten seconds, as RFC 3261 section 14.2 has it. */
export function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  try {
    return 1_000 * Math.min(10, parseRetryAfter(value).seconds);
  } catch {
    return undefined;
  }
}

/** A whole number from 0 to `most`, by chance. */
export function upTo(most: number, ids: IdSource): number {
  let number = 0;
  for (const character of ids.token(50)) number = (number * 36 + Number.parseInt(character, 36)) % 1_000_003;
  return number % (most + 1);
}
