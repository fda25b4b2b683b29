import { ParseError } from '../lib/errors.ts';
import { listHeader, type SipMessage } from './message.ts';
import { type NameAddr, parseNameAddrList } from './name-addr.ts';
import { type Params, parseParams } from './scan.ts';

/**
 * Values of P-Asserted-Identity (RFC 3325) that are SIP or tel URIs, in order. Takes the field values, not a message:
 * a P-Asserted-Identity inside the message we got was perhaps written by its sender (design section 5).
 * Throws SIP_BAD_NAME_ADDR or SIP_BAD_PARAMETER.
 */
export function parseAssertedIdentity(values: readonly string[]): NameAddr[] {
  return parseNameAddrList(values).filter(({ uri }) => /^(?:sips?|tel):/i.test(uri));
}

/** One element of Accept-Contact (compact form a, RFC 3841): `*;+g.oma.sip-im;require;explicit`. */
export interface AcceptContact {
  readonly require: boolean;
  readonly explicit: boolean;
  /** Feature parameters, names in lower case. */
  readonly features: Params;
}

/** Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function acceptContacts(message: SipMessage): AcceptContact[] {
  return listHeader(message, 'Accept-Contact').map((value) => {
    if (!value.startsWith('*')) throw new ParseError('SIP_BAD_FIELD', 'malformed Accept-Contact', 0, value);
    const features = new Map(parseParams(value, 1));
    return { require: features.delete('require'), explicit: features.delete('explicit'), features };
  });
}
