/** Digest credentials (RFC 2617 and RFC 7616, as RFC 3261 section 22 uses them): MD5 and SHA-256, qop auth or none. */
import { createHash, randomBytes } from 'node:crypto';
import { parseChallenge } from './header-values.ts';
import type { HeaderField, SipMessage } from './message.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The Authorization or Proxy-Authorization lines that answer a 401 or 407; empty when no challenge can be met. */
export function answerChallenge(
  response: SipMessage,
  method: string,
  uri: string,
  who: Credentials,
): HeaderField[] {
  const fields: HeaderField[] = [];
  for (const [asked, answer] of [
    ['WWW-Authenticate', 'Authorization'],
    ['Proxy-Authenticate', 'Proxy-Authorization'],
  ] as const) {
    for (const line of response.headers(asked)) {
      const { scheme, params } = parseChallenge(line);
      const algorithm = (params.get('algorithm') ?? 'MD5').toUpperCase();
      if (scheme !== 'digest' || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) continue;
      fields.push([answer, digest(params, algorithm, method, uri, who)]);
      break;
    }
  }
  return fields;
}

function digest(
  challenge: ReadonlyMap<string, string>,
  algorithm: 'MD5' | 'SHA-256',
  method: string,
  uri: string,
  who: Credentials,
): string {
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const realm = challenge.get('realm') ?? '';
  const nonce = challenge.get('nonce') ?? '';
  const a1 = hash(`${who.username}:${realm}:${who.password}`);
  const a2 = hash(`${method}:${uri}`);
  const parts = [
    `username="${who.username}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${uri}"`,
    `algorithm=${algorithm}`,
  ];
  const qops = (challenge.get('qop') ?? '').split(',').map((qop) => qop.trim());
  if (qops.includes('auth')) {
    const cnonce = randomBytes(8).toString('hex');
    parts.push('qop=auth', 'nc=00000001', `cnonce="${cnonce}"`);
    parts.push(`response="${hash(`${a1}:${nonce}:00000001:${cnonce}:auth:${a2}`)}"`);
  } else {
    parts.push(`response="${hash(`${a1}:${nonce}:${a2}`)}"`);
  }
  const opaque = challenge.get('opaque');
  if (opaque !== undefined) parts.push(`opaque="${opaque}"`);
  return `Digest ${parts.join(', ')}`;
}
