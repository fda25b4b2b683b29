/** The SDP side of a session: which offers are acceptable, our offers and answers (RFC 3264, RFC 4975, RFC 6135). */
import { ParseError } from '../lib/errors.ts';
import { intersectTypes } from '../sdp/media-types.ts';
import { type MsrpMedia, msrpMedia, type Setup } from '../sdp/msrp-media.ts';
import { isUsablePath, negotiateMsrp } from '../sdp/negotiate.ts';
import { formatAnswer, formatOffer, formatSupportedDescription, newOrigin } from '../sdp/offer-answer.ts';
import { parseSdp, type SdpSession } from '../sdp/session.ts';
import type { ConferenceRow, LegRow, PeerMedia } from './conference.ts';
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
}

export type OfferVerdict = AcceptableOffer | { readonly ok: false; readonly reason: string };

const PROTOCOLS = ['TCP/MSRP'] as const;

/** @throws ParseError when the text is no session description */
export function readOffer(text: string, settings: MediaSettings): OfferVerdict {
  const session = parseSdp(text);
  const verdict = negotiateMsrp(session, {
    protocols: PROTOCOLS,
    acceptTypes: settings.acceptTypes,
    acceptWrappedTypes: settings.acceptWrappedTypes,
  });
  if (!verdict.ok) return { ok: false, reason: verdict.text };
  return { ok: true, text, session, index: verdict.index, media: verdict.view };
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
function setupOfAnswer(offered: Setup | undefined): 'active' | 'passive' {
  return offered === 'passive' ? 'active' : 'passive';
}

export function peerMediaFromOffer({ media }: AcceptableOffer): PeerMedia {
  return { ...peerMedia(media), role: setupOfAnswer(media.setup) };
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
  return { ...peerMedia(media), role: media.setup === 'active' ? 'passive' : 'active' };
}

function peerMedia(media: MsrpMedia): Omit<PeerMedia, 'role'> {
  return {
    path: media.path,
    acceptTypes: media.acceptTypes.length === 0 ? ['*'] : media.acceptTypes,
    acceptWrappedTypes: media.acceptWrappedTypes.length === 0 ? ['*'] : media.acceptWrappedTypes,
    direction: media.direction,
    ...(media.maxSizeBytes === undefined ? {} : { maxSizeBytes: media.maxSizeBytes }),
  };
}

/** a=path of a leg: the switch's own address and the leg's unguessable session-id. */
function localPath(row: ConferenceRow, sessionId: string): string {
  const { host, port } = row.switchAddress;
  return `msrp://${host.includes(':') ? `[${host}]` : host}:${port}/${sessionId};tcp`;
}

/** The SDP numbers its sessions; this one is the same for the whole life of a leg. */
function sdpSessionId(row: ConferenceRow): string {
  return String(row.createdMs);
}

function local(row: ConferenceRow, settings: FocusSettings, sessionId: string, version: number) {
  const { host, port } = row.switchAddress;
  return {
    origin: { ...newOrigin(sdpSessionId(row), host), version: String(version) },
    address: host,
    port,
    path: [localPath(row, sessionId)],
    acceptWrappedTypes: settings.media.acceptWrappedTypes,
    ...(settings.media.maxSizeBytes === undefined ? {} : { maxSizeBytes: settings.media.maxSizeBytes }),
  };
}

/** Our offer in an invitation: we can connect or be connected to. */
export function offerText(row: ConferenceRow, settings: FocusSettings, sessionId: string): string {
  return formatOffer({
    ...local(row, settings, sessionId, 1),
    acceptTypes: settings.media.acceptTypes,
    setup: 'actpass',
  });
}

export function answerText(
  row: ConferenceRow,
  settings: FocusSettings,
  leg: LegRow,
  offer: AcceptableOffer,
  acceptTypes: readonly string[],
): string {
  return formatAnswer(offer.session, offer.index, {
    ...local(row, settings, leg.sessionId, leg.sdpVersion + 1),
    acceptTypes,
    setup: setupOfAnswer(offer.media.setup),
  });
}

/** What a 488 says that we support (R-7.2.1.2-6, A-49). */
export function supportedDescription(settings: FocusSettings): string {
  const address = settings.host.replace(/:\d+$/, '');
  return formatSupportedDescription({
    origin: newOrigin('0', address),
    address,
    protocols: PROTOCOLS,
    acceptTypes: settings.media.acceptTypes,
    acceptWrappedTypes: settings.media.acceptWrappedTypes,
    ...(settings.media.maxSizeBytes === undefined ? {} : { maxSizeBytes: settings.media.maxSizeBytes }),
  });
}
