/** The certificates of test/fixtures/msrp, and MSRP over TLS for members of the tests. */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { type Hall, Member, RawClient } from './raw-client.ts';

const read = (name: string): Buffer => readFileSync(new URL(`../../fixtures/msrp/${name}`, import.meta.url));
const pair = (name: string) => ({ key: read(`${name}-key.pem`), cert: read(`${name}-cert.pem`) });

export const LOOPBACK = pair('loopback');
export const SIGNED = pair('signed');
export const CLIENT = pair('client');
export const AUTHORITY = read('authority-cert.pem');

/** As `a=fingerprint` has it, reckoned from the PEM alone. */
export function fingerprintOf(cert: Buffer, hash = 'SHA-256'): string {
  const digest = createHash(hash.toLowerCase().replace('-', ''))
    .update(new X509Certificate(cert).raw)
    .digest('hex');
  return `${hash} ${(digest.toUpperCase().match(/../g) ?? []).join(':')}`;
}

export const TCP_AND_TLS = [
  { transport: 'tcp' as const, host: '127.0.0.1', port: 0 },
  { transport: 'tls' as const, host: '127.0.0.1', port: 0 },
];

export function portOf(hall: Hall, transport: string): number {
  return hall.msrp.hello().msrp.find((address) => address.transport === transport)?.port ?? 0;
}

export class TlsMember extends Member {
  static async connect(hall: Hall, name: string, options: ConnectionOptions): Promise<TlsMember> {
    const port = portOf(hall, 'tls');
    const socket = connect({ port, host: '127.0.0.1', ...options });
    await once(socket, 'secureConnect');
    return new TlsMember(name, new RawClient(socket), port);
  }

  override get switchUri(): string {
    return super.switchUri.replace('msrp:', 'msrps:');
  }
}
