/** Where clients connect. WebSocket listeners (RFC 7977) will stand beside these two with the same shape. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { CodedError } from '../../lib/errors.ts';

export interface ListenAddress {
  readonly transport: 'tcp' | 'tls';
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface Listener {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

const HIGH_WATER_BYTES = 64 * 1024;
const KEEP_ALIVE_AFTER_MS = 60_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** @throws CodedError MSRP_LISTEN when the address cannot be taken, MSRP_NO_TLS when tls lacks key and certificate */
export async function openListener(
  address: ListenAddress,
  tls: TlsOptions | undefined,
  onSocket: (socket: Socket, isSecure: boolean) => void,
): Promise<Listener> {
  const server = makeServer(address, tls, onSocket);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new CodedError('MSRP_LISTEN', `cannot listen on ${address.host}:${address.port}`, { cause }));
    });
    server.listen({ host: address.host, port: address.port, backlog: 1024 }, resolve);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return {
    address: { ...address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function makeServer(
  address: ListenAddress,
  tls: TlsOptions | undefined,
  onSocket: (socket: Socket, isSecure: boolean) => void,
): Server {
  const options = {
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    highWaterMark: HIGH_WATER_BYTES,
  };
  if (address.transport === 'tcp') return createServer(options, (socket) => onSocket(socket, false));
  if (tls === undefined) throw new CodedError('MSRP_NO_TLS', 'a tls listener needs a key and a certificate');
  const server = createTlsServer({ ...options, handshakeTimeout: HANDSHAKE_TIMEOUT_MS, ...tls }, (socket) =>
    onSocket(socket, true),
  );
  // Plain bytes or a refused handshake end that connection; nobody else hears of it.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}
