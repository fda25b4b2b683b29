/** Readers for the header values that a user agent needs: lists, name-addr, SIP URI, Via, challenges (RFC 3261 section 25). */

/** Splits at `separator` outside quoted strings and angle brackets; parts are trimmed, empty ones left out. */
export function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  let angle = false;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (quoted) {
      if (char === '\\') index += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '<') angle = true;
    else if (char === '>') angle = false;
    else if (char === separator && !angle) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** `;a=b;c` → names in lower case; a parameter without value maps to ''. Quotes around a value are taken off. */
export function parseParams(parts: readonly string[]): Map<string, string> {
  const params = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    params.set(name, equals < 0 ? '' : unquote(part.slice(equals + 1).trim()));
  }
  return params;
}

export function unquote(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text;
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

export interface NameAddr {
  readonly displayName: string;
  readonly uri: string;
  readonly params: ReadonlyMap<string, string>;
}

/** `"Ada" <sip:ada@example.net>;tag=1` or the addr-spec form, where all `;` belong to the header. */
export function parseNameAddr(text: string): NameAddr {
  const open = indexOutsideQuotes(text, '<');
  if (open < 0) {
    const [uri = '', ...params] = text.split(';').map((part) => part.trim());
    return { displayName: '', uri, params: parseParams(params) };
  }
  const close = text.indexOf('>', open);
  if (close < 0) throw new Error(`name-addr without ">": ${text}`);
  return {
    displayName: unquote(text.slice(0, open).trim()),
    uri: text.slice(open + 1, close).trim(),
    params: parseParams(splitOutside(text.slice(close + 1), ';')),
  };
}

function indexOutsideQuotes(text: string, wanted: string): number {
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    if (quoted && text[index] === '\\') index += 1;
    else if (text[index] === '"') quoted = !quoted;
    else if (!quoted && text[index] === wanted) return index;
  }
  return -1;
}

/** `"Ada" <sip:…>`; no display name gives `<sip:…>`. */
export function formatNameAddr(uri: string, displayName = ''): string {
  const quoted = displayName === '' ? '' : `"${displayName.replace(/["\\]/g, '\\$&')}" `;
  return `${quoted}<${uri}>`;
}

export interface SipUri {
  readonly scheme: string;
  readonly user: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyMap<string, string>;
}

export function parseSipUri(uri: string): SipUri {
  const match = /^(sips?):(?:([^@]*)@)?(\[[^\]]+\]|[^;?:]+)(?::(\d+))?((?:;[^?]*)?)(?:\?.*)?$/i.exec(uri);
  if (match === null) throw new Error(`not a SIP URI: ${uri}`);
  const [, scheme = '', user = '', host = '', port, params = ''] = match;
  return {
    scheme: scheme.toLowerCase(),
    user,
    host: host.toLowerCase(),
    port: port === undefined ? undefined : Number(port),
    params: parseParams(params.split(';').filter((part) => part !== '')),
  };
}

export interface Via {
  readonly transport: string;
  readonly sentBy: string;
  readonly params: ReadonlyMap<string, string>;
}

export function parseVia(text: string): Via {
  const match = /^SIP\s*\/\s*2\.0\s*\/\s*(\S+)\s+([^;\s]+)\s*(.*)$/is.exec(text);
  if (match === null) throw new Error(`not a Via: ${text}`);
  const [, transport = '', sentBy = '', params = ''] = match;
  return { transport: transport.toUpperCase(), sentBy, params: parseParams(splitOutside(params, ';')) };
}

/** `Digest realm="x", nonce="y"` → scheme in lower case and its parameters. */
export function parseChallenge(text: string): { scheme: string; params: ReadonlyMap<string, string> } {
  const space = text.search(/\s/);
  if (space < 0) return { scheme: text.toLowerCase(), params: new Map() };
  return {
    scheme: text.slice(0, space).toLowerCase(),
    params: parseParams(splitOutside(text.slice(space), ',')),
  };
}
