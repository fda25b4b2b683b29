/** The SDP of an MSRP session as a client writes and reads it (RFC 4566, RFC 4975 section 8, RFC 6135). */
import { randomInt } from 'node:crypto';
import { partOfType } from './documents.ts';
import type { Body, SipMessage } from './sip/message.ts';

export type Setup = 'active' | 'passive' | 'actpass';

export interface MsrpSdpOptions {
  /** Our MSRP path, one URI. */
  readonly path: string;
  readonly setup?: Setup;
  /** Default `message/cpim text/plain application/im-iscomposing+xml`. */
  readonly acceptTypes?: string;
  /** Default `text/plain *`; '' leaves the attribute out. */
  readonly acceptWrappedTypes?: string;
  readonly maxSizeBytes?: number;
  readonly direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** More attribute lines of the media, without `a=`. */
  readonly attributes?: readonly string[];
  /** More media before or after ours, as whole SDP lines (for offers with audio). */
  readonly mediaBefore?: readonly string[];
  readonly mediaAfter?: readonly string[];
  readonly sessionId?: number;
  readonly sessionVersion?: number;
}

export const DEFAULT_ACCEPT_TYPES = 'message/cpim text/plain application/im-iscomposing+xml';

/** An offer or an answer; host and port are those of the path. */
export function msrpSdp(options: MsrpSdpOptions): string {
  const { secure, host, port } = parseMsrpUri(options.path);
  const wrapped = options.acceptWrappedTypes ?? 'text/plain *';
  const family = host.includes(':') ? 'IP6' : 'IP4';
  const id = options.sessionId ?? randomInt(1, 2 ** 40);
  const lines = [
    'v=0',
    `o=- ${id} ${options.sessionVersion ?? 1} IN ${family} ${host}`,
    's=-',
    `c=IN ${family} ${host}`,
    't=0 0',
    ...(options.mediaBefore ?? []),
    `m=message ${options.setup === 'active' && port === 0 ? 9 : port} ${secure ? 'TCP/TLS/MSRP' : 'TCP/MSRP'} *`,
    `a=accept-types:${options.acceptTypes ?? DEFAULT_ACCEPT_TYPES}`,
    ...(wrapped === '' ? [] : [`a=accept-wrapped-types:${wrapped}`]),
    `a=path:${options.path}`,
    ...(options.setup === undefined ? [] : [`a=setup:${options.setup}`]),
    ...(options.maxSizeBytes === undefined ? [] : [`a=max-size:${options.maxSizeBytes}`]),
    `a=${options.direction ?? 'sendrecv'}`,
    ...(options.attributes ?? []).map((attribute) => `a=${attribute}`),
    ...(options.mediaAfter ?? []),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

export function sdpBody(sdp: string): Body {
  return { contentType: 'application/sdp', content: sdp };
}

export interface SdpMedia {
  /** `message`, `audio` … */
  readonly kind: string;
  /** 0: refused. */
  readonly port: number;
  readonly protocol: string;
  readonly format: string;
  /** Attribute values by name, in order; one without value counts as ''. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

export interface ReadSdp {
  readonly sessionVersion: number;
  readonly connectionHost: string;
  readonly media: readonly SdpMedia[];
  /** Of the first message media that is not refused: its path, leftmost URI first; empty when there is none. */
  readonly path: readonly string[];
  readonly acceptTypes: readonly string[];
  readonly acceptWrappedTypes: readonly string[];
  readonly setup: Setup | undefined;
  readonly maxSizeBytes: number | undefined;
}

export function readSdp(text: string): ReadSdp {
  if (!/^v=0\r?\n/.test(text)) throw new Error('SDP does not begin with v=0');
  const media: {
    kind: string;
    port: number;
    protocol: string;
    format: string;
    attributes: Map<string, string[]>;
  }[] = [];
  let sessionVersion = 0;
  let connectionHost = '';
  for (const line of text.split(/\r?\n/)) {
    const value = line.slice(2);
    const current = media.at(-1);
    if (line.startsWith('o=')) sessionVersion = Number(value.split(' ')[2]);
    else if (line.startsWith('c=')) connectionHost = value.split(' ')[2] ?? '';
    else if (line.startsWith('m=')) {
      const [kind = '', port = '', protocol = '', ...format] = value.split(' ');
      media.push({
        kind,
        port: Number(port.split('/')[0]),
        protocol,
        format: format.join(' '),
        attributes: new Map(),
      });
    } else if (line.startsWith('a=') && current !== undefined) {
      const colon = value.indexOf(':');
      const name = (colon < 0 ? value : value.slice(0, colon)).toLowerCase();
      const known = current.attributes.get(name) ?? [];
      current.attributes.set(name, [...known, colon < 0 ? '' : value.slice(colon + 1)]);
    }
  }
  const msrp = media.find((one) => one.kind === 'message' && one.port !== 0);
  const words = (name: string): string[] =>
    (msrp?.attributes.get(name)?.[0] ?? '').split(/\s+/).filter((word) => word !== '');
  const setup = msrp?.attributes.get('setup')?.[0];
  const maxSize = msrp?.attributes.get('max-size')?.[0] ?? msrp?.attributes.get('maxsize')?.[0];
  return {
    sessionVersion,
    connectionHost,
    media,
    path: words('path'),
    acceptTypes: words('accept-types').map((type) => type.toLowerCase()),
    acceptWrappedTypes: words('accept-wrapped-types').map((type) => type.toLowerCase()),
    setup: setup === 'active' || setup === 'passive' || setup === 'actpass' ? setup : undefined,
    maxSizeBytes: maxSize === undefined ? undefined : Number(maxSize),
  };
}

/** The SDP of a message, alone or in a multipart; undefined when there is none. */
export function sdpOf(message: SipMessage): ReadSdp | undefined {
  if (message.bodyBytes.length === 0) return undefined;
  const part = partOfType(message.header('Content-Type') ?? '', message.bodyBytes, 'application/sdp');
  return part === undefined ? undefined : readSdp(part.content.toString('utf8'));
}

export interface MsrpUri {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly sessionId: string;
}

/** RFC 4975 section 9: `msrp://host:port/session-id;tcp`. */
export function parseMsrpUri(uri: string): MsrpUri {
  const match = /^(msrps?):\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/;]+)(?::(\d+))?\/([^;]+);(\w+)/i.exec(uri);
  if (match === null) throw new Error(`not an MSRP URI with a session-id: ${uri}`);
  return {
    secure: match[1]?.toLowerCase() === 'msrps',
    host: (match[2] ?? '').replace(/^\[|\]$/g, ''),
    port: Number(match[3] ?? '2855'),
    sessionId: match[4] ?? '',
  };
}

/** Who connects, seen from the offerer, once the answer is known; no setup in the answer means passive (RFC 4975). */
export function offererConnects(offer: Setup | undefined, answer: Setup | undefined): boolean {
  if (answer === 'active') return false;
  return offer !== 'passive';
}
