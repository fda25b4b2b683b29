/** Who may connect, by address. */
import { BlockList, isIP } from 'node:net';
import { CodedError } from '../lib/errors.ts';

export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** Returns a test of a peer's address. Throws `ESL_BAD_OPTION` for what is no CIDR or address. */
export function parseAccessList(cidrs: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/', 2);
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (family === 0 || !/^[0-9]{0,3}$/.test(bits ?? '') || bits === '' || prefix > most) {
      throw new CodedError('ESL_BAD_OPTION', `not a CIDR: ${JSON.stringify(cidr)}`);
    }
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return (address) => {
    if (address === undefined) return false;
    // Link-local addresses carry a zone. IPv4 inside IPv6, as a dual-stack socket shows it, BlockList knows itself.
    const plain = address.replace(/%.*$/, '');
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}
