import { listHeader, type SipMessage } from './message.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { parseUri } from './uri.ts';

/** The first Contact; `undefined` when there is none or it is `*`. Throws SIP_BAD_NAME_ADDR. */
export function firstContact(message: SipMessage): NameAddr | undefined {
  return contacts(message)[0];
}

/** Every Contact in order, `*` left out. Throws SIP_BAD_NAME_ADDR. */
export function contacts(message: SipMessage): NameAddr[] {
  return listHeader(message, 'Contact')
    .filter((value) => value !== '*')
    .map(parseNameAddr);
}

/**
 * Whether any Contact says that its owner is a focus already: `isfocus` as header parameter (RFC 3840, RFC 4579) or
 * as URI parameter, which the change request's words mean (reading A-3). Present without a value or with any but
 * "FALSE", which RFC 3840 9 defines as the tag's denial. Throws SIP_BAD_NAME_ADDR or SIP_BAD_URI.
 */
export function hasIsFocus(message: SipMessage): boolean {
  return contacts(message).some(
    (contact) => saysFocus(contact.params) || saysFocus(parseUri(contact.uri).params),
  );
}

function saysFocus(params: ReadonlyMap<string, string | undefined>): boolean {
  return params.has('isfocus') && params.get('isfocus')?.toUpperCase() !== 'FALSE';
}

/** `+sip.instance` of the first Contact (RFC 5626 4.1): tells the devices of one user apart. Throws SIP_BAD_NAME_ADDR. */
export function deviceOf(message: SipMessage): { readonly instance?: string } {
  const instance = firstContact(message)?.params.get('+sip.instance');
  return instance === undefined ? {} : { instance };
}
