import { RpcError } from './errors.ts';

const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;

/** `LEN:payload,` with the length in decimal bytes. */
export function encodeNetstring(payload: string | Buffer): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const head = `${length}:`;
  const frame = Buffer.allocUnsafe(head.length + length + 1);
  frame.write(head, 'latin1');
  if (typeof payload === 'string') frame.write(payload, head.length);
  else payload.copy(frame, head.length);
  frame[frame.length - 1] = COMMA;
  return frame;
}

/**
 * Cuts a byte stream into netstring payloads. `push` returns those that are complete, as copies of their own.
 * Throws `RpcError` `RPC_BAD_FRAME` or `RPC_FRAME_TOO_LARGE`; the stream is lost then, for its frames can no longer be told apart.
 */
export class NetstringDecoder {
  readonly #maxBytes: number;
  #payload: Buffer | undefined;
  #filled = 0;
  #length = 0;
  #digits = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True while a frame has begun and not ended. */
  get isPartial(): boolean {
    return this.#digits > 0 || this.#payload !== undefined;
  }

  push(chunk: Uint8Array): Buffer[] {
    const done: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload === undefined) {
        at = this.#readLength(chunk, at);
        continue;
      }
      const missing = this.#length - this.#filled;
      if (missing > 0) {
        const part = chunk.subarray(at, at + missing);
        this.#payload.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
        continue;
      }
      if (chunk[at] !== COMMA) throw new RpcError('RPC_BAD_FRAME', 'netstring does not end in a comma');
      at++;
      done.push(this.#payload);
      this.#payload = undefined;
      this.#digits = 0;
    }
    return done;
  }

  #readLength(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.length) {
      const byte = chunk[at++] as number;
      if (byte === COLON && this.#digits > 0) {
        this.#payload = Buffer.alloc(this.#length);
        this.#filled = 0;
        return at;
      }
      if (byte < ZERO || byte > NINE) {
        throw new RpcError('RPC_BAD_FRAME', 'netstring length is not a number');
      }
      if (this.#digits === 1 && this.#length === 0) {
        throw new RpcError('RPC_BAD_FRAME', 'netstring length begins with 0');
      }
      this.#length = this.#digits === 0 ? byte - ZERO : this.#length * 10 + (byte - ZERO);
      this.#digits++;
      if (this.#length > this.#maxBytes) {
        throw new RpcError('RPC_FRAME_TOO_LARGE', `netstring is longer than ${this.#maxBytes} bytes`);
      }
    }
    return at;
  }
}
