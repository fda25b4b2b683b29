/** One chunk on its way to the members: encoded once for each form that a recipient needs, addressed many times. */
import type { TransactionIds } from '../protocol/transaction-id.ts';
import { type ContinuationFlag, END_LINE_DASHES, FLAG_COMPLETE } from '../protocol/wire.ts';
import type { Frame, FrameMemory } from '../transport/frame.ts';

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

export interface ChunkSource {
  readonly messageId: string;
  /** Content-* lines besides Content-Type, each with CRLF. */
  readonly otherContentLines: string;
  readonly forms: readonly (FormSpec | null)[];
  /** Where the body stands in the message as sent, from 1. */
  readonly start: number;
  readonly total: number;
  /** Good until the read that it came with is used up. */
  readonly body: Buffer;
  readonly flag: ContinuationFlag;
}

/** How long a message of so many bytes is in a form that was planned. */
export function bytesInForm(bytes: number, forms: readonly (FormSpec | null)[], form: Form): number {
  const spec = forms[form] ?? null;
  return spec === null ? bytes : bytes + spec.prefix.length - spec.cutBytes;
}

/** Chunks above this are interruptible: their range-end is `*` (RFC 4975 section 5.1). */
const INTERRUPTIBLE_ABOVE_BYTES = 2048;

export class OutgoingChunk {
  /** What its transaction id is made of. */
  readonly number: number;
  readonly source: ChunkSource;
  readonly #ids: TransactionIds;
  /** The body is its own. */
  readonly #isLasting: boolean;
  readonly #frames: (Frame | null)[] = [null, null, null];
  #lasting: OutgoingChunk | null = null;

  constructor(ids: TransactionIds, number: number, source: ChunkSource, isLasting = false) {
    this.#ids = ids;
    this.number = number;
    this.source = source;
    this.#isLasting = isLasting;
  }

  /** The same with a body of its own, for those who get it later. */
  lasting(): OutgoingChunk {
    if (this.#isLasting) return this;
    const body = Buffer.from(this.source.body);
    this.#lasting ??= new OutgoingChunk(this.#ids, this.number, { ...this.source, body }, true);
    return this.#lasting;
  }

  /** Written once for all who get this form. */
  frame(form: Form, memory: FrameMemory): Frame {
    let frame = this.#frames[form] ?? null;
    if (frame === null) {
      frame = writeFrame(memory, this.#isLasting, this.source, form, this.#ids.bytes(this.number));
      this.#frames[form] = frame;
    }
    return frame;
  }
}

const MAGIC = Buffer.from('MSRP ');
const METHOD = Buffer.from(' SEND\r\n');
const MESSAGE_ID = Buffer.from('Message-ID: ');
const BYTE_RANGE = Buffer.from('\r\nByte-Range: ');
const CONTENT_TYPE = Buffer.from('Content-Type: ');
const LINE_END = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');
const END_LINE = Buffer.from(`\r\n${END_LINE_DASHES}`);
const RANGE_DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
/** Room for the constants above, two ids, three numbers, and what is between. */
const MAX_FRAMING_BYTES = 256;

function writeFrame(
  memory: FrameMemory,
  mustLast: boolean,
  source: ChunkSource,
  form: Form,
  tid: Buffer,
): Frame {
  const spec = source.forms[form];
  if (spec === null || spec === undefined) throw new Error('a form that was not planned');
  const { messageId, otherContentLines, flag } = source;
  const isFirst = source.start === 1;
  const delta = spec.prefix.length - spec.cutBytes;
  const prefix = isFirst ? spec.prefix : '';
  const body = isFirst && spec.cutBytes > 0 ? source.body.subarray(spec.cutBytes) : source.body;
  const size = prefix.length + body.length;
  const start = isFirst ? 1 : source.start + delta;
  const end = start + size - 1;
  const lineBytes = messageId.length + otherContentLines.length + spec.contentType.length;
  memory.begin(MAX_FRAMING_BYTES + lineBytes + size, mustLast);
  memory.bytes(MAGIC);
  memory.bytes(tid);
  memory.bytes(METHOD);
  memory.own();
  memory.bytes(MESSAGE_ID);
  memory.text(messageId);
  memory.bytes(BYTE_RANGE);
  memory.number(start);
  memory.byte(RANGE_DASH);
  if (size > INTERRUPTIBLE_ABOVE_BYTES) memory.byte(STAR);
  else memory.number(end);
  memory.byte(SLASH);
  // The sender's total may be a lie; once the last chunk is here, the count is known.
  if (flag === FLAG_COMPLETE) memory.number(end);
  else if (source.total < 0) memory.byte(STAR);
  else memory.number(source.total + delta);
  memory.bytes(LINE_END);
  if (otherContentLines !== '') memory.text(otherContentLines);
  memory.bytes(CONTENT_TYPE);
  memory.text(spec.contentType);
  memory.bytes(BLANK_LINE);
  if (prefix !== '') memory.text(prefix);
  memory.bytes(body);
  memory.bytes(END_LINE);
  memory.bytes(tid);
  memory.byte(flag);
  memory.bytes(LINE_END);
  return memory.end();
}
