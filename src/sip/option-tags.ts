import { ParseError } from '../lib/errors.ts';
import { header, headers, listHeader, type SipMessage } from './message.ts';
import { isToken, splitOutside } from './scan.ts';

/** They are kept with each leg. IANA knows fourteen methods. */
const MAX_METHODS = 100;

/**
 * Methods of the Allow fields as received (methods are case-sensitive); `undefined` when there is no Allow at all.
 * A request with something else among them is refused: throws SIP_BAD_FIELD. In a response, which nobody can refuse,
 * it is passed over.
 */
export function allowedMethods(message: SipMessage): string[] | undefined {
  if (header(message, 'Allow') === undefined) return undefined;
  const values = listHeader(message, 'Allow');
  if (message.kind === 'response') return values.filter(isToken).slice(0, MAX_METHODS);
  if (values.length > MAX_METHODS)
    throw new ParseError('SIP_BAD_FIELD', `more than ${MAX_METHODS} methods in Allow`);
  return tokens('Allow', values);
}

/** Option tags in lower case (RFC 3261 7.3.1: compared without case). What is no option tag stays as it is. */
export function optionTags(message: SipMessage, field: 'Supported' | 'Unsupported'): string[] {
  return listHeader(message, field).map((tag) => tag.toLowerCase());
}

/** The option tags that the sender insists on, in lower case. Throws SIP_BAD_FIELD for what is no option tag. */
export function requiredTags(message: SipMessage, field: 'Require' | 'Proxy-Require'): string[] {
  return tokens(field, listHeader(message, field)).map((tag) => tag.toLowerCase());
}

/**
 * Priv-values of every Privacy field in lower case, `id`, `header`, `user`, `none`, `critical`, `history`
 * (RFC 3323 4.2 separates them by semicolons; commas are met too). Throws SIP_BAD_FIELD for a field with none or with
 * something else: who asked for privacy must not be shown because of a slip of the pen.
 */
export function privacyValues(message: SipMessage): string[] {
  return headers(message, 'Privacy').flatMap((field) => {
    const values = splitOutside(field, ',').flatMap((value) => splitOutside(value, ';'));
    if (values.length === 0) throw new ParseError('SIP_BAD_FIELD', 'malformed Privacy', 0, field);
    return tokens('Privacy', values).map((value) => value.toLowerCase());
  });
}

function tokens(field: string, values: string[]): string[] {
  const odd = values.find((value) => !isToken(value));
  if (odd !== undefined) throw new ParseError('SIP_BAD_FIELD', `malformed ${field}`, -1, odd);
  return values;
}
