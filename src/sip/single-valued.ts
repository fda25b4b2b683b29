import { ParseError } from '../lib/errors.ts';
import type { SipMessage } from './message.ts';

/** Fields whose grammar has one value, so that a second one leaves open which of them was meant (RFC 3261 7.3.1). */
const SINGLE_VALUED: ReadonlySet<string> = new Set([
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'content-type',
  'content-disposition',
  'subject',
  'session-expires',
  'min-se',
  'expires',
  'event',
  'refer-to',
  'refer-sub',
  'referred-by',
  'target-dialog',
]);

/**
 * Throws SIP_BAD_FIELD when a field stands twice that may stand once (RFC 4475 3.3.8): two readers of the message
 * could each see another one.
 */
export function checkSingleValued(message: SipMessage): void {
  const seen = new Set<string>();
  for (const { name } of message.headers) {
    const lower = name.toLowerCase();
    if (!SINGLE_VALUED.has(lower)) continue;
    if (seen.has(lower)) throw new ParseError('SIP_BAD_FIELD', `more than one ${name}`);
    seen.add(lower);
  }
}
