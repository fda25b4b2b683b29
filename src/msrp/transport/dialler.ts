/** Opens connections to clients that answered as the passive side. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions as TlsConnectOptions, connect as tlsConnect } from 'node:tls';

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

export interface DialHandlers {
  onConnected(socket: Socket): void;
  onFailed(): void;
}

/** The discard port: in SDP it says "I connect", so it is never dialled (RFC 6135 section 4.2). */
const DISCARD_PORT = 9;
const HIGH_WATER_BYTES = 64 * 1024;

export function isDialable(target: DialTarget): boolean {
  return target.port > 0 && target.port !== DISCARD_PORT;
}

/** Starts one attempt; exactly one handler is called unless the returned function cancels it first. */
export function dial(
  target: DialTarget,
  timeoutMs: number,
  tls: TlsConnectOptions | undefined,
  handlers: DialHandlers,
): () => void {
  const host = target.host.startsWith('[') ? target.host.slice(1, -1) : target.host;
  const options = {
    host,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    highWaterMark: HIGH_WATER_BYTES,
  };
  const socket = target.isSecure ? tlsConnect({ ...options, ...tls }) : connect(options);
  let isOpen = true;
  const settle = (connected: boolean): void => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(deadline);
    if (connected) handlers.onConnected(socket);
    else {
      socket.destroy();
      handlers.onFailed();
    }
  };
  const deadline = setTimeout(() => settle(false), timeoutMs);
  socket.once(target.isSecure ? 'secureConnect' : 'connect', () => settle(true));
  socket.once('error', () => settle(false));
  socket.once('close', () => settle(false));
  return () => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(deadline);
    socket.destroy();
  };
}
