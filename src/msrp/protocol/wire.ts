/** Bytes of the MSRP grammar (RFC 4975 section 9). */
export const CR = 0x0d;
export const LF = 0x0a;
export const SPACE = 0x20;
export const TAB = 0x09;
export const COLON = 0x3a;
export const DASH = 0x2d;

/** Continuation flags of an end-line. */
export const FLAG_COMPLETE = 0x24;
export const FLAG_MORE = 0x2b;
export const FLAG_ABORT = 0x23;
export type ContinuationFlag = typeof FLAG_COMPLETE | typeof FLAG_MORE | typeof FLAG_ABORT;

export const END_LINE_DASHES = '-------';

const IDENT = new Uint8Array(256);
for (const byte of Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'))
  IDENT[byte] = 2;
for (const byte of Buffer.from('.-+%=')) IDENT[byte] = 1;

export const IDENT_MIN_BYTES = 4;
export const IDENT_MAX_BYTES = 32;

/** True when `[start, end)` is an `ident`: 4 to 32 characters, the first a letter or digit. */
export function isIdent(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < IDENT_MIN_BYTES || length > IDENT_MAX_BYTES) return false;
  if (IDENT[bytes[start] as number] !== 2) return false;
  for (let at = start + 1; at < end; at++) if (IDENT[bytes[at] as number] === 0) return false;
  return true;
}

export function isContinuationFlag(byte: number | undefined): byte is ContinuationFlag {
  return byte === FLAG_COMPLETE || byte === FLAG_MORE || byte === FLAG_ABORT;
}
