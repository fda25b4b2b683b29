import { ParseError } from '../lib/errors.ts';

/** An MSRP URI (RFC 4975 9). */
export interface MsrpUri {
  readonly scheme: 'msrp' | 'msrps';
  readonly userinfo?: string;
  /** As received; IPv6 in brackets. */
  readonly host: string;
  readonly port?: number;
  /** Case-sensitive, may hold `/`, `=` and `+`; absent in the URI of a relay. */
  readonly sessionId?: string;
  /** Lower case: `tcp`, `ws`. */
  readonly transport: string;
  /** Further parameters, names in lower case. */
  readonly params: ReadonlyMap<string, string | undefined>;
}

const SCHEME = /^(msrps?):\/\//i;
const HOST = /^(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]{2,45}\])$/;
const SESSION_ID = /^[A-Za-z0-9\-._~+=/]+$/;
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** Longer is refused: the URI stands in every frame. */
const MAX_CHARS = 1024;

/** Throws SDP_BAD_MSRP_URI. */
export function parseMsrpUri(text: string): MsrpUri {
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined || text.length > MAX_CHARS) throw bad(text, 'scheme or length');
  const [hierarchy = '', transport = '', ...rest] = text.slice(scheme.length + 3).split(';');
  const slash = hierarchy.indexOf('/');
  const authority = slash < 0 ? hierarchy : hierarchy.slice(0, slash);
  const sessionId = slash < 0 ? undefined : hierarchy.slice(slash + 1);
  if (sessionId !== undefined && !SESSION_ID.test(sessionId)) throw bad(text, 'session-id');
  if (!TOKEN.test(transport)) throw bad(text, 'transport');
  const params = rest.map((parameter) => parseParameter(text, parameter));
  return {
    scheme: scheme.toLowerCase() === 'msrps' ? 'msrps' : 'msrp',
    ...parseAuthority(text, authority),
    ...(sessionId === undefined ? {} : { sessionId }),
    transport: transport.toLowerCase(),
    params: new Map(params),
  };
}

function parseAuthority(text: string, authority: string): { userinfo?: string; host: string; port?: number } {
  const at = authority.lastIndexOf('@');
  const hostport = authority.slice(at + 1);
  const bracket = Math.max(0, hostport.indexOf(']'));
  const colon = hostport.indexOf(':', bracket);
  const host = colon < 0 ? hostport : hostport.slice(0, colon);
  const digits = colon < 0 ? undefined : hostport.slice(colon + 1);
  if (!HOST.test(host)) throw bad(text, 'host');
  if (digits !== undefined && (!/^\d{1,5}$/.test(digits) || Number(digits) > 65_535)) throw bad(text, 'port');
  const userinfo = at < 0 ? undefined : authority.slice(0, at);
  if (userinfo !== undefined && !/^[A-Za-z0-9\-_.!~*'()%&=+$,;?/:]+$/.test(userinfo))
    throw bad(text, 'userinfo');
  return {
    ...(userinfo === undefined ? {} : { userinfo }),
    host,
    ...(digits === undefined ? {} : { port: Number(digits) }),
  };
}

function parseParameter(text: string, parameter: string): [string, string | undefined] {
  const equals = parameter.indexOf('=');
  const name = equals < 0 ? parameter : parameter.slice(0, equals);
  const value = equals < 0 ? undefined : parameter.slice(equals + 1);
  if (!TOKEN.test(name) || (value !== undefined && !TOKEN.test(value))) throw bad(text, 'parameter');
  return [name.toLowerCase(), value];
}

export function formatMsrpUri(uri: MsrpUri): string {
  let out = `${uri.scheme}://${uri.userinfo === undefined ? '' : `${uri.userinfo}@`}${uri.host}`;
  if (uri.port !== undefined) out += `:${uri.port}`;
  if (uri.sessionId !== undefined) out += `/${uri.sessionId}`;
  out += `;${uri.transport}`;
  for (const [name, value] of uri.params) out += value === undefined ? `;${name}` : `;${name}=${value}`;
  return out;
}

function bad(text: string, what: string): ParseError {
  return new ParseError('SDP_BAD_MSRP_URI', `malformed MSRP URI: ${what}`, -1, text);
}
