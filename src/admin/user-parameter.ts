import { canonicalAddress } from '../sip/uri.ts';
import { ProblemError } from './problem.ts';

/**
 * The address that a person gives to look somebody up, as one canonical URI: `sip:` may be left out, and the `+` of a
 * telephone number, which a query string turns into a space, is put back.
 * @throws ProblemError ADMIN_BAD_PARAMETER
 */
export function parseUserParameter(text: string): string {
  const typed = text.replaceAll(' ', '+');
  const uri = /^[a-z][a-z0-9+.-]*:/i.test(typed) ? typed : `sip:${typed}`;
  try {
    return canonicalAddress(uri);
  } catch {
    throw new ProblemError('ADMIN_BAD_PARAMETER', 'query parameter "user" is no SIP or tel URI', 'user');
  }
}
