/** Certificates of MSRP over TLS: our own, and how a peer's is held against the fingerprint in its SDP (RFC 4975 section 14.4, RFC 8122). */
import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { CodedError } from '../../lib/errors.ts';

export interface TlsIdentity {
  /** Private key, PEM. */
  readonly key: string | Buffer;
  /** Certificate chain, PEM; the first is ours. */
  readonly cert: string | Buffer;
  /** Authorities, PEM, for peers that are not known by a fingerprint; default: those that Node knows. */
  readonly ca?: string | Buffer;
  /** Clients without a certificate are refused; default false: what is shown must fit, nothing need be shown. */
  readonly requireClientCertificate?: boolean;
}

/** `SHA-256 AB:…` as SDP has it. @throws CodedError MSRP_BAD_CERTIFICATE when key and certificate are no pair or no PEM */
export function checkIdentity(identity: TlsIdentity): string {
  try {
    createSecureContext(contextOf(identity));
    return `SHA-256 ${new X509Certificate(identity.cert).fingerprint256}`;
  } catch (cause) {
    throw new CodedError('MSRP_BAD_CERTIFICATE', 'the certificate and its key cannot be used', { cause });
  }
}

export function contextOf({ key, cert, ca }: TlsIdentity): SecureContextOptions {
  return { key, cert, ...(ca === undefined ? {} : { ca }) };
}

const HASHES: Readonly<Record<string, string>> = {
  'sha-1': 'sha1',
  'sha-224': 'sha224',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
};

/** Whether a certificate (DER) has the fingerprint of an `a=fingerprint`; false for a hash that we do not take. */
export function hasFingerprint(certificate: Buffer, fingerprint: string): boolean {
  const [name = '', hex = ''] = fingerprint.trim().split(/\s+/);
  const hash = HASHES[name.toLowerCase()];
  if (hash === undefined) return false;
  return (
    createHash(hash).update(certificate).digest('hex').toUpperCase() === hex.replaceAll(':', '').toUpperCase()
  );
}
