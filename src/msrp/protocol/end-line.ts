/** How a frame ends: CRLF, seven dashes, the transaction id, a flag, CRLF (RFC 4975 section 7.1). */
import { CR, DASH, END_LINE_DASHES, isContinuationFlag, LF } from './wire.ts';

/** Instead of an offset. */
export const NEED_MORE = -1;
export const NO_END_LINE = -2;
export const DASH_COUNT = END_LINE_DASHES.length;
/** After the transaction id of an end-line: flag, CR, LF. */
export const END_LINE_TAIL = 3;

/** What stands before the flag of an end-line and cannot stand in the body. */
export function endMark(bytes: Buffer, tidStart: number, tidEnd: number): Buffer {
  const mark = Buffer.allocUnsafe(2 + DASH_COUNT + tidEnd - tidStart);
  mark[0] = CR;
  mark[1] = LF;
  mark.fill(DASH, 2, 2 + DASH_COUNT);
  bytes.copy(mark, 2 + DASH_COUNT, tidStart, tidEnd);
  return mark;
}

/** Checks flag and CRLF at `at`: the offset after them, NO_END_LINE, or NEED_MORE. */
export function endOfTail(bytes: Buffer, at: number): number {
  if (at < bytes.length && !isContinuationFlag(bytes[at])) return NO_END_LINE;
  if (at + 1 < bytes.length && bytes[at + 1] !== CR) return NO_END_LINE;
  if (at + 2 < bytes.length) return bytes[at + 2] === LF ? at + END_LINE_TAIL : NO_END_LINE;
  return NEED_MORE;
}

/** Moves on to the first CR at or after `from`: an end-line mark cannot begin before it. */
export function firstPossibleMark(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== CR) at++;
  return at;
}
