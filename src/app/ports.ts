/** Ports before anything is started: free ones for port 0, and a clear word about those that are taken. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import type { HostPort } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import type { ConfigError } from '../config/config-error.ts';
import { type Listener, listeners } from '../config/listeners.ts';
import { managedNode } from '../config/resolve.ts';
import { CodedError } from '../lib/errors.ts';

/** Below the range from which the kernel takes ports of outgoing connections, so that none of those gets in between. */
const FIRST_PORT = 12_000;
const LAST_PORT = 31_999;
const MAX_TRIES = 200;

/** Every port 0 replaced by a free port; what follows from addresses (the managed node) follows. Throws `RUN_NO_FREE_PORT`. */
export async function resolvePorts(config: Config): Promise<Config> {
  const used = new Set(listeners(config).map((listener) => listener.port));
  const processes = config.switch.processes;
  const free = async <A extends HostPort>(
    address: A,
    transports: Listener['transport'][],
    span = 1,
  ): Promise<A> => {
    if (address.port !== 0) return address;
    const port = await freePort(address.host, transports, span, used);
    for (let i = 0; i < span; i++) used.add(port + i);
    return { ...address, port };
  };
  const sharedSipPort = new Map<string, number>();
  const sipListen: Config['sip']['listen'][number][] = [];
  for (const address of config.sip.listen) {
    const shared =
      sharedSipPort.get(`${address.host} ${address.proto}`) === undefined
        ? sharedSipPort.get(address.host)
        : undefined;
    const resolved =
      address.port === 0 && shared !== undefined
        ? { ...address, port: shared }
        : await free(address, ['udp', 'tcp']);
    if (address.port === 0) {
      sharedSipPort.set(address.host, resolved.port);
      sharedSipPort.set(`${address.host} ${address.proto}`, resolved.port);
    }
    sipListen.push(resolved);
  }
  const msrpListen: Config['msrp']['listen'][number][] = [];
  for (const address of config.msrp.listen) msrpListen.push(await free(address, ['tcp'], processes));
  const rpc = config.kamailio.manage
    ? await free(config.kamailio.rpc.listen, ['tcp'])
    : config.kamailio.rpc.listen;
  return {
    ...config,
    sip: { ...config.sip, listen: sipListen },
    kamailio: {
      ...config.kamailio,
      rpc: { ...config.kamailio.rpc, listen: rpc },
      jsonRpc: { ...config.kamailio.jsonRpc, listen: await free(config.kamailio.jsonRpc.listen, ['tcp']) },
      nodes: config.kamailio.manage ? [managedNode(sipListen, rpc)] : config.kamailio.nodes,
    },
    admin: { ...config.admin, listen: await free(config.admin.listen, ['tcp']) },
    eventSocket: {
      ...config.eventSocket,
      listen: await free(config.eventSocket.listen, ['tcp'], processes),
    },
    msrp: { ...config.msrp, listen: msrpListen },
  };
}

/** The first of `span` ports in a row that are free, and claimed. */
async function freePort(
  host: string,
  transports: readonly Listener['transport'][],
  span: number,
  used: ReadonlySet<number>,
): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const first = randomInt(FIRST_PORT, LAST_PORT - span);
    const ports = Array.from({ length: span }, (_, index) => first + index);
    if (ports.some((port) => used.has(port))) continue;
    const claims = await claim(ports);
    if (claims === null) continue;
    const faults = await Promise.all(
      ports.flatMap((port) => transports.map((transport) => bindFault({ host, port, transport }))),
    );
    const fatal = faults.find((fault) => fault !== undefined && fault !== 'EADDRINUSE');
    if (fatal !== undefined) throw new CodedError('RUN_NO_FREE_PORT', `cannot listen on ${host}: ${fatal}`);
    if (faults.every((fault) => fault === undefined)) return first;
    release(claims);
  }
  throw new CodedError('RUN_NO_FREE_PORT', `found no ${span} free ports in a row on ${host}`);
}

/**
 * Seconds pass until a port that was found free is listened on: whoever looks for one meanwhile has to see that it is spoken for. A
 * claim is a socket with a name and no file, which is gone with its process, however that ends.
 * @returns null when somebody has claimed one of them
 */
async function claim(ports: readonly number[]): Promise<readonly Server[] | null> {
  const claims = (await Promise.all(ports.map(claimOne))).filter((server) => server !== null);
  if (claims.length === ports.length) return claims;
  release(claims);
  return null;
}

function release(claims: readonly Server[]): void {
  for (const server of claims) server.close();
}

function claimOne(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    // Where there are no such names (they are Linux's), a port is taken without.
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? null : server),
    );
    server.listen({ path: `\0parley-port-${port}` }, () => resolve(server.unref()));
  });
}

/** The ports that cannot be had, in the words of the configuration. Ports of 0 are not looked at. */
export async function portFaults(
  config: Config,
  isOwn: (listener: Listener) => boolean = () => true,
): Promise<ConfigError[]> {
  const wanted = listeners(config).filter((listener) => listener.port !== 0 && isOwn(listener));
  const faults = await Promise.all(wanted.map((listener) => bindFault(listener)));
  return wanted.flatMap((listener, index) => {
    const fault = faults[index];
    if (fault === undefined) return [];
    const who = listener.process === undefined ? '' : ` (switch process ${listener.process})`;
    const [message, mend] = inWords(fault);
    return [{ path: `${listener.key}${who}`, value: listener.text, message, mend }];
  });
}

function inWords(fault: string): [message: string, mend: string] {
  switch (fault) {
    case 'EADDRINUSE':
      return [
        'is taken by another program',
        'stop that program, or choose another port (0 takes a free one)',
      ];
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['is no address of this machine', 'write an address that `ip address` lists'];
    case 'EACCES':
      return ['is a port for root only', 'choose a port above 1023, or start with that right'];
    default:
      return [`cannot be listened on (${fault})`, 'choose another address'];
  }
}

/** Tries the socket for a moment; undefined when it can be had, else the error's code. */
function bindFault(address: HostPort & { transport: Listener['transport'] }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
    if (address.transport === 'udp') {
      const socket = createSocket(address.host.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', (error) => {
        socket.close();
        failed(error);
      });
      socket.bind({ port: address.port, address: address.host, exclusive: true }, () =>
        socket.close(() => resolve(undefined)),
      );
    } else {
      const server = createServer();
      server.once('error', failed);
      server.listen({ port: address.port, host: address.host, exclusive: true }, () =>
        server.close(() => resolve(undefined)),
      );
    }
  });
}
