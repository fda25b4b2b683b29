/**
 * The requests of one peer for one session begin with the same To-Path and From-Path lines. Who finds the bytes of the last
 * one there need not look for lines in them, nor make text of them.
 */
import { FROM_PATH, type FrameHead, TO_PATH } from './frame-head.ts';
import { isSame } from './response-shape.ts';

export class RepeatedPaths {
  /** Of the lines that are remembered: others get another number. */
  #id = 0;
  #lines: DataView | null = null;
  #lineBytes = 0;
  #bounds: readonly number[] = [];

  get isKnown(): boolean {
    return this.#lines !== null;
  }

  /** The offset after the same lines at `at`, which the head then has; −1 when something else is there. */
  read(words: DataView, at: number, head: FrameHead): number {
    const lines = this.#lines;
    const end = at + this.#lineBytes;
    if (lines === null || end > words.byteLength || !isSame(words, at, lines, 0, this.#lineBytes)) return -1;
    head.setPaths(this.#id, at, this.#bounds);
    return end;
  }

  /** Remembers the first two header lines of a request, `[start, end)`, if they are its paths. */
  learn(bytes: Buffer, start: number, end: number, head: FrameHead): void {
    const bounds = head.pathBounds(start);
    if (!head.has(TO_PATH) || !head.has(FROM_PATH) || Math.max(...bounds) > end - start) return;
    this.#lineBytes = end - start;
    if (this.#lines === null || this.#lines.byteLength < this.#lineBytes)
      this.#lines = new DataView(new ArrayBuffer(this.#lineBytes));
    bytes.copy(new Uint8Array(this.#lines.buffer), 0, start, end);
    this.#bounds = bounds;
    this.#id++;
    head.pathsId = this.#id;
  }
}
