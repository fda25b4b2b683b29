/**
 * Whoever reaches a loopback address is trusted, and a browser on that machine reaches it for any web page whose host
 * name was made to resolve to 127.0.0.1 (DNS rebinding). Such a request names that host: only addresses and
 * localhost are answered. On other addresses the operator's own names are unknown here, so there is no such check.
 */
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** `host` without brackets. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version === 0
    ? host.toLowerCase() === 'localhost'
    : LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** `field` is a Host header field, `listenHost` what the configuration says. */
export function isHostServed(field: string | undefined, listenHost: string): boolean {
  if (!isLoopback(listenHost)) return true;
  if (field === undefined) return false;
  const name = hostOf(field);
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
}

function hostOf(field: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(field.trim().toLowerCase());
  return match?.[1] ?? match?.[2] ?? '';
}
