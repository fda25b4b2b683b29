/** Whether a request in a dialog comes from its other end: tags are no secret, so they prove nothing. */
import { parseUri } from '../sip/uri.ts';
import { type Dialog, hasKey, type ParticipantRow } from './conference.ts';
import { authenticatedOriginator } from './originator.ts';
import type { RequestOrigin } from './world.ts';

/**
 * The core vouches for what it passes on. Anybody else proves to be the participant by digest, or at least sends from
 * where the dialog was made: a client that closes down often cannot answer a challenge any more.
 */
export function isFromPeer(
  dialog: Dialog,
  participant: ParticipantRow | undefined,
  origin: RequestOrigin,
): boolean {
  if (origin.trust === 'core') return true;
  const originator = authenticatedOriginator(origin.asserted);
  if (originator !== undefined && participant !== undefined && hasKey(participant, originator.keys))
    return true;
  return peerSources(dialog).includes(withoutTransport(origin.src));
}

/** `host:port` where the peer's requests came from, its Contact, and what Kamailio saw behind a NAT (alias=ip~port~proto). */
function peerSources({ flow, remoteTarget }: Dialog): string[] {
  const { host, port, params } = parseUri(remoteTarget);
  const [aliasHost, aliasPort] = (params.get('alias') ?? '').split('~');
  return [
    ...(flow === undefined ? [] : [withoutTransport(flow)]),
    `${host}:${port ?? 5060}`,
    ...(aliasPort === undefined ? [] : [`${aliasHost}:${aliasPort}`]),
  ];
}

/** Of `proto:host:port`. */
function withoutTransport(source: string): string {
  return source.replace(/^[a-z]+:/i, '');
}
