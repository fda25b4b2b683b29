/** The SDP side of a session: which offers are acceptable, our offers and answers (RFC 3264, RFC 4975, RFC 6135). */
import { ParseError } from '../lib/errors.ts';
import { intersectTypes } from '../sdp/media-types.ts';
import { dialAddresses, type MsrpMedia, msrpMedia } from '../sdp/msrp-media.ts';
import { parseMsrpUri } from '../sdp/msrp-uri.ts';
import { isUsablePath, negotiateMsrp } from '../sdp/negotiate.ts';
import { formatAnswer, formatOffer, formatSupportedDescription, newOrigin } from '../sdp/offer-answer.ts';
import { familyOf, formatSdp, parseSdp, type SdpSession } from '../sdp/session.ts';
import type { ConferenceRow, LegRow, MsrpListener, MsrpTransport, PeerMedia } from './conference.ts';
import type { FocusSettings } from './world.ts';

type MediaSettings = FocusSettings['media'];

/** An offer with an m=message line that we can serve. */
export interface AcceptableOffer {
  readonly ok: true;
  readonly text: string;
  readonly session: SdpSession;
  /** Position of the chosen m= line. */
  readonly index: number;
  readonly media: MsrpMedia;
  /** What the client's own connection is to be, by its m= line and the first URI of its path. */
  readonly transport: MsrpTransport;
}

export type OfferVerdict = AcceptableOffer | { readonly ok: false; readonly reason: string };

function transportsOf(settings: MediaSettings): readonly MsrpTransport[] {
  return settings.transports ?? ['tcp'];
}

export function isSecure(transport: MsrpTransport): boolean {
  return transport === 'tls' || transport === 'wss';
}

function protocolOf(transport: MsrpTransport): string {
  return isSecure(transport) ? 'TCP/TLS/MSRP' : 'TCP/MSRP';
}

function protocolsOf(settings: MediaSettings): readonly string[] {
  return [...new Set(transportsOf(settings).map(protocolOf))];
}

/** A WebSocket client says so in its path (RFC 7977 section 5); its m= line is that of TCP or TLS. */
function transportOf(media: MsrpMedia): MsrpTransport {
  const first = parseMsrpUri(media.path[0] ?? '');
  if (first.transport === 'ws') return first.scheme === 'msrps' ? 'wss' : 'ws';
  return media.isTls ? 'tls' : 'tcp';
}

/** @throws ParseError when the text is no session description */
export function readOffer(text: string, settings: MediaSettings): OfferVerdict {
  const session = parseSdp(text);
  const verdict = negotiateMsrp(session, {
    protocols: protocolsOf(settings),
    acceptTypes: settings.acceptTypes,
    acceptWrappedTypes: settings.acceptWrappedTypes,
  });
  if (!verdict.ok) return { ok: false, reason: verdict.text };
  const transport = transportOf(verdict.view);
  if (!transportsOf(settings).includes(transport))
    return { ok: false, reason: 'MSRP transport not supported' };
  return { ok: true, text, session, index: verdict.index, media: verdict.view, transport };
}

/**
 * The types of an answer: those of the offer that policy allows and, where there is one, the other user's answer has
 * too (R-7.2.1.2-ok-2a). When the two users have nothing in common the switch converts, so policy alone decides.
 */
export function chooseAcceptTypes(
  offered: readonly string[],
  ofOther: readonly string[] | undefined,
  allowed: readonly string[],
): readonly string[] {
  const permitted = intersectTypes(offered, allowed);
  const common = ofOther === undefined ? [] : intersectTypes(permitted, ofOther);
  return common.length > 0 ? common : permitted;
}

/** We stay passive where the offer lets us: clients sit behind NAT, the switch does not (RFC 6135, RFC 4975 section 5.4). */
function setupOfAnswer({ media, transport }: AcceptableOffer): 'active' | 'passive' {
  // Nobody can connect to a WebSocket client.
  return media.setup === 'passive' && !isWeb(transport) ? 'active' : 'passive';
}

function isWeb(transport: MsrpTransport): boolean {
  return transport === 'ws' || transport === 'wss';
}

export function peerMediaFromOffer(offer: AcceptableOffer): PeerMedia {
  return { ...peerMedia(offer.media), role: setupOfAnswer(offer) };
}

/**
 * The peer's answer to our offer (actpass). An answer without a=setup is from a client that knows only RFC 4975, where
 * the offerer connects. Undefined when there is no MSRP line in it that we could use, or when it is no SDP at all.
 */
export function peerMediaFromAnswer(text: string): PeerMedia | undefined {
  let session: SdpSession;
  try {
    session = parseSdp(text);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
  const section = session.media[0];
  if (section === undefined || section.kind.toLowerCase() !== 'message' || section.port === 0)
    return undefined;
  const media = msrpMedia(section, session);
  if (!isUsablePath(media.path)) return undefined;
  const weConnect = media.setup !== 'active' && !isWeb(transportOf(media));
  return { ...peerMedia(media), role: weConnect ? 'active' : 'passive' };
}

function peerMedia(media: MsrpMedia): Omit<PeerMedia, 'role'> {
  return {
    path: media.path,
    acceptTypes: media.acceptTypes.length === 0 ? ['*'] : media.acceptTypes,
    acceptWrappedTypes: media.acceptWrappedTypes.length === 0 ? ['*'] : media.acceptWrappedTypes,
    direction: media.direction,
    ...(media.maxSizeBytes === undefined ? {} : { maxSizeBytes: media.maxSizeBytes }),
    ...(media.fingerprint === undefined ? {} : { fingerprint: media.fingerprint }),
    ...dialOf(media),
  };
}

/** Kept only where it is another address than that of the path. */
function dialOf(media: MsrpMedia): Pick<PeerMedia, 'dial'> {
  const [first, second] = dialAddresses(media);
  const [byPath] = dialAddresses({ ...media, address: '', hasCema: false });
  const isByPath = first?.host === byPath?.host && first?.port === byPath?.port;
  if (first === undefined || (isByPath && second === undefined)) return {};
  return { dial: second === undefined ? [first] : [first, second] };
}

/** Where clients of this transport reach the session's switch. */
function listenerFor(row: ConferenceRow, transport: MsrpTransport): MsrpListener {
  const { host, port, listeners } = row.switchAddress;
  return listeners?.find((listener) => listener.transport === transport) ?? { transport, host, port };
}

/** What our own offers are for: the first that the switch listens on. */
export function offeredTransport({ switchAddress }: ConferenceRow): MsrpTransport {
  return switchAddress.listeners?.[0]?.transport ?? 'tcp';
}

/** a=path of a leg: the switch's own address and the leg's unguessable session-id. */
function localPath({ transport, host, port }: MsrpListener, sessionId: string): string {
  const printed = host.includes(':') ? `[${host}]` : host;
  return `${isSecure(transport) ? 'msrps' : 'msrp'}://${printed}:${port}/${sessionId};${isWeb(transport) ? 'ws' : 'tcp'}`;
}

/** The SDP numbers its sessions; this one is the same for the whole life of a leg. */
function sdpSessionId(row: ConferenceRow): string {
  return String(row.createdMs);
}

function local(
  row: ConferenceRow,
  { media }: FocusSettings,
  leg: { readonly sessionId: string; readonly version: number; readonly transport: MsrpTransport },
) {
  const listener = listenerFor(row, leg.transport);
  const { host, port } = listener;
  // RFC 8122: a certificate that signed itself is known by what the SDP says of it.
  const fingerprint = isSecure(leg.transport) ? media.fingerprintOf?.(row.switchId) : undefined;
  return {
    origin: { ...newOrigin(sdpSessionId(row), host), version: String(leg.version) },
    address: host,
    port,
    path: [localPath(listener, leg.sessionId)],
    acceptWrappedTypes: media.acceptWrappedTypes,
    ...(media.maxSizeBytes === undefined ? {} : { maxSizeBytes: media.maxSizeBytes }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}

/** RFC 7701: what the room can do; RFC 6714: middleboxes may anchor the connection, sessions are known by their id alone. */
function features({ media }: FocusSettings): { chatroom?: readonly string[]; hasCema: boolean } {
  return {
    ...(media.chatroom === undefined ? {} : { chatroom: media.chatroom }),
    hasCema: media.hasCema ?? false,
  };
}

/** Our offer in an invitation: we can connect or be connected to. */
export function offerText(
  row: ConferenceRow,
  settings: FocusSettings,
  sessionId: string,
  version = 1,
  acceptTypes = settings.media.acceptTypes,
): string {
  const transport = offeredTransport(row);
  return formatOffer({
    ...local(row, settings, { sessionId, version, transport }),
    ...features(settings),
    protocol: protocolOf(transport),
    acceptTypes,
    // Who has a WebSocket client has to connect.
    setup: isWeb(transport) ? 'passive' : 'actpass',
  });
}

/**
 * A further offer in a dialog that stands: what was said last (RFC 3264 section 8 has every m= line stay where it is), with
 * the path to the session's present switch, over the transport that the client has come by.
 */
export function reofferText(
  row: ConferenceRow,
  settings: FocusSettings,
  leg: LegRow,
  acceptTypes?: readonly string[],
): string {
  const { sessionId, sdpVersion: version } = leg;
  const last = leg.localSdp === undefined ? undefined : parseSdp(leg.localSdp);
  const section = last?.media.find(({ kind, port }) => kind === 'message' && port !== 0);
  if (last === undefined || section === undefined)
    return offerText(row, settings, sessionId, version, acceptTypes);
  const transport = transportOf(msrpMedia(section, last));
  const { origin, address, port, path, fingerprint } = local(row, settings, {
    sessionId,
    version,
    transport,
  });
  const ours: Readonly<Record<string, string | undefined>> = {
    path: path.join(' '),
    setup: isWeb(transport) ? 'passive' : 'actpass',
    ...(acceptTypes === undefined ? {} : { 'accept-types': acceptTypes.join(' ') }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
  const attributes = section.attributes.map(({ name, value }) => {
    const said = ours[name] ?? value;
    return { name, ...(said === undefined ? {} : { value: said }) };
  });
  return formatSdp({
    ...last,
    origin,
    connection: { family: familyOf(address), address },
    media: last.media.map((one) => (one === section ? { ...one, port, attributes } : one)),
  });
}

/** @param hasOptionalAttributes whether accept-wrapped-types and max-size stand beside path, setup and accept-types */
export function answerText(
  row: ConferenceRow,
  settings: FocusSettings,
  leg: LegRow,
  offer: AcceptableOffer,
  acceptTypes: readonly string[],
  hasOptionalAttributes = true,
): string {
  const { acceptWrappedTypes, maxSizeBytes, ...ours } = local(row, settings, {
    sessionId: leg.sessionId,
    version: leg.sdpVersion + 1,
    transport: offer.transport,
  });
  const { hasCema, ...chatroom } = features(settings);
  const optional = {
    acceptWrappedTypes,
    ...(maxSizeBytes === undefined ? {} : { maxSizeBytes }),
    ...chatroom,
    // Only who knows it is to have it (RFC 6714 section 4.3).
    hasCema: hasCema && offer.media.hasCema,
  };
  return formatAnswer(offer.session, offer.index, {
    ...ours,
    ...(hasOptionalAttributes ? optional : {}),
    acceptTypes,
    setup: setupOfAnswer(offer),
  });
}

/** What a 488 says that we support (R-7.2.1.2-6, A-49). */
export function supportedDescription(settings: FocusSettings): string {
  const address = settings.host.replace(/:\d+$/, '');
  return formatSupportedDescription({
    origin: newOrigin('0', address),
    address,
    protocols: protocolsOf(settings.media),
    acceptTypes: settings.media.acceptTypes,
    acceptWrappedTypes: settings.media.acceptWrappedTypes,
    ...(settings.media.maxSizeBytes === undefined ? {} : { maxSizeBytes: settings.media.maxSizeBytes }),
  });
}
