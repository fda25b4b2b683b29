/** UDP and TCP on loopback for one user agent (RFC 3261 section 18). */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { SipStream } from './message.ts';

export type TransportKind = 'udp' | 'tcp';

export interface Hop {
  readonly host: string;
  readonly port: number;
}

/** Where a message came from; `send` answers over the same socket or connection. */
export interface Source extends Hop {
  send(bytes: Buffer): void;
}

export interface TransportOptions {
  readonly kind: TransportKind;
  readonly localAddress: string;
  /** TCP only: false means that nobody can connect to us (a client behind NAT); replies and requests come on our own connection. */
  readonly listen: boolean;
  /** TCP without listening: connected at once, because our Contact names that connection's port. */
  readonly firstHop?: Hop;
  readonly onMessage: (bytes: Buffer, source: Source) => void;
  /** A connection came or went, or a write failed: for the trace. */
  readonly onNote: (text: string) => void;
}

export interface Transport {
  readonly kind: TransportKind;
  /** The port that Via and Contact carry. */
  readonly port: number;
  send(bytes: Buffer, hop: Hop): void;
  /** Cuts all TCP connections, as a network change does; the next send connects again. */
  dropConnections(): void;
  close(): Promise<void>;
}

export function openTransport(options: TransportOptions): Promise<Transport> {
  return options.kind === 'udp' ? openUdp(options) : openTcp(options);
}

async function openUdp(options: TransportOptions): Promise<Transport> {
  const socket: UdpSocket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  let closed = false;
  const send = (bytes: Buffer, hop: Hop): void => {
    if (closed) return;
    socket.send(bytes, hop.port, hop.host, (error) => {
      if (error !== null && !closed)
        options.onNote(`UDP to ${hop.host}:${hop.port} failed: ${error.message}`);
    });
  };
  socket.on('message', (bytes, peer) => {
    // A keep-alive of CRLFs is no message (RFC 5626).
    if (/^[\r\n\0 ]*$/.test(bytes.subarray(0, 8).toString('latin1')) && bytes.length <= 8) return;
    options.onMessage(bytes, {
      host: peer.address,
      port: peer.port,
      send: (reply) => send(reply, { host: peer.address, port: peer.port }),
    });
  });
  socket.on('error', (error) => options.onNote(`UDP socket: ${error.message}`));
  socket.bind(0, options.localAddress);
  await once(socket, 'listening');
  return {
    kind: 'udp',
    port: socket.address().port,
    send,
    dropConnections: () => {},
    close: async () => {
      if (closed) return;
      closed = true;
      const done = once(socket, 'close');
      socket.close();
      await done;
    },
  };
}

async function openTcp(options: TransportOptions): Promise<Transport> {
  const outbound = new Map<string, Socket>();
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let closed = false;

  const adopt = (socket: Socket, peer: Hop): void => {
    const stream = new SipStream();
    const name = `${peer.host}:${peer.port}`;
    sockets.add(socket);
    socket.setNoDelay(true);
    const source: Source = {
      ...peer,
      send: (bytes) => {
        if (socket.writable) socket.write(bytes);
        else options.onNote(`TCP to ${name} is closed; ${bytes.length} bytes not sent`);
      },
    };
    socket.on('data', (chunk: Buffer) => {
      for (const bytes of stream.feed(chunk)) options.onMessage(bytes, source);
    });
    socket.on('error', (error) => options.onNote(`TCP ${name}: ${error.message}`));
    socket.on('close', () => {
      sockets.delete(socket);
      if (outbound.get(name) === socket) outbound.delete(name);
      if (!closed) options.onNote(`TCP ${name} closed`);
    });
  };
  const connected = (hop: Hop): Socket => {
    const name = `${hop.host}:${hop.port}`;
    const known = outbound.get(name);
    if (known?.writable === true) return known;
    const socket = connect({ host: hop.host, port: hop.port, localAddress: options.localAddress });
    outbound.set(name, socket);
    adopt(socket, hop);
    return socket;
  };

  let port: number;
  if (options.listen) {
    server = createServer((socket) => {
      adopt(socket, { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
    });
    server.listen(0, options.localAddress);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  } else {
    if (options.firstHop === undefined)
      throw new Error('a TCP agent that does not listen needs a proxy to connect to');
    const socket = connected(options.firstHop);
    await once(socket, 'connect');
    port = socket.localPort ?? 0;
  }
  return {
    kind: 'tcp',
    port,
    send: (bytes, hop) => {
      if (!closed) connected(hop).write(bytes);
    },
    dropConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      if (closed) return;
      closed = true;
      const ends = [...sockets].map((socket) => once(socket, 'close'));
      for (const socket of sockets) socket.destroy();
      if (server !== undefined) {
        ends.push(once(server, 'close'));
        server.close();
      }
      await Promise.all(ends);
    },
  };
}
