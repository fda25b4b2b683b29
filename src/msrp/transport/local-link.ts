/** A line to an endpoint in the same process, over which frames go as over TCP. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Link, LinkEvents } from './link.ts';

export class LocalLink implements Link {
  /** What is asked of it (writing, its buffer) a Duplex answers too; it has no address. */
  readonly socket: Socket;
  readonly isSecure: boolean;
  readonly isMessageBased = false;
  readonly envelope = null;

  /** @param isSecure as the path says: nobody else is on the line */
  constructor(line: Duplex, isSecure: boolean) {
    this.socket = line as Socket;
    this.isSecure = isSecure;
  }

  listen(events: LinkEvents): void {
    this.socket.on('data', (chunk: Buffer) => events.onBytes(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => events.onClosed());
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.resume();
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
