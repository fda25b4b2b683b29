/** What leaves one socket: frames of one turn go out in one write, and there is a bound. */
import type { Socket } from 'node:net';

const INLINE_FLUSH_BYTES = 32_768;

export class SendQueue {
  readonly #socket: Socket;
  readonly #maxBytes: number;
  #frames: Buffer[] = [];
  #bytes = 0;
  #isScheduled = false;
  #isEnding = false;

  constructor(socket: Socket, maxBytes: number) {
    this.#socket = socket;
    this.#maxBytes = maxBytes;
  }

  /** False when the bound is passed: the caller destroys the socket. */
  push(frame: Buffer): boolean {
    if (this.#socket.destroyed || this.#isEnding) return true;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes + this.#socket.writableLength > this.#maxBytes) return false;
    if (this.#bytes >= INLINE_FLUSH_BYTES) {
      this.#flush();
    } else if (!this.#isScheduled) {
      this.#isScheduled = true;
      // A microtask, not nextTick: the flush must not wait behind a chain of awaits.
      queueMicrotask(() => {
        this.#isScheduled = false;
        this.#flush();
      });
    }
    return true;
  }

  /** Sends what is queued, then ends the socket's writing side. */
  end(): void {
    this.#flush();
    this.#isEnding = true;
    if (!this.#socket.destroyed) this.#socket.end();
  }

  #flush(): void {
    if (this.#frames.length === 0 || this.#socket.destroyed) return;
    const [only] = this.#frames;
    const bytes = this.#frames.length === 1 && only !== undefined ? only : Buffer.concat(this.#frames);
    this.#frames = [];
    this.#bytes = 0;
    this.#socket.write(bytes);
  }
}
