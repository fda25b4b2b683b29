/** Byte-Range: `start-end/total`, end and total may be `*` (RFC 4975 section 7.3.1). */
import { DASH } from './wire.ts';

export interface ByteRange {
  /** Counts from 1. */
  readonly start: number;
  /** −1 for `*`. */
  readonly end: number;
  /** −1 for `*`. */
  readonly total: number;
}

export const UNSPECIFIED = -1;
const STAR = 0x2a;
const SLASH = 0x2f;
const DIGIT_0 = 0x30;
/** What a double holds exactly. */
const MAX_DIGITS = 15;

/** What stands in `[from, to)`; null when that is no Byte-Range, or its numbers contradict each other. */
export function readByteRange(bytes: Uint8Array, from: number, to: number): ByteRange | null {
  const dash = endOfNumber(bytes, from, to);
  if (dash < 0 || bytes[from] === STAR || bytes[dash] !== DASH) return null;
  const slash = endOfNumber(bytes, dash + 1, to);
  if (slash < 0 || bytes[slash] !== SLASH) return null;
  if (endOfNumber(bytes, slash + 1, to) !== to) return null;
  const start = numberAt(bytes, from, dash);
  const end = numberAt(bytes, dash + 1, slash);
  const total = numberAt(bytes, slash + 1, to);
  // `1-0/0` is the range of an empty body.
  if (start < 1) return null;
  if (end !== UNSPECIFIED && end < start - 1) return null;
  if (total !== UNSPECIFIED && end > total) return null;
  if (total !== UNSPECIFIED && start > total + 1) return null;
  return { start, end, total };
}

/** The offset after the digits, or the star, at `from`; −1 when there are none or too many. */
function endOfNumber(bytes: Uint8Array, from: number, to: number): number {
  if (from < to && bytes[from] === STAR) return from + 1;
  let at = from;
  while (at < to && isDigit(bytes[at] as number)) at++;
  return at === from || at - from > MAX_DIGITS ? -1 : at;
}

function numberAt(bytes: Uint8Array, from: number, to: number): number {
  if (bytes[from] === STAR) return UNSPECIFIED;
  let number = 0;
  for (let at = from; at < to; at++) number = number * 10 + (bytes[at] as number) - DIGIT_0;
  return number;
}

function isDigit(byte: number): boolean {
  return byte >= DIGIT_0 && byte < DIGIT_0 + 10;
}
