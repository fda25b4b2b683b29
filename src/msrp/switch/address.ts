/** Addresses in CPIM heads are compared without what cannot tell people apart: parameters, headers, case of scheme and host. */
export function canonicalAddress(uri: string): string {
  const colon = uri.indexOf(':');
  if (colon < 0) return uri;
  const scheme = uri.slice(0, colon).toLowerCase();
  const rest = uri.slice(colon + 1).split(/[;?]/, 1)[0] as string;
  if (scheme === 'tel') return `tel:${rest.replace(/[-.()\s]/g, '').toLowerCase()}`;
  const at = rest.lastIndexOf('@');
  return `${scheme}:${rest.slice(0, at + 1)}${rest.slice(at + 1).toLowerCase()}`;
}

/** The tel: form of `sip:+46700000001@host;user=phone`, which is the same user (RFC 3261 section 19.1.6); else ''. */
export function telForm(uri: string): string {
  const phone = /^sips?:(\+[^@;?]+)@[^?]*;user=phone(?:[;?]|$)/i.exec(uri);
  return phone === null ? '' : canonicalAddress(`tel:${phone[1]}`);
}

/** RCS clients write this into CPIM To for the whole group, and into From when they asked for privacy. */
export const ANONYMOUS = 'sip:anonymous@anonymous.invalid';
