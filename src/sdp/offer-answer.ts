import { ParseError } from '../lib/errors.ts';
import { answerDirection, type Direction, msrpMedia, type Setup } from './msrp-media.ts';
import {
  familyOf,
  formatSdp,
  type SdpAttribute,
  type SdpMedia,
  type SdpOrigin,
  type SdpSession,
} from './session.ts';

/** Our own end of an MSRP session, as we put it into an offer or answer. */
export interface LocalMsrp {
  /** `o=`; step it with `nextVersion` when the description changes. */
  readonly origin: SdpOrigin;
  /** c= address and m= port: those of the switch. */
  readonly address: string;
  readonly port: number;
  /** One MSRP URI of the switch, or more with relays of ours before it. */
  readonly path: readonly string[];
  readonly acceptTypes: readonly string[];
  readonly acceptWrappedTypes?: readonly string[];
  /** RFC 6135: in an answer active or passive; the caller decides. */
  readonly setup: Setup;
  readonly maxSizeBytes?: number;
  /** What we are ready to do; default sendrecv. An answer narrows it to what the offer allows. */
  readonly direction?: Direction;
  /** a=chatroom (RFC 7701): features such as `nickname`, `private-messages`. */
  readonly chatroom?: readonly string[];
  /** `SHA-256 AB:…` with TLS. */
  readonly fingerprint?: string;
  readonly hasCema?: boolean;
}

/** `o=` of a new session of ours: both numbers are the caller's, digits only. */
export function newOrigin(sessionId: string, address: string, username = '-'): SdpOrigin {
  return { username, sessionId, version: '1', family: familyOf(address), address };
}

/** An offer with one m=message line; `protocol` defaults to TCP/MSRP. Throws SDP_BAD_LINE for a value with a line break. */
export function formatOffer(local: LocalMsrp & { readonly protocol?: string }): string {
  const media = messageSection(local, local.protocol ?? 'TCP/MSRP', local.direction ?? 'sendrecv');
  return formatSdp(sessionWith(local, [media]));
}

/**
 * The answer: as many m= lines as the offer has, in its order, all but the chosen one with port 0 (RFC 3264 6).
 * Throws SDP_BAD_MEDIA when the offer has no such line, SDP_BAD_LINE.
 */
export function formatAnswer(offer: SdpSession, chosenIndex: number, local: LocalMsrp): string {
  const chosen = offer.media[chosenIndex];
  if (chosen === undefined) throw new ParseError('SDP_BAD_MEDIA', `no m= line ${chosenIndex} in the offer`);
  const direction = answerDirection(msrpMedia(chosen, offer).direction, local.direction);
  const media = offer.media.map((section, index) =>
    index === chosenIndex ? messageSection(local, section.protocol, direction) : refused(section),
  );
  return formatSdp({ ...sessionWith(local, media), timing: offer.timing });
}

function refused(section: SdpMedia): SdpMedia {
  return {
    kind: section.kind,
    port: 0,
    protocol: section.protocol,
    formats: section.formats,
    attributes: [],
  };
}

/** What a 488 or an answer to OPTIONS says we support (RFC 3261 11.2, RFC 3264 9): port 0, one m= line a protocol. */
export interface SupportedDescription {
  readonly origin: SdpOrigin;
  readonly address: string;
  readonly protocols: readonly string[];
  readonly acceptTypes: readonly string[];
  readonly acceptWrappedTypes?: readonly string[];
  readonly maxSizeBytes?: number;
}

export function formatSupportedDescription(supported: SupportedDescription): string {
  const media = supported.protocols.map((protocol) => ({
    kind: 'message',
    port: 0,
    protocol,
    formats: ['*'],
    attributes: typeAttributes(supported),
  }));
  return formatSdp(sessionWith(supported, media));
}

function sessionWith(local: { origin: SdpOrigin; address: string }, media: readonly SdpMedia[]): SdpSession {
  return {
    origin: local.origin,
    name: '-',
    connection: { family: familyOf(local.address), address: local.address },
    timing: { start: '0', stop: '0' },
    attributes: [],
    media,
  };
}

function messageSection(local: LocalMsrp, protocol: string, direction: Direction): SdpMedia {
  const attributes = typeAttributes(local);
  attributes.push({ name: 'path', value: local.path.join(' ') }, { name: 'setup', value: local.setup });
  attributes.push({ name: direction });
  if (local.chatroom !== undefined) {
    attributes.push(
      local.chatroom.length === 0
        ? { name: 'chatroom' }
        : { name: 'chatroom', value: local.chatroom.join(' ') },
    );
  }
  if (local.fingerprint !== undefined) attributes.push({ name: 'fingerprint', value: local.fingerprint });
  if (local.hasCema === true) attributes.push({ name: 'msrp-cema' });
  return { kind: 'message', port: local.port, protocol, formats: ['*'], attributes };
}

function typeAttributes(
  local: Pick<LocalMsrp, 'acceptTypes' | 'acceptWrappedTypes' | 'maxSizeBytes'>,
): SdpAttribute[] {
  const attributes: SdpAttribute[] = [{ name: 'accept-types', value: local.acceptTypes.join(' ') }];
  const wrapped = local.acceptWrappedTypes ?? [];
  if (wrapped.length > 0) attributes.push({ name: 'accept-wrapped-types', value: wrapped.join(' ') });
  if (local.maxSizeBytes !== undefined)
    attributes.push({ name: 'max-size', value: String(local.maxSizeBytes) });
  return attributes;
}
