/** Addresses as they are written in the configuration, and those that switch process i takes. */
import { isIP } from 'node:net';

export interface HostPort {
  /** IPv6 without brackets. */
  readonly host: string;
  /** 0: a free port, chosen at start. */
  readonly port: number;
}
export interface SipAddress extends HostPort {
  readonly proto: 'udp' | 'tcp';
}
export interface MsrpAddress extends HostPort {
  readonly proto: 'tcp' | 'tls' | 'ws' | 'wss';
}

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/;
const PORT = /^\d{1,5}$/;

/** A host name (RFC 1123) or an IP address, IPv6 without brackets. Dotted digits that are no IPv4 address are refused. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  return HOST_NAME.test(text) && !/^[\d.]+$/.test(text);
}

/** `host:port` or `[v6]:port`; undefined when it is not that. */
export function parseHostPort(text: string): HostPort | undefined {
  const parsed = parseHostMaybePort(text);
  return parsed?.port === undefined ? undefined : { host: parsed.host, port: parsed.port };
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; undefined when it is not that. */
export function parseHostMaybePort(text: string): { host: string; port?: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(.*))?$/s.exec(text);
  if (match === null) return undefined;
  const [, v6, name, portText] = match;
  const host = v6 ?? name ?? '';
  if (v6 === undefined ? !isHost(host) : isIP(host) !== 6) return undefined;
  if (portText === undefined) return { host };
  const port = Number(portText);
  return PORT.test(portText) && port <= 65535 ? { host, port } : undefined;
}

/** `proto:host:port` with a protocol of the list. */
export function parseListen<P extends string>(
  text: string,
  protocols: readonly P[],
): (HostPort & { readonly proto: P }) | undefined {
  const colon = text.indexOf(':');
  const proto = protocols.find((candidate) => candidate === text.slice(0, colon).toLowerCase());
  const address = parseHostPort(text.slice(colon + 1));
  return proto === undefined || address === undefined ? undefined : { proto, ...address };
}

/** An IP network in CIDR form; a plain address is the network of that address alone. */
export function isCidr(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** Text form, IPv6 in brackets. */
export function formatHostPort(address: HostPort): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Where a listener is found from this machine: one on all addresses by loopback. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** `proto:host:port`, IPv6 in brackets. */
export function formatListen(address: HostPort & { readonly proto: string }): string {
  return `${address.proto}:${formatHostPort(address)}`;
}

/** The address of switch process `index`: port + index, a port of 0 stays 0. */
export function shiftPort<A extends HostPort>(address: A, index: number): A {
  return address.port === 0 ? address : { ...address, port: address.port + index };
}

/** What switch process `index` listens on. */
export function switchAddresses(
  config: {
    readonly msrp: { readonly listen: readonly MsrpAddress[] };
    readonly eventSocket: { readonly listen: HostPort };
  },
  index: number,
): { msrp: MsrpAddress[]; eventSocket: HostPort } {
  return {
    msrp: config.msrp.listen.map((address) => shiftPort(address, index)),
    eventSocket: shiftPort(config.eventSocket.listen, index),
  };
}

/** The event sockets of all switches that the focus connects to: own processes first, then remote ones. None with a bus. */
export function eventSocketTargets(config: {
  readonly switch: { readonly processes: number };
  readonly eventSocket: {
    readonly listen: HostPort;
    readonly switches: readonly HostPort[];
    readonly bus?: unknown;
  };
}): HostPort[] {
  if (config.eventSocket.bus !== undefined) return [];
  const own = Array.from({ length: config.switch.processes }, (_, index) =>
    shiftPort(config.eventSocket.listen, index),
  );
  return [...own, ...config.eventSocket.switches];
}
