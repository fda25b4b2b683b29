/** Puts the chunks of messages together by Message-ID and Byte-Range (RFC 4975 section 7.3.1). */

export interface ByteRange {
  /** First byte, counted from 1. */
  readonly start: number;
  /** Undefined: `*`. */
  readonly end: number | undefined;
  readonly total: number | undefined;
}

/** An absent header means the whole message; undefined when malformed. */
export function parseByteRange(text: string | undefined): ByteRange | undefined {
  if (text === undefined) return { start: 1, end: undefined, total: undefined };
  const match = /^(\d+)-(\d+|\*)\/(\d+|\*)$/.exec(text);
  if (match === null) return undefined;
  const number = (part: string | undefined): number | undefined => (part === '*' ? undefined : Number(part));
  return { start: Number(match[1]), end: number(match[2]), total: number(match[3]) };
}

interface Partial {
  bytes: Buffer;
  filled: number;
  chunks: number;
  contentType: string;
}

export interface Assembled {
  readonly body: Buffer;
  readonly chunks: number;
  readonly contentType: string;
}

export class Reassembly {
  readonly #partials = new Map<string, Partial>();

  /** Adds a chunk; returns the message when `last` is set. */
  add(
    messageId: string,
    range: ByteRange,
    body: Buffer,
    contentType: string,
    last: boolean,
  ): Assembled | undefined {
    const partial = this.#partials.get(messageId) ?? {
      bytes: Buffer.alloc(0),
      filled: 0,
      chunks: 0,
      contentType,
    };
    const end = range.start - 1 + body.length;
    if (end > MAX_MESSAGE_BYTES)
      throw new Error(`message ${messageId} is larger than ${MAX_MESSAGE_BYTES} bytes`);
    if (end > partial.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, Math.min(partial.bytes.length * 2, MAX_MESSAGE_BYTES)));
      partial.bytes.copy(grown);
      partial.bytes = grown;
    }
    body.copy(partial.bytes, range.start - 1);
    partial.filled = Math.max(partial.filled, end);
    partial.chunks += 1;
    if (partial.contentType === '') partial.contentType = contentType;
    if (!last) {
      this.#partials.set(messageId, partial);
      return undefined;
    }
    this.#partials.delete(messageId);
    return {
      body: partial.bytes.subarray(0, partial.filled),
      chunks: partial.chunks,
      contentType: partial.contentType,
    };
  }

  /** Forgets a message that its sender gave up (`#`); tells what had come. */
  abort(messageId: string): number {
    const filled = this.#partials.get(messageId)?.filled ?? 0;
    this.#partials.delete(messageId);
    return filled;
  }

  /** Message-IDs that have begun and not ended. */
  get open(): string[] {
    return [...this.#partials.keys()];
  }
}

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
