/**
 * 7.2.2.3 IM Session initiation policy for ad-hoc sessions, which the operator decides. For a group its document
 * does.
 */
import { addressKey, canonicalAddress, parseUri } from '../../sip/uri.ts';
import type { Originator } from '../originator.ts';
import type { FocusSettings } from '../world.ts';
import type { Grant } from './adding.ts';

export function mayInitiateAdHoc(
  originator: Originator,
  { adHoc }: Pick<FocusSettings, 'adHoc'>,
): Omit<Grant, 'rule'> {
  const { mayInitiate: who } = adHoc;
  if (who === 'everybody')
    return { isGranted: true, by: 'every authenticated user may (adHoc.mayInitiate: everybody)' };
  if (who === 'nobody') return { isGranted: false, by: 'nobody may (adHoc.mayInitiate: nobody)' };
  const granting = who.find((entry) => isMeant(entry, originator));
  return granting === undefined
    ? { isGranted: false, by: `none of the ${who.length} entries of adHoc.mayInitiate is about this user` }
    : { isGranted: true, by: `${granting} of adHoc.mayInitiate` };
}

/** @param entry the URI of a user, a domain, or `*.` and a domain for those below it; checked with the configuration */
function isMeant(entry: string, { addresses, keys }: Originator): boolean {
  if (/^(sips?|tel):/i.test(entry)) {
    return keys.includes(addressKey(entry)) || addresses.includes(canonicalAddress(entry));
  }
  const domain = entry.toLowerCase().replace(/\.$/, '');
  return addresses.some((address) => {
    const { host } = parseUri(address);
    return domain.startsWith('*.') ? host.endsWith(domain.slice(1)) : host === domain;
  });
}
