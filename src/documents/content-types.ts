import { ParseError } from '../lib/errors.ts';

/** Media types of the bodies that an IM conference carries in SIP and MSRP. */
export const CONTENT_TYPES = {
  sdp: 'application/sdp',
  resourceLists: 'application/resource-lists+xml',
  conferenceInfo: 'application/conference-info+xml',
  /** RFC 3515 section 2.4.5. */
  sipfrag: 'message/sipfrag;version=2.0',
  groups: 'application/vnd.oma.poc.groups+xml',
  multipartMixed: 'multipart/mixed',
  cpim: 'message/cpim',
  isComposing: 'application/im-iscomposing+xml',
  imdn: 'message/imdn+xml',
  plainText: 'text/plain',
} as const;

/** Content-Disposition types of lists of recipients (RFC 5366, RFC 5368, RFC 5364). */
export const DISPOSITIONS = {
  recipientList: 'recipient-list',
  recipientListHistory: 'recipient-list-history',
} as const;

/** A Content-Type or Content-Disposition value taken apart. */
export interface MediaType {
  /** Lower case, without parameters. */
  readonly type: string;
  /** Names in lower case, values as sent without their quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[^\s;=",]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;

/**
 * Reads `type/subtype;name=value;name="value"` (RFC 2045 section 5.1), also the one word of a Content-Disposition.
 *
 * @throws {ParseError} `SIP_MEDIA_TYPE`
 */
export function parseMediaType(value: string): MediaType {
  const semicolon = value.indexOf(';');
  const type = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  if (!/^[^\s;=",/]+(\/[^\s;=",/]+)?$/.test(type)) {
    throw new ParseError('SIP_MEDIA_TYPE', 'not a media type', 0, value);
  }
  const parameters = new Map<string, string>();
  let at = semicolon < 0 ? value.length : semicolon;
  while (at < value.length) {
    at = skipSpace(value, at);
    if (at >= value.length) break;
    if (value[at] !== ';')
      throw new ParseError('SIP_MEDIA_TYPE', 'a parameter is malformed', at, value.slice(at));
    at = skipSpace(value, at + 1);
    // Stray semicolons are common in the field and harm nobody.
    if (at >= value.length || value[at] === ';') continue;
    const name = match(TOKEN, value, at);
    if (name === undefined)
      throw new ParseError('SIP_MEDIA_TYPE', 'a parameter has no name', at, value.slice(at));
    at = skipSpace(value, at + name[0].length);
    let content = '';
    if (value[at] === '=') {
      at = skipSpace(value, at + 1);
      const quoted = match(QUOTED, value, at);
      const found = quoted ?? match(TOKEN_VALUE, value, at);
      if (found === undefined)
        throw new ParseError('SIP_MEDIA_TYPE', 'a parameter has no value', at, value.slice(at));
      content = quoted === undefined ? found[0] : (found[1] ?? '').replace(/\\(.)/gs, '$1');
      at += found[0].length;
    }
    const key = name[0].toLowerCase();
    // The first one counts: a later copy must not change what an earlier reader of the message saw.
    if (!parameters.has(key)) parameters.set(key, content);
  }
  return { type, parameters };
}

/** Looser than a token: boundaries with `=` or `/` go unquoted in the field. */
const TOKEN_VALUE = /[^\s;",]+/y;

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (
    next < text.length &&
    (text[next] === ' ' || text[next] === '\t' || text[next] === '\r' || text[next] === '\n')
  )
    next += 1;
  return next;
}
