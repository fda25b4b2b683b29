/** Where clients connect: TCP, TLS, and WebSocket over either. Each connection is counted from its first byte on. */
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { CodedError } from '../../lib/errors.ts';
import type { Admission } from './address-limits.ts';
import { type Link, StreamLink } from './link.ts';
import { acceptReading, type ReadingSocket } from './shared-read.ts';
import { contextOf, type TlsIdentity } from './tls-identity.ts';
import { upgradeFault, WebLink, type WebOptions, webSocketUpgrader } from './web-link.ts';

export interface ListenAddress {
  readonly transport: 'tcp' | 'tls' | 'ws' | 'wss';
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface ListenerOptions {
  readonly identity: TlsIdentity | undefined;
  readonly web: WebOptions;
  /** TLS and WebSocket handshakes together must be over by then. */
  readonly handshakeMs: number;
}

export interface ListenerEvents {
  /** Null refuses the connection. */
  admit(address: string): Admission | null;
  onLink(link: Link, admission: Admission): void;
  onHandshakeStalled(): void;
  onHandshakeRefused(): void;
}

export interface Listener {
  readonly address: ListenAddress;
  /** For handshakes from now on. */
  useIdentity(identity: TlsIdentity): void;
  close(): Promise<void>;
}

const HIGH_WATER_BYTES = 64 * 1024;
const KEEP_ALIVE_AFTER_MS = 60_000;
const MAX_UPGRADE_BYTES = 8_192;

/** @throws CodedError MSRP_LISTEN when the address cannot be taken, MSRP_NO_TLS when tls lacks key and certificate */
export async function openListener(
  address: ListenAddress,
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<Listener> {
  const porch = new Porch(address.transport, options, events);
  const server = createServer(
    {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      highWaterMark: HIGH_WATER_BYTES,
      // Paused until it is known how the socket is to be read.
      pauseOnConnect: address.transport === 'tcp',
    },
    (socket) => porch.enter(socket),
  );
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
    useIdentity: (identity) => porch.useIdentity(identity),
    close: () => {
      porch.empty();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

interface Visitor {
  readonly raw: Socket;
  readonly admission: Admission;
  readonly deadline: NodeJS.Timeout;
}

/** Connections before MSRP begins on them: TLS and WebSocket handshakes, each with a deadline. */
class Porch {
  readonly #events: ListenerEvents;
  readonly #handshakeMs: number;
  readonly #tls: TlsServer | null;
  readonly #http: Server | null;
  /** By `address:port` of the peer, which the TLS socket shows as well. */
  readonly #visitors = new Map<string, Visitor>();

  constructor(transport: ListenAddress['transport'], options: ListenerOptions, events: ListenerEvents) {
    this.#events = events;
    this.#handshakeMs = options.handshakeMs;
    const isWeb = transport === 'ws' || transport === 'wss';
    const isSecure = transport === 'tls' || transport === 'wss';
    this.#http = isWeb ? this.#httpServer(options.web, isSecure) : null;
    this.#tls = isSecure ? this.#tlsServer(options, isWeb) : null;
  }

  enter(raw: Socket): void {
    const admission = this.#events.admit(raw.remoteAddress ?? '');
    if (admission === null) {
      raw.destroy();
      return;
    }
    if (this.#tls === null && this.#http === null) {
      this.#admit(acceptReading(raw, HIGH_WATER_BYTES), admission);
      return;
    }
    raw.once('close', () => admission.release());
    const deadline = setTimeout(() => {
      this.#events.onHandshakeStalled();
      raw.destroy();
    }, this.#handshakeMs);
    const key = keyOf(raw);
    const visitor = { raw, admission, deadline };
    this.#visitors.set(key, visitor);
    raw.on('error', () => {});
    raw.once('close', () => {
      clearTimeout(deadline);
      // Who comes back at once may have the port of before, and may be here before its last connection is seen to be gone.
      if (this.#visitors.get(key) === visitor) this.#visitors.delete(key);
    });
    if (this.#tls !== null) this.#tls.emit('connection', raw);
    else this.#http?.emit('connection', raw);
  }

  /** Not part of `enter`: what is left here for the socket's close would keep the raw one, which it replaced. */
  #admit({ socket, reads }: ReadingSocket, admission: Admission): void {
    socket.once('close', () => admission.release());
    this.#events.onLink(new StreamLink(socket, reads), admission);
  }

  useIdentity(identity: TlsIdentity): void {
    this.#tls?.setSecureContext(contextOf(identity));
  }

  empty(): void {
    for (const { raw } of [...this.#visitors.values()]) raw.destroy();
  }

  /** Its handshakes are over. */
  #leave(key: string): Admission | null {
    const visitor = this.#visitors.get(key);
    if (visitor === undefined) return null;
    this.#visitors.delete(key);
    clearTimeout(visitor.deadline);
    return visitor.admission;
  }

  #tlsServer({ identity, handshakeMs }: ListenerOptions, isWeb: boolean): TlsServer {
    if (identity === undefined)
      throw new CodedError('MSRP_NO_TLS', 'a tls listener needs a key and a certificate');
    const server = createTlsServer(
      {
        ...contextOf(identity),
        // What a client shows is held against its SDP when it names its session. A browser would ask its user.
        requestCert: !isWeb,
        rejectUnauthorized: false,
        handshakeTimeout: handshakeMs * 2,
        noDelay: true,
        highWaterMark: HIGH_WATER_BYTES,
      },
      (socket) => {
        if (this.#http !== null) {
          socket.on('error', () => {});
          this.#http.emit('connection', socket);
          return;
        }
        const admission = this.#leave(keyOf(socket));
        if (admission === null) socket.destroy();
        else this.#events.onLink(new StreamLink(socket, null), admission);
      },
    );
    // Plain bytes or a refused handshake end that connection; nobody else hears of it.
    server.on('tlsClientError', (_error, socket) => {
      if (this.#visitors.has(keyOf(socket))) this.#events.onHandshakeRefused();
      socket.destroy();
    });
    return server;
  }

  #httpServer(web: WebOptions, isSecure: boolean): Server {
    const upgrade = webSocketUpgrader(web);
    const refuse = (socket: Socket, status: number, reason: string): void => {
      this.#events.onHandshakeRefused();
      socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    const server = createHttpServer({ maxHeaderSize: MAX_UPGRADE_BYTES }, (request) =>
      refuse(request.socket, 426, 'Upgrade Required\r\nUpgrade: websocket'),
    );
    server.on('clientError', (_error, socket) => {
      if (socket.writable) refuse(socket as Socket, 400, 'Bad Request');
      else socket.destroy();
    });
    server.on('upgrade', (request: IncomingMessage, _stream, head: Buffer) => {
      const { socket } = request;
      const fault = upgradeFault(request, web);
      if (fault !== null) {
        refuse(socket, ...fault);
        return;
      }
      upgrade(request, socket, head, (socketOfWeb) => {
        const admission = this.#leave(keyOf(socket));
        if (admission === null) socketOfWeb.terminate();
        else this.#events.onLink(new WebLink(socketOfWeb, socket, isSecure), admission);
      });
    });
    return server;
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`;
}
