/** Which leg a request belongs to, and the tie between a leg and a connection (RFC 4975 section 7.3, RFC 6135). */
import { TLSSocket } from 'node:tls';
import { ParseError } from '../../lib/errors.ts';
import { parseMsrpUri } from '../protocol/uri.ts';
import type { CloseReason } from '../transport/connection.ts';
import { hasFingerprint } from '../transport/tls-identity.ts';
import { formFor, prepareForm } from './audience.ts';
import { bytesInForm, NOT_FOR_THEM } from './chunk.ts';
import type { SwitchContext } from './context.ts';
import { deliver } from './fan-out.ts';
import type { Leg } from './leg.ts';
import type { Peer } from './peer.ts';
import { abortTransfer } from './transfer.ts';

const OK = 200;
const BAD_REQUEST = 400;
const FORBIDDEN = 403;
const NO_SESSION = 481;
const BOUND_ELSEWHERE = 506;

/** The leg that a request's paths name, or the status of the answer where there is none. Does not bind. */
export function findLeg(context: SwitchContext, peer: Peer, toPath: string, fromPath: string): Leg | number {
  // Two URIs would have us pass the request on: we are no relay.
  if (toPath.includes(' ')) return NO_SESSION;
  try {
    const { sessionId } = parseMsrpUri(toPath);
    if (sessionId === context.probeSessionId) return OK;
    const leg = context.legsBySessionId.get(sessionId);
    if (leg === undefined || !leg.isFrom(fromPath)) return NO_SESSION;
    if (leg.snapshot.tls && !peer.connection.isSecure) return FORBIDDEN;
    if (leg.peer !== null && leg.peer !== peer && !leg.isBehindDialledRelay) {
      // The first connection may be dead without our knowing: ask it, so that a client that comes back gets in.
      leg.peer.probe();
      return BOUND_ELSEWHERE;
    }
    if (leg.peer !== peer && !showsExpectedCertificate(context, peer, leg)) return FORBIDDEN;
    // A connection bound before the path was known still has to be the same client.
    if (leg.peer === peer && leg.isProvisional && leg.boundFrom !== fromPath) return NO_SESSION;
    return leg;
  } catch (error) {
    if (error instanceof ParseError) return BAD_REQUEST;
    throw error;
  }
}

/**
 * A certificate that a client shows must be the one of its SDP (RFC 4975 section 14.4); where the SDP names none, the
 * unguessable session-id in an encrypted stream is what it is known by, unless certificates are compulsory.
 */
function showsExpectedCertificate(context: SwitchContext, peer: Peer, leg: Leg): boolean {
  const { link } = peer.connection;
  if (!leg.snapshot.tls || !(link.socket instanceof TLSSocket)) return true;
  const shown = link.socket.getPeerX509Certificate();
  // A browser is not asked for one (web-link.ts).
  if (shown === undefined) return link.isMessageBased || context.identity?.requireClientCertificate !== true;
  const { fingerprint } = leg.snapshot;
  if (fingerprint !== undefined) return hasFingerprint(shown.raw, fingerprint);
  return link.socket.authorized || context.identity?.requireClientCertificate !== true;
}

export function bindLeg(
  context: SwitchContext,
  leg: Leg,
  peer: Peer,
  toPath: string,
  fromPath: string,
): void {
  leg.dialling?.settle(peer);
  leg.dialling = null;
  // A relay that came back on a connection of its own: ours to it has done its part.
  const before = leg.peer;
  if (before !== null) {
    leg.unbind();
    before.removeLeg(leg);
  }
  leg.bind(peer, toPath, fromPath);
  peer.addLeg(leg);
  context.emit({ op: 'leg.bound', session: leg.room.name, leg: leg.name, remote: peer.connection.remote });
}

/** Sends what waited for the client while it was not connected. */
export function flushBacklog(context: SwitchContext, leg: Leg): void {
  const peer = leg.peer;
  if (peer === null || leg.isProvisional || leg.backlog.size === 0) return;
  context.counters.backlogDropped += leg.backlog.expire(context.round.nowMs);
  for (const { chunk, audience, sender, transfer } of leg.backlog.takeAll()) {
    const form = leg.mayReceive ? formFor(audience, leg) : NOT_FOR_THEM;
    if (form !== NOT_FOR_THEM && sender !== null) prepareForm(context, sender, audience, form);
    const bytes = transfer === null ? chunk.source.body.length : transfer.knownBytes;
    if (form === NOT_FOR_THEM || bytesInForm(bytes, audience.forms, form) > leg.maxSizeBytes) {
      transfer?.stopFor(leg);
      continue;
    }
    deliver(context, transfer === null ? null : sender, leg, peer, chunk, form, transfer);
    transfer?.connected(leg, peer, form);
  }
}

/**
 * Unties a leg from its connection and ends the connection when no other leg uses it.
 * @param reason null when the focus wanted it: nobody needs to be told then
 */
export function releaseLeg(context: SwitchContext, leg: Leg, reason: CloseReason | null): void {
  leg.dialling?.cancel();
  leg.dialling = null;
  for (const transfer of [...leg.transfers.values()]) abortTransfer(context, leg, transfer);
  const peer = leg.peer;
  if (peer === null) return;
  leg.unbind();
  peer.removeLeg(leg);
  if (reason !== null) {
    context.emit({
      op: 'leg.unbound',
      session: leg.room.name,
      leg: leg.name,
      reason,
      messagesIn: leg.messagesIn,
      messagesOut: leg.messagesOut,
    });
  }
  leg.room.resumePaused();
}

/** The focus told the client's path: a client that connected before it did must be that one. */
export function checkProvisional(context: SwitchContext, leg: Leg): void {
  if (!leg.isProvisional || leg.endpointSessionId === null) return;
  if (leg.isFrom(leg.boundFrom)) {
    leg.isProvisional = false;
    flushBacklog(context, leg);
  } else releaseLeg(context, leg, 'protocol');
}
