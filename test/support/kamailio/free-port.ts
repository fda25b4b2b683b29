import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** A port of 127.0.0.1 that is free for UDP and TCP alike at this moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await tcpPort();
    if (await isUdpFree(port)) return port;
  }
}

function tcpPort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    server.close(() => resolve(port));
  });
  return promise;
}

function isUdpFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createSocket('udp4');
  socket.once('error', () => {
    socket.close();
    resolve(false);
  });
  socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  return promise;
}
