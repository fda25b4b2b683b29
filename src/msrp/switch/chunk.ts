/** One chunk on its way to the members: encoded once for each form that a recipient needs, addressed many times. */
import { formatByteRange, UNSPECIFIED } from '../protocol/byte-range.ts';
import { type ContinuationFlag, END_LINE_DASHES, FLAG_COMPLETE } from '../protocol/wire.ts';

/** As the sender wrote it (its CPIM From replaced by the alias where there is one), without its CPIM head, or with one. */
export const AS_SENT = 0;
export const UNWRAPPED = 1;
export const WRAPPED = 2;
export const NOT_FOR_THEM = -1;
export type Form = typeof AS_SENT | typeof UNWRAPPED | typeof WRAPPED;

/** How one form differs from what came in: `cutBytes` at the front make way for `prefix`. */
export interface FormSpec {
  readonly contentType: string;
  readonly cutBytes: number;
  /** One character a byte. */
  readonly prefix: string;
}

export interface Encoded {
  /** All after the paths; with `body` null also the body and the end-line. One character a byte. */
  readonly text: string;
  /** Body and end-line of a large chunk. */
  readonly body: Buffer | null;
  readonly bytes: number;
}

export interface ChunkSource {
  readonly number: number;
  readonly tid: string;
  readonly messageId: string;
  /** Content-* lines besides Content-Type, each with CRLF. */
  readonly otherContentLines: string;
  readonly forms: readonly (FormSpec | null)[];
  /** Where the body stands in the message as sent, from 1. */
  readonly start: number;
  readonly total: number;
  readonly body: Buffer;
  readonly flag: ContinuationFlag;
}

/** Chunks above this are interruptible: their range-end is `*` (RFC 4975 section 5.1). */
const INTERRUPTIBLE_ABOVE_BYTES = 2048;
/** Below it, copying the body into the text is cheaper than a second buffer for each recipient. */
const INLINE_BODY_BYTES = 8192;

export class OutgoingChunk {
  readonly source: ChunkSource;
  readonly startLine: string;
  readonly #encoded: (Encoded | null)[] = [null, null, null];

  constructor(source: ChunkSource) {
    this.source = source;
    this.startLine = `MSRP ${source.tid} SEND\r\n`;
  }

  encoded(form: Form): Encoded {
    let encoded = this.#encoded[form] ?? null;
    if (encoded === null) {
      encoded = encode(this.source, form);
      this.#encoded[form] = encoded;
    }
    return encoded;
  }
}

function encode(source: ChunkSource, form: Form): Encoded {
  const spec = source.forms[form];
  if (spec === null || spec === undefined) throw new Error('a form that was not planned');
  const isFirst = source.start === 1;
  const delta = spec.prefix.length - spec.cutBytes;
  const prefix = isFirst ? spec.prefix : '';
  const body = isFirst && spec.cutBytes > 0 ? source.body.subarray(spec.cutBytes) : source.body;
  const size = prefix.length + body.length;
  const start = isFirst ? 1 : source.start + delta;
  const end = start + size - 1;
  // The sender's total may be a lie; once the last chunk is here, the count is known.
  const total = source.flag === FLAG_COMPLETE ? end : source.total < 0 ? UNSPECIFIED : source.total + delta;
  const range = formatByteRange({ start, end: size > INTERRUPTIBLE_ABOVE_BYTES ? UNSPECIFIED : end, total });
  const head =
    `Message-ID: ${source.messageId}\r\nByte-Range: ${range}\r\n` +
    `${source.otherContentLines}Content-Type: ${spec.contentType}\r\n\r\n${prefix}`;
  const tail = `\r\n${END_LINE_DASHES}${source.tid}${String.fromCharCode(source.flag)}\r\n`;
  if (size <= INLINE_BODY_BYTES) {
    const text = head + body.toString('latin1') + tail;
    return { text, body: null, bytes: text.length };
  }
  const shared = Buffer.allocUnsafeSlow(body.length + tail.length);
  body.copy(shared);
  shared.write(tail, body.length, 'latin1');
  return { text: head, body: shared, bytes: head.length + shared.length };
}
