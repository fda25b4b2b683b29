/**
 * Puts the frames of one connection together for one write, in memory that all connections use one after the other and that
 * stays in the cache.
 */
import type { Socket } from 'node:net';
import { copy, type Frame, LONG_FRAME_BYTES } from './frame.ts';

const SLAB_BYTES = 256 * 1024;
/** Slabs that are kept for the next time that sockets do not take all: new memory costs more than what is copied into it. */
const MAX_SPARE_SLABS = 32;
/** The longest envelope (RFC 6455 section 5.2). */
const MAX_ENVELOPE_BYTES = 14;

/** Frames of one connection, in order. Not used again: to put young frames into an old array costs the collector more. */
export class Batch {
  readonly frames: Frame[] = [];
  /** For each frame the recipient's own lines. */
  readonly own: Buffer[] = [];
  bytes = 0;
  /** How much room in the slab it takes at most. */
  copiedBytes = 0;

  add(frame: Frame, own: Buffer): void {
    this.frames.push(frame);
    this.own.push(own);
    const bytes = frame.byteLength + own.length;
    this.bytes += bytes;
    const isCopied = frame.byteLength <= LONG_FRAME_BYTES;
    this.copiedBytes += (isCopied ? bytes : frame.ownAt - frame.start + own.length) + MAX_ENVELOPE_BYTES;
  }
}

export interface Slab {
  readonly bytes: Buffer;
  /** What stands before is still being written by some socket. */
  freeFrom: number;
  /** Sockets that are at it. */
  holders: number;
}

export class Assembly {
  #slab = newSlab(SLAB_BYTES);
  readonly #spare: Slab[] = [];

  /**
   * Writes a batch that is not empty.
   * @param envelope what stands before each frame, by its size; null when nothing does
   * @returns the slab that holds what the kernel did not take at once, to be released when it has; null when it took all
   */
  write(
    socket: Socket,
    batch: Batch,
    envelope: ((bytes: number) => string) | null,
    onWritten: () => void,
  ): Slab | null {
    if (this.#slab.freeFrom + batch.copiedBytes > this.#slab.bytes.length) this.#takeSlab(batch.copiedBytes);
    const { bytes: slab, freeFrom } = this.#slab;
    const { frames, own: lines } = batch;
    const count = frames.length;
    let at = freeFrom;
    let written = at;
    for (let i = 0; i < count; i++) {
      const frame = frames[i] as Frame;
      const own = lines[i] as Buffer;
      const { memory, start, ownAt, end } = frame;
      if (envelope !== null) at += slab.write(envelope(end - start + own.length), at, 'latin1');
      at = copy(memory, start, ownAt, slab, at);
      at = copy(own, 0, own.length, slab, at);
      if (end - start <= LONG_FRAME_BYTES) at = copy(memory, ownAt, end, slab, at);
      else {
        if (written === freeFrom) socket.cork();
        socket.write(slab.subarray(written, at));
        written = at;
        const rest = memory.subarray(ownAt, end);
        if (i === count - 1) socket.write(rest, onWritten);
        else socket.write(rest);
      }
    }
    const isCorked = written > freeFrom;
    if (at > written) socket.write(slab.subarray(written, at), onWritten);
    if (isCorked) socket.uncork();
    // What the kernel took whole is out of the socket's own buffer here.
    if (socket.writableLength === 0) return null;
    this.#slab.freeFrom = at;
    this.#slab.holders++;
    return this.#slab;
  }

  /** The socket has written what it had of the slab. Who cannot tell does not release: the slab then goes with the socket. */
  release(slab: Slab): void {
    slab.holders--;
    if (slab.holders > 0) return;
    slab.freeFrom = 0;
    if (slab !== this.#slab && slab.bytes.length === SLAB_BYTES && this.#spare.length < MAX_SPARE_SLABS)
      this.#spare.push(slab);
  }

  #takeSlab(bytes: number): void {
    const spare = bytes <= SLAB_BYTES ? this.#spare.pop() : undefined;
    this.#slab = spare ?? newSlab(Math.max(SLAB_BYTES, bytes));
  }
}

function newSlab(bytes: number): Slab {
  return { bytes: Buffer.allocUnsafeSlow(bytes), freeFrom: 0, holders: 0 };
}
