import { parseMsrpUri } from './msrp-uri.ts';
import { attribute, hasAttribute, type SdpMedia, type SdpSession } from './session.ts';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
/** RFC 4145 and RFC 6135. */
export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn';

/** What an m=message line says about MSRP (RFC 4975 8, 6135, 6714, 7701, 5547). */
export interface MsrpMedia {
  /** Upper case. */
  readonly protocol: string;
  readonly isTls: boolean;
  /** c= of the line, else of the session; empty when there is neither. */
  readonly address: string;
  readonly port: number;
  /** MSRP URIs as received: the peer last, relays before it. Empty without a=path. */
  readonly path: readonly string[];
  /** Lower case. */
  readonly acceptTypes: readonly string[];
  /** Lower case. */
  readonly acceptWrappedTypes: readonly string[];
  readonly setup?: Setup;
  readonly maxSizeBytes?: number;
  readonly direction: Direction;
  /** Features of a=chatroom in lower case (`nickname`, `private-messages`); absent without the attribute. */
  readonly chatroom?: readonly string[];
  readonly hasCema: boolean;
  /** `SHA-1 00:11:…` as received, from the line or the session. */
  readonly fingerprint?: string;
  /** A file transfer (RFC 5547). */
  readonly hasFileSelector: boolean;
}

/** Reads one media section; the session gives what it inherits. Never throws: values that make no sense are left out. */
export function msrpMedia(section: SdpMedia, session?: SdpSession): MsrpMedia {
  const protocol = section.protocol.toUpperCase();
  const setup = asSetup(attribute(section, 'setup') ?? inherited(session, 'setup'));
  const maxSizeBytes = asSize(attribute(section, 'max-size') ?? attribute(section, 'maxsize')); // the second is Google's
  const fingerprint = attribute(section, 'fingerprint') ?? inherited(session, 'fingerprint');
  return {
    protocol,
    isTls: protocol === 'TCP/TLS/MSRP',
    address: (section.connection ?? session?.connection)?.address ?? '',
    port: section.port,
    path: words(attribute(section, 'path')),
    acceptTypes: words(attribute(section, 'accept-types')).map(lower),
    acceptWrappedTypes: words(attribute(section, 'accept-wrapped-types')).map(lower),
    ...(setup === undefined ? {} : { setup }),
    ...(maxSizeBytes === undefined ? {} : { maxSizeBytes }),
    direction:
      directionOf(section) ?? (session === undefined ? undefined : directionOf(session)) ?? 'sendrecv',
    ...(hasAttribute(section, 'chatroom')
      ? { chatroom: words(attribute(section, 'chatroom')).map(lower) }
      : {}),
    hasCema: hasAttribute(section, 'msrp-cema'),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    hasFileSelector: hasAttribute(section, 'file-selector'),
  };
}

function inherited(session: SdpSession | undefined, name: string): string | undefined {
  return session === undefined ? undefined : attribute(session, name);
}

function words(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(/[ \t]+/).filter((word) => word !== '');
}

function lower(text: string): string {
  return text.toLowerCase();
}

function asSetup(value: string | undefined): Setup | undefined {
  const setup = value?.trim().toLowerCase();
  return setup === 'active' || setup === 'passive' || setup === 'actpass' || setup === 'holdconn'
    ? setup
    : undefined;
}

function asSize(value: string | undefined): number | undefined {
  const digits = value?.trim() ?? '';
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

function directionOf(section: Pick<SdpMedia, 'attributes'>): Direction | undefined {
  for (const { name } of section.attributes) {
    if (name === 'sendrecv' || name === 'sendonly' || name === 'recvonly' || name === 'inactive') return name;
  }
  return undefined;
}

/** Our direction in the answer: what both sides can do, seen from our side (RFC 3264 6.1). */
export function answerDirection(offered: Direction, ours: Direction = 'sendrecv'): Direction {
  const maySend =
    (offered === 'sendrecv' || offered === 'recvonly') && (ours === 'sendrecv' || ours === 'sendonly');
  const mayReceive =
    (offered === 'sendrecv' || offered === 'sendonly') && (ours === 'sendrecv' || ours === 'recvonly');
  if (maySend) return mayReceive ? 'sendrecv' : 'sendonly';
  return mayReceive ? 'recvonly' : 'inactive';
}

/**
 * Where to connect when we are active, best first. With a=msrp-cema (RFC 6714) that is c= and m= alone: a middlebox may have
 * put itself there. Without it the first URI of the path, and when c= and m= name another place, that place as a second try:
 * a middlebox that does not know MSRP has changed them. A peer behind a relay of its own is reached through that (RFC 4976).
 * Ports 0 and 9 only say that the peer listens nowhere; a malformed path counts as none.
 */
export function dialAddresses(media: MsrpMedia): readonly DialAddress[] {
  const bySdp = media.address === '' ? undefined : { host: media.address, port: media.port };
  const byPath = firstHop(media);
  const isAnchored = media.hasCema && bySdp !== undefined;
  const first = isAnchored && media.path.length === 1 ? bySdp : byPath;
  if (first === undefined || !isDialable(first)) return [];
  const second =
    isAnchored || media.path.length > 1 || bySdp === undefined || !isDialable(bySdp) ? undefined : bySdp;
  const isSame = second?.host.toLowerCase() === first.host.toLowerCase() && second.port === first.port;
  return second === undefined || isSame ? [first] : [first, second];
}

export interface DialAddress {
  readonly host: string;
  readonly port: number;
}

function isDialable({ host, port }: DialAddress): boolean {
  return port !== 0 && port !== 9 && host !== '0.0.0.0' && host !== '::';
}

/** RFC 4975 9: the port of MSRP URIs that name none. */
const DEFAULT_PORT = 2855;

function firstHop(media: MsrpMedia): { host: string; port: number } | undefined {
  const first = media.path[0];
  if (first === undefined) return undefined;
  try {
    const { host, port } = parseMsrpUri(first);
    return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: port ?? DEFAULT_PORT };
  } catch {
    return undefined;
  }
}
