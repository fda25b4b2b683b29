import { ParseError } from '../lib/errors.ts';
import { isToken, parseUint32 } from './scan.ts';

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** `314159 INVITE` (RFC 3261 20.16). Throws SIP_BAD_FIELD; the number must be below 2^31 (RFC 3261 8.1.1.5). */
export function parseCSeq(text: string): CSeq {
  const parts = text.trim().split(/[ \t]+/);
  const number = parseUint32(parts[0] ?? '');
  const method = parts[1] ?? '';
  if (parts.length !== 2 || number === undefined || number > 0x7fff_ffff || !isToken(method)) {
    throw new ParseError('SIP_BAD_FIELD', 'malformed CSeq', 0, text);
  }
  return { number, method };
}

export function formatCSeq(cseq: CSeq): string {
  return `${cseq.number} ${cseq.method}`;
}
