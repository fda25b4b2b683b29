/** 5.1 Authenticated Originator's IM Address: what the edge asserts, never what the message claims. */
import { parseNameAddr } from '../sip/name-addr.ts';
import { addressKey, canonicalAddress } from '../sip/uri.ts';

export interface Originator {
  /** Canonical addresses, the primary first. */
  readonly addresses: readonly string[];
  readonly keys: readonly string[];
  /** The first sip: address, else the first. */
  readonly primary: string;
  /** Display name of the asserted name-addr. */
  readonly displayName?: string;
}

/** Undefined when nothing usable was asserted. A value that is no name-addr counts as not asserted. */
export function authenticatedOriginator(asserted: readonly string[]): Originator | undefined {
  const found: { address: string; key: string; displayName?: string }[] = [];
  for (const text of asserted) {
    try {
      const { uri, displayName } = parseNameAddr(text);
      found.push({
        address: canonicalAddress(uri),
        key: addressKey(uri),
        ...(displayName === undefined || displayName === '' ? {} : { displayName }),
      });
    } catch {
      // The edge asserted something unreadable: as good as nothing.
    }
  }
  const primary = found.find(({ address }) => address.startsWith('sip:')) ?? found[0];
  if (primary === undefined) return undefined;
  const ordered = [primary, ...found.filter((other) => other !== primary)];
  return {
    addresses: ordered.map(({ address }) => address),
    keys: ordered.map(({ key }) => key),
    primary: primary.address,
    ...(primary.displayName === undefined ? {} : { displayName: primary.displayName }),
  };
}
