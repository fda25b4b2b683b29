import { ParseError } from '../lib/errors.ts';
import { isWellFormed, parseWithOurRules, writeWithOurRules } from './grammar.ts';

export type AddressFamily = 'IP4' | 'IP6';

/** `o=` (RFC 4566 5.2). The two numbers are 64-bit and stay text. */
export interface SdpOrigin {
  readonly username: string;
  readonly sessionId: string;
  readonly version: string;
  readonly family: AddressFamily;
  readonly address: string;
}

export interface SdpConnection {
  readonly family: AddressFamily;
  readonly address: string;
}

export interface SdpAttribute {
  readonly name: string;
  /** Absent for a property attribute (`a=sendrecv`). */
  readonly value?: string;
}

export interface SdpMedia {
  /** `message`, `audio` … */
  readonly kind: string;
  readonly port: number;
  /** `TCP/MSRP`, `RTP/AVP` … as received. */
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly connection?: SdpConnection;
  readonly attributes: readonly SdpAttribute[];
}

/** A session description. Lines that no decision of ours reads (`b=`, `i=`, `k=`, `r=` …) are not kept. */
export interface SdpSession {
  readonly origin: SdpOrigin;
  readonly name: string;
  readonly connection?: SdpConnection;
  readonly timing: { readonly start: string; readonly stop: string };
  readonly attributes: readonly SdpAttribute[];
  /** In the order of the description. */
  readonly media: readonly SdpMedia[];
}

export interface SdpLimits {
  /** Characters of the whole description; default 32,768. */
  readonly maxChars?: number;
  /** Lines; default 512. */
  readonly maxLines?: number;
  /** m= lines; default 32. */
  readonly maxMedia?: number;
}

const DEFAULT_MAX_CHARS = 32_768;
const DEFAULT_MAX_LINES = 512;
const DEFAULT_MAX_MEDIA = 32;

/**
 * Reads a session description. Lines end in CRLF, LF or CR. Throws `ParseError`: SDP_TOO_LARGE, SDP_TOO_MANY_MEDIA,
 * SDP_BAD_LINE (no `x=`, a NUL, or a line of a known kind that does not follow its grammar), SDP_MISSING_LINE (no v=0 first,
 * no o= before the first m=), SDP_BAD_MEDIA (a port above 65,535).
 */
export function parseSdp(text: string, limits: SdpLimits = {}): SdpSession {
  if (text.length > (limits.maxChars ?? DEFAULT_MAX_CHARS)) {
    throw new ParseError('SDP_TOO_LARGE', `description of ${text.length} characters`);
  }
  return toSession(parseWithOurRules(checkedLines(text, limits).join('\r\n')));
}

/** sdp-transform accepts anything and drops what it does not know; this is what makes its result trustworthy. */
function checkedLines(text: string, limits: SdpLimits): string[] {
  const lines = text.trimEnd().split(/\r\n|\r|\n/);
  if (lines.length > (limits.maxLines ?? DEFAULT_MAX_LINES)) {
    throw new ParseError('SDP_TOO_LARGE', `description of ${lines.length} lines`);
  }
  if (lines[0]?.trimEnd() !== 'v=0')
    throw new ParseError('SDP_MISSING_LINE', 'no v=0 line first', 0, lines[0]);
  let origins = 0;
  let media = 0;
  for (const line of lines) {
    const kind = line.charAt(0);
    if (!/^[a-z]=/.test(line) || line.includes('\0') || /[\u2028\u2029]/.test(line)) throw badLine(line);
    if (!isWellFormed(kind, line.slice(2))) throw badLine(line);
    if (kind === 'm') media++;
    if (kind === 'o' && (media > 0 || ++origins > 1)) throw badLine(line);
  }
  if (origins === 0) throw new ParseError('SDP_MISSING_LINE', 'no o= line');
  if (media > (limits.maxMedia ?? DEFAULT_MAX_MEDIA))
    throw new ParseError('SDP_TOO_MANY_MEDIA', `${media} m= lines`);
  return lines;
}

type Raw = Record<string, unknown>;

/** A value that our rules leave: sdp-transform turns digits into a number, without loss, so `String` undoes it. */
function textOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '';
}

function toSession(raw: Raw): SdpSession {
  const origin = raw['origin'] as Raw;
  const timing = raw['timing'] as Raw | undefined;
  return {
    origin: {
      username: textOf(origin['username']),
      sessionId: textOf(origin['sessionId']),
      version: textOf(origin['version']),
      ...toAddress(origin),
    },
    name: textOf(raw['name']),
    ...toConnection(raw),
    timing: { start: textOf(timing?.['start'] ?? '0'), stop: textOf(timing?.['stop'] ?? '0') },
    attributes: toAttributes(raw),
    media: (raw['media'] as readonly Raw[]).map(toMedia),
  };
}

function toMedia(raw: Raw): SdpMedia {
  const line = raw['line'] as Raw;
  const port = Number.parseInt(textOf(line['port']), 10); // `port/count` occurs only for RTP layers: the count is dropped
  if (port > 65_535) throw new ParseError('SDP_BAD_MEDIA', `port ${port}`);
  return {
    kind: textOf(line['kind']),
    port,
    protocol: textOf(line['protocol']),
    formats: textOf(line['formats']).split(/ +/),
    ...toConnection(raw),
    attributes: toAttributes(raw),
  };
}

function toAddress(raw: Raw): { family: AddressFamily; address: string } {
  return { family: textOf(raw['family']) === '6' ? 'IP6' : 'IP4', address: textOf(raw['address']) };
}

function toConnection(raw: Raw): { connection?: SdpConnection } {
  const connection = raw['connection'] as Raw | undefined;
  return connection === undefined ? {} : { connection: toAddress(connection) };
}

function toAttributes(raw: Raw): SdpAttribute[] {
  return ((raw['attributes'] as readonly Raw[] | undefined) ?? []).map(({ name, value }) =>
    value === undefined ? { name: textOf(name) } : { name: textOf(name), value: textOf(value) },
  );
}

/** The description with CRLF line ends. Throws SDP_BAD_LINE for a value that would not stay in its line. */
export function formatSdp(session: SdpSession): string {
  const { origin } = session;
  const text = writeWithOurRules({
    version: 0,
    origin: { ...origin, family: origin.family.slice(2) },
    name: session.name === '' ? '-' : session.name,
    ...fromConnection(session.connection),
    timing: session.timing,
    attributes: session.attributes,
    media: session.media.map((media) => ({
      line: {
        kind: media.kind,
        port: media.port,
        protocol: media.protocol,
        formats: media.formats.join(' '),
      },
      ...fromConnection(media.connection),
      attributes: media.attributes,
    })),
  });
  const lines = 5 - (session.connection === undefined ? 1 : 0) + session.attributes.length;
  const mediaLines = session.media.map(
    (media) => 1 + (media.connection === undefined ? 0 : 1) + media.attributes.length,
  );
  const wanted = mediaLines.reduce((sum, count) => sum + count, lines);
  const got = text.slice(0, -2).split('\r\n');
  const broken = got.find((line) => /[\r\n\0]/.test(line) || !isWellFormed(line.charAt(0), line.slice(2)));
  if (broken !== undefined || got.length !== wanted) throw badLine(broken ?? 'a line break in a value');
  return text;
}

function fromConnection(connection: SdpConnection | undefined): Raw {
  return connection === undefined
    ? {}
    : { connection: { family: connection.family.slice(2), address: connection.address } };
}

/** The next `o=` of a session whose description changed: the version goes up by one (RFC 3264 8). */
export function nextVersion(origin: SdpOrigin): SdpOrigin {
  return { ...origin, version: String(BigInt(origin.version) + 1n) };
}

/** Whether two descriptions of one peer are the same revision: a repeated offer only refreshes (reading A-31). */
export function isSameRevision(a: SdpSession, b: SdpSession): boolean {
  return (
    a.origin.sessionId === b.origin.sessionId &&
    a.origin.version === b.origin.version &&
    a.origin.username === b.origin.username &&
    a.origin.address === b.origin.address
  );
}

export function familyOf(address: string): AddressFamily {
  return address.includes(':') ? 'IP6' : 'IP4';
}

/** The value of the first attribute of that name; `undefined` when there is none or it has no value. */
export function attribute(
  section: { readonly attributes: readonly SdpAttribute[] },
  name: string,
): string | undefined {
  return section.attributes.find((candidate) => candidate.name === name)?.value;
}

export function hasAttribute(
  section: { readonly attributes: readonly SdpAttribute[] },
  name: string,
): boolean {
  return section.attributes.some((candidate) => candidate.name === name);
}

function badLine(line: string): ParseError {
  return new ParseError('SDP_BAD_LINE', 'malformed line', -1, line);
}
