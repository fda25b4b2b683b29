import { header, listHeader, type SipMessage } from './message.ts';
import { splitOutside } from './scan.ts';

/** Methods of the Allow fields as received (methods are case-sensitive); `undefined` when there is no Allow at all. */
export function allowedMethods(message: SipMessage): string[] | undefined {
  return header(message, 'Allow') === undefined ? undefined : listHeader(message, 'Allow');
}

/** Option tags in lower case (RFC 3261 7.3.1: compared without case). */
export function optionTags(
  message: SipMessage,
  field: 'Supported' | 'Require' | 'Proxy-Require' | 'Unsupported',
): string[] {
  return listHeader(message, field).map((tag) => tag.toLowerCase());
}

/**
 * Priv-values of every Privacy field in lower case, `id`, `header`, `user`, `none`, `critical`, `history`
 * (RFC 3323 4.2 separates them by semicolons; commas are met too).
 */
export function privacyValues(message: SipMessage): string[] {
  return listHeader(message, 'Privacy')
    .flatMap((value) => splitOutside(value, ';'))
    .map((value) => value.toLowerCase());
}
