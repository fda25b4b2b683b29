/** Byte-Range: `start-end/total`, end and total may be `*` (RFC 4975 section 7.3.1). */
export interface ByteRange {
  /** Counts from 1. */
  readonly start: number;
  /** −1 for `*`. */
  readonly end: number;
  /** −1 for `*`. */
  readonly total: number;
}

export const UNSPECIFIED = -1;
const FORM = /^(\d{1,15})-(?:(\d{1,15})|\*)\/(?:(\d{1,15})|\*)$/;

/** Null when the text is no Byte-Range, or its numbers contradict each other. */
export function parseByteRange(text: string): ByteRange | null {
  const match = FORM.exec(text);
  if (match === null) return null;
  const start = Number(match[1]);
  const end = match[2] === undefined ? UNSPECIFIED : Number(match[2]);
  const total = match[3] === undefined ? UNSPECIFIED : Number(match[3]);
  // `1-0/0` is the range of an empty body.
  if (start < 1) return null;
  if (end !== UNSPECIFIED && end < start - 1) return null;
  if (total !== UNSPECIFIED && end > total) return null;
  if (total !== UNSPECIFIED && start > total + 1) return null;
  return { start, end, total };
}

export function formatByteRange(range: ByteRange): string {
  const end = range.end === UNSPECIFIED ? '*' : String(range.end);
  const total = range.total === UNSPECIFIED ? '*' : String(range.total);
  return `${range.start}-${end}/${total}`;
}
