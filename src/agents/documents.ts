/** The bodies that a subscriber's client writes and reads: multipart, resource-lists, message/cpim, conference-info. */
import { randomBytes } from 'node:crypto';
import type { Body, HeaderField } from './sip/message.ts';

// --- multipart (RFC 2046) ---------------------------------------------------------------------------

export interface Part extends Body {
  readonly headers?: readonly HeaderField[];
}

/** `multipart/mixed` unless `subtype` says otherwise. */
export function multipart(
  parts: readonly Part[],
  options: { boundary?: string; subtype?: string } = {},
): Body {
  const boundary = options.boundary ?? `b-${randomBytes(8).toString('hex')}`;
  const pieces: Buffer[] = [];
  for (const part of parts) {
    const headers = [['Content-Type', part.contentType] as const, ...(part.headers ?? [])];
    const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    pieces.push(
      Buffer.from(`--${boundary}\r\n${head}\r\n`),
      Buffer.from(part.content as string),
      Buffer.from('\r\n'),
    );
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    contentType: `multipart/${options.subtype ?? 'mixed'};boundary="${boundary}"`,
    content: Buffer.concat(pieces),
  };
}

export interface ReadPart {
  readonly contentType: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly content: Buffer;
}

/** The parts of a multipart body; a body of another type is its own only part. Header names are in lower case. */
export function partsOf(contentType: string, content: Buffer): ReadPart[] {
  if (!/^multipart\//i.test(contentType)) {
    return [{ contentType, headers: new Map([['content-type', contentType]]), content }];
  }
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const name = boundary?.[1] ?? boundary?.[2];
  if (name === undefined) throw new Error(`multipart without boundary: ${contentType}`);
  const text = `\r\n${content.toString('latin1')}`;
  const sections = text.split(`\r\n--${name}`);
  if (!sections.some((section) => section.startsWith('--')))
    throw new Error('multipart without closing delimiter');
  return sections
    .slice(1)
    .filter((section) => !section.startsWith('--'))
    .map((section) => {
      const afterDelimiter = section.slice(section.indexOf('\r\n') + 2);
      const bare = afterDelimiter.startsWith('\r\n');
      const end = bare ? 0 : afterDelimiter.indexOf('\r\n\r\n');
      const headers = readHeaders(afterDelimiter.slice(0, Math.max(end, 0)));
      return {
        contentType: headers.get('content-type') ?? 'text/plain',
        headers,
        content: Buffer.from(afterDelimiter.slice(end + (bare ? 2 : 4)), 'latin1'),
      };
    });
}

/** The first part of this type (parameters aside), or undefined. */
export function partOfType(contentType: string, content: Buffer, wanted: string): ReadPart | undefined {
  return partsOf(contentType, content).find(
    (part) => part.contentType.split(';')[0]?.trim().toLowerCase() === wanted.toLowerCase(),
  );
}

// --- resource-lists (RFC 4826, RFC 5366) ------------------------------------------------------------

export interface ListEntry {
  readonly uri: string;
  readonly displayName?: string;
  /** RFC 5364. */
  readonly copyControl?: 'to' | 'cc' | 'bcc';
  readonly anonymize?: boolean;
}

/** The list of users to invite, with the disposition that RFC 5366 asks for. */
export function resourceLists(
  entries: readonly (string | ListEntry)[],
  disposition = 'recipient-list',
): Part {
  const lines = entries.map((given) => {
    const entry: ListEntry = typeof given === 'string' ? { uri: given } : given;
    const copy = entry.copyControl === undefined ? '' : ` cp:copyControl="${entry.copyControl}"`;
    const anonymous = entry.anonymize === true ? ' cp:anonymize="true"' : '';
    const name =
      entry.displayName === undefined ? '' : `<display-name>${escapeXml(entry.displayName)}</display-name>`;
    return `    <entry uri="${escapeXml(entry.uri)}"${copy}${anonymous}>${name}</entry>`;
  });
  return {
    contentType: 'application/resource-lists+xml',
    headers: disposition === '' ? [] : [['Content-Disposition', disposition]],
    content: [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:cp="urn:ietf:params:xml:ns:copycontrol">',
      '  <list>',
      ...lines,
      '  </list>',
      '</resource-lists>',
      '',
    ].join('\r\n'),
  };
}

/** The uri attributes of all entries, in order. */
export function readResourceLists(xml: string): string[] {
  return elements(xml, 'entry').map((entry) => entry.attributes.get('uri') ?? '');
}

// --- message/cpim (RFC 3862) ------------------------------------------------------------------------

export interface Cpim {
  /** Name-addr as it stands, such as `Ada <sip:ada@example.net>`. */
  readonly from: string;
  readonly to: string;
  /** The bare URIs of the two. */
  readonly fromUri: string;
  readonly toUri: string;
  /** All message headers by name as written. */
  readonly headers: ReadonlyMap<string, string>;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface CpimOptions {
  readonly from: string;
  readonly to: string;
  /** More message headers after From, To and DateTime. */
  readonly headers?: readonly HeaderField[];
  /** Type of the wrapped content, default `text/plain; charset=utf-8`. */
  readonly contentType?: string;
  /** An RFC 3339 time; null leaves the header out. Default now. */
  readonly dateTime?: string | null;
}

/** A bare URI in `from` or `to` is put in angle brackets. */
export function cpimMessage(content: string | Buffer, options: CpimOptions): Buffer {
  const address = (text: string): string => (text.includes('<') ? text : `<${text}>`);
  const lines = [`From: ${address(options.from)}`, `To: ${address(options.to)}`];
  if (options.dateTime !== null) lines.push(`DateTime: ${options.dateTime ?? new Date().toISOString()}`);
  for (const [name, value] of options.headers ?? []) lines.push(`${name}: ${value}`);
  const type = options.contentType ?? 'text/plain; charset=utf-8';
  const head = `${lines.join('\r\n')}\r\n\r\nContent-Type: ${type}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content as string)]);
}

/** Throws when there is no From, no To or no empty line after either header block. */
export function readCpim(bytes: Buffer): Cpim {
  const [headers, contentStart] = headerBlock(bytes, 0);
  const [inner, bodyStart] = headerBlock(bytes, contentStart);
  const value = (name: string): string => {
    for (const [key, text] of headers) if (key.toLowerCase() === name) return text;
    throw new Error(`message/cpim without ${name}`);
  };
  const uri = (text: string): string => /<([^>]*)>/.exec(text)?.[1] ?? text;
  const from = value('from');
  const to = value('to');
  let contentType = 'text/plain';
  for (const [name, text] of inner) if (name.toLowerCase() === 'content-type') contentType = text;
  return {
    from,
    to,
    fromUri: uri(from),
    toUri: uri(to),
    headers,
    contentType,
    body: bytes.subarray(bodyStart),
  };
}

function headerBlock(bytes: Buffer, start: number): [headers: Map<string, string>, next: number] {
  const end = bytes.indexOf('\r\n\r\n', start);
  if (end < 0) throw new Error('message/cpim header block without an empty line');
  const headers = new Map<string, string>();
  for (const line of bytes.subarray(start, end).toString('utf8').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return [headers, end + 4];
}

function readHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

// --- conference-info (RFC 4575) ---------------------------------------------------------------------

export interface ConferenceUser {
  readonly entity: string;
  readonly displayText: string;
  /** 'full', 'partial' or 'deleted'. */
  readonly state: string;
  /** Of the first endpoint: connected, pending, dialing-out, disconnected …; '' without endpoint. */
  readonly status: string;
  readonly disconnectionMethod: string;
  readonly disconnectionReason: string;
  readonly yourOwn: boolean;
}

export interface ConferenceInfo {
  readonly entity: string;
  readonly state: string;
  readonly version: number;
  readonly subject: string;
  readonly userCount: number | undefined;
  readonly maximumUserCount: number | undefined;
  readonly users: readonly ConferenceUser[];
}

export function readConferenceInfo(xml: string): ConferenceInfo {
  const root = elements(xml, 'conference-info')[0];
  if (root === undefined) throw new Error('no conference-info element');
  const version = Number(root.attributes.get('version'));
  if (!Number.isInteger(version)) throw new Error('conference-info without a version number');
  const number = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Number(text);
  const description = elements(root.inner, 'conference-description')[0]?.inner ?? '';
  const state = elements(root.inner, 'conference-state')[0]?.inner ?? '';
  return {
    entity: root.attributes.get('entity') ?? '',
    state: root.attributes.get('state') ?? 'full',
    version,
    subject: textOf(description, 'subject') ?? '',
    maximumUserCount: number(textOf(description, 'maximum-user-count')),
    userCount: number(textOf(state, 'user-count')),
    users: elements(root.inner, 'user').map((user) => {
      const endpoint = elements(user.inner, 'endpoint')[0];
      const outside = user.inner.replace(/<(?:[\w.-]+:)?endpoint[\s>].*$/s, '');
      return {
        entity: user.attributes.get('entity') ?? '',
        displayText: textOf(outside, 'display-text') ?? '',
        state: user.attributes.get('state') ?? 'full',
        status: textOf(endpoint?.inner ?? '', 'status') ?? '',
        disconnectionMethod: textOf(endpoint?.inner ?? '', 'disconnection-method') ?? '',
        disconnectionReason:
          textOf(elements(endpoint?.inner ?? '', 'disconnection-info')[0]?.inner ?? '', 'reason') ?? '',
        yourOwn: user.attributes.get('yourown') === 'true',
      };
    }),
  };
}

interface Element {
  readonly attributes: ReadonlyMap<string, string>;
  readonly inner: string;
}

/** All elements of that local name at any depth; an element never holds one of its own name in these documents. */
function elements(xml: string, name: string): Element[] {
  const pattern = new RegExp(
    `<(?:[\\w.-]+:)?${name}((?:\\s[^>]*?)?)(?:/>|>(.*?)</(?:[\\w.-]+:)?${name}\\s*>)`,
    'gs',
  );
  return [...xml.matchAll(pattern)].map((match) => {
    const attributes = new Map<string, string>();
    for (const [, key = '', , double, single] of (match[1] ?? '').matchAll(
      /([\w.:-]+)\s*=\s*("([^"]*)"|'([^']*)')/g,
    )) {
      attributes.set(key.replace(/^.*:/, ''), unescapeXml(double ?? single ?? ''));
    }
    return { attributes, inner: match[2] ?? '' };
  });
}

function textOf(xml: string, name: string): string | undefined {
  const found = elements(xml, name)[0];
  return found === undefined ? undefined : unescapeXml(found.inner.trim());
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return names[String(name)] ?? whole;
  });
}
