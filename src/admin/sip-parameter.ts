/** Query parameters that hold SIP names. None of these has a space, but a query string turns `+` into one: it is put back. */
import { ParseError } from '../lib/errors.ts';
import { addressKey, canonicalAddress } from '../sip/uri.ts';
import { ProblemError } from './problem.ts';

export interface UserParameter {
  /** The canonical URI, as decisions are kept. */
  readonly address: string;
  /** The key under which a telephone number as tel URI and as SIP URI meet. */
  readonly key: string;
}

/**
 * Whom somebody looks up: a SIP or tel URI, of which `sip:` may be left out.
 * @throws ProblemError ADMIN_BAD_PARAMETER
 */
export function parseUserParameter(text: string, name = 'user'): UserParameter {
  const typed = withPlus(text);
  const uri = /^(sips?|tel):/i.test(typed) ? typed : `sip:${typed}`;
  try {
    return { address: canonicalAddress(uri), key: addressKey(uri) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new ProblemError('ADMIN_BAD_PARAMETER', `parameter "${name}" is no SIP or tel URI`, name);
  }
}

/** RFC 3261 section 25.1: `+` may stand in a callid, a space may not. */
export function parseCallIdParameter(text: string): string {
  return withPlus(text);
}

function withPlus(text: string): string {
  return text.replaceAll(' ', '+');
}
