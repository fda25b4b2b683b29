/** MSRP over WebSocket (RFC 7977): subprotocol `msrp`, one frame of MSRP in each message, both ways. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Link, LinkEvents } from './link.ts';

export interface WebOptions {
  /** Longest message, which is one chunk of MSRP; a longer one ends the connection (1009). */
  readonly maxMessageBytes: number;
  /** Origins that may connect (`https://chat.example.net`); empty: all, and clients that are no browsers. */
  readonly origins: readonly string[];
}

export const SUBPROTOCOL = 'msrp';
/** Pieces of one message (RFC 6455 section 5.4): clients that we know send one. */
const MAX_FRAGMENTS = 64;
const NORMAL_CLOSURE = 1000;

export class WebLink implements Link {
  readonly socket: Socket;
  readonly isSecure: boolean;
  readonly isMessageBased = true;
  readonly envelope = webSocketHead;
  readonly #web: WebSocket;

  constructor(web: WebSocket, socket: Socket, isSecure: boolean) {
    this.#web = web;
    this.socket = socket;
    this.isSecure = isSecure;
  }

  listen(events: LinkEvents): void {
    const web = this.#web;
    web.on('message', (bytes: Buffer) => events.onBytes(bytes));
    web.on('ping', () => events.onAlive());
    web.on('pong', () => events.onAlive());
    // A message over the limit, a frame that is none: ws closes with the right code, and 'close' follows.
    web.on('error', () => {});
    web.on('close', () => events.onClosed());
  }

  pause(): void {
    this.#web.pause();
  }

  resume(): void {
    this.#web.resume();
  }

  readonly ping = (): void => {
    if (this.#web.readyState === this.#web.OPEN) this.#web.ping();
  };

  end(): void {
    this.#web.resume();
    this.#web.close(NORMAL_CLOSURE);
  }

  destroy(): void {
    this.#web.terminate();
  }
}

/** Why an upgrade is refused, or null: what can be said from its headers alone. */
export function upgradeFault(request: IncomingMessage, options: WebOptions): [number, string] | null {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  // RFC 7977 section 4: without the subprotocol both ends would speak of different things.
  if (!offered.includes(SUBPROTOCOL)) return [400, 'Bad Request'];
  const { origin } = request.headers;
  if (options.origins.length > 0 && (origin === undefined || !options.origins.includes(origin.toLowerCase())))
    return [403, 'Forbidden'];
  return null;
}

/** Makes WebSockets of upgrade requests whose headers were found good. */
export function webSocketUpgrader(
  options: WebOptions,
): (request: IncomingMessage, socket: Duplex, head: Buffer, done: (web: WebSocket) => void) => void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.maxMessageBytes,
    maxFragments: MAX_FRAGMENTS,
    handleProtocols: () => SUBPROTOCOL,
  });
  return (request, socket, head, done) => server.handleUpgrade(request, socket, head, done);
}

const FINAL_BINARY = '\x82';
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * The head of an unmasked, final, binary WebSocket frame (RFC 6455 section 5.2). MSRP bodies need not be UTF-8, and binary
 * messages take everything (RFC 7977 section 4.2). Written before the frame's text, so that frames are gathered as on TCP.
 */
export function webSocketHead(bytes: number): string {
  if (bytes < LENGTH_16) return FINAL_BINARY + String.fromCharCode(bytes);
  const low = String.fromCharCode((bytes >>> 8) & 0xff, bytes & 0xff);
  if (bytes < 0x1_0000) return FINAL_BINARY + String.fromCharCode(LENGTH_16) + low;
  const high = String.fromCharCode((bytes >>> 24) & 0xff, (bytes >>> 16) & 0xff);
  return `${FINAL_BINARY}${String.fromCharCode(LENGTH_64)}\0\0\0\0${high}${low}`;
}
