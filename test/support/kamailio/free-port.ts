import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range from which the kernel takes ports (ip_local_port_range, 32768 by default): a port from there that was free a moment ago
 * goes to the next program that asks for any port, or connects, and test files that run beside this one do so all the time.
 */
const FIRST_PORT = 12_000;
const LAST_PORT = 31_999;
const MAX_TRIES = 200;

/** A port of this address that is free for UDP and TCP alike, and is given to nobody else while this process lives. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if ((await claims(port)) && (await isTcpFree(host, port)) && (await isUdpFree(host, port))) return port;
  }
  throw new Error(`no free port found on ${host} in ${MAX_TRIES} tries`);
}

/** As `parley up` claims a port (src/app/ports.ts): test files that run beside this one, and what they start, pass it by. */
async function claims(port: number): Promise<boolean> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ path: `\0parley-port-${port}` });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.unref();
  return true;
}

async function isTcpFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ port, host, exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  const closed = once(server, 'close');
  server.close();
  await closed;
  return true;
}

async function isUdpFree(host: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  socket.bind({ port, address: host, exclusive: true });
  try {
    await once(socket, 'listening');
  } catch {
    socket.close();
    return false;
  }
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  return true;
}
