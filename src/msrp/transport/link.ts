/** What carries frames: a byte stream (TCP, TLS), or a WebSocket with one frame a message. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Reads } from './shared-read.ts';

export interface LinkEvents {
  /** Bytes of frames, good until the call returns; of a WebSocket the whole of one message. */
  onBytes(bytes: Buffer): void;
  /** The peer gave a sign of life that is no frame. */
  onAlive(): void;
  onClosed(): void;
}

export interface Link {
  /** What frames are written to, in one turn of the event loop each. */
  readonly socket: Socket;
  readonly isSecure: boolean;
  /** Each message that comes in must be one frame exactly (RFC 7977). */
  readonly isMessageBased: boolean;
  /** What stands before a frame of so many bytes, one character a byte; null: nothing does. */
  readonly envelope: ((bytes: number) => string) | null;
  listen(events: LinkEvents): void;
  pause(): void;
  resume(): void;
  /** Asks for a sign of life below MSRP; absent where there is none. */
  readonly ping?: () => void;
  /** Closes in good order, after what was written. */
  end(): void;
  destroy(): void;
}

export class StreamLink implements Link {
  readonly socket: Socket;
  readonly isSecure: boolean;
  readonly isMessageBased = false;
  readonly envelope = null;
  readonly #reads: Reads | null;

  /** @param reads where what is read goes; null: the socket has 'data' events */
  constructor(socket: Socket, reads: Reads | null) {
    this.socket = socket;
    this.#reads = reads;
    this.isSecure = socket instanceof TLSSocket;
    // Whoever gathers its writes itself wants none of Nagle's delay.
    socket.setNoDelay(true);
  }

  listen(events: LinkEvents): void {
    const { socket } = this;
    if (this.#reads === null) socket.on('data', (chunk: Buffer) => events.onBytes(chunk));
    else this.#reads.onBytes = (bytes) => events.onBytes(bytes);
    // Node's own end of a half-open connection and every error lead to 'close'.
    socket.on('error', () => {});
    socket.on('close', () => events.onClosed());
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    // Read on, or the peer's own end would never be seen.
    this.socket.resume();
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
