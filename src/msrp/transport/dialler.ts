/** Opens connections to clients that answered as the passive side. */
import type { TcpNetConnectOpts } from 'node:net';
import { TLSSocket, connect as tlsConnect } from 'node:tls';
import { connectReading, type ReadingSocket } from './shared-read.ts';
import { contextOf, hasFingerprint, type TlsIdentity } from './tls-identity.ts';

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
  /** `a=fingerprint` of the client's SDP: its certificate must have it, whoever signed it. */
  readonly fingerprint?: string | undefined;
}

export interface DialHandlers {
  onConnected(connected: ReadingSocket): void;
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
  identity: TlsIdentity | undefined,
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
  const dialled = target.isSecure ? dialSecurely(target, options, identity) : connectReading(options);
  const { socket } = dialled;
  let isOpen = true;
  const settle = (connected: boolean): void => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(deadline);
    if (connected) handlers.onConnected(dialled);
    else {
      socket.destroy();
      handlers.onFailed();
    }
  };
  const deadline = setTimeout(() => settle(false), timeoutMs);
  if (socket instanceof TLSSocket) socket.once('secureConnect', () => settle(isExpected(target, socket)));
  else socket.once('connect', () => settle(true));
  socket.once('error', () => settle(false));
  socket.once('close', () => settle(false));
  return () => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(deadline);
    socket.destroy();
  };
}

/** Self-signed certificates are what the fingerprint is for; without one an authority has to speak for the peer. */
function dialSecurely(
  target: DialTarget,
  options: TcpNetConnectOpts,
  identity: TlsIdentity | undefined,
): ReadingSocket {
  const own = identity === undefined ? {} : contextOf(identity);
  const socket = tlsConnect({ ...options, ...own, rejectUnauthorized: target.fingerprint === undefined });
  return { socket, reads: null };
}

function isExpected(target: DialTarget, socket: TLSSocket): boolean {
  if (target.fingerprint === undefined) return true;
  const certificate = socket.getPeerX509Certificate();
  return certificate !== undefined && hasFingerprint(certificate.raw, target.fingerprint);
}
