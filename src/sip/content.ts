import { ParseError } from '../lib/errors.ts';
import { formatParams, isToken, type Params, parseParams, skipSpace, skipToken } from './scan.ts';

/** Content-Type (compact form c) of a message or body part. */
export interface ContentType {
  /** `type/subtype` in lower case. */
  readonly mediaType: string;
  /** Names in lower case, values as given without quotes (`boundary` keeps its case). */
  readonly params: Params;
}

/** Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function parseContentType(text: string): ContentType {
  const start = skipSpace(text, 0);
  const typeEnd = skipToken(text, start);
  const slash = skipSpace(text, typeEnd);
  const subtypeStart = skipSpace(text, slash + 1);
  const end = skipToken(text, subtypeStart);
  if (typeEnd === start || text.charAt(slash) !== '/' || end === subtypeStart) {
    throw new ParseError('SIP_BAD_FIELD', 'malformed Content-Type', 0, text);
  }
  const mediaType = `${text.slice(start, typeEnd)}/${text.slice(subtypeStart, end)}`.toLowerCase();
  return { mediaType, params: parseParams(text, end) };
}

export function formatContentType(value: ContentType): string {
  return `${value.mediaType}${formatParams(value.params)}`;
}

/** Content-Disposition (RFC 3261 20.11). */
export interface ContentDisposition {
  /** Lower case: `session`, `render`, `recipient-list`, `recipient-list-history` … */
  readonly type: string;
  /** What to do with a disposition one does not know; RFC 3261 makes `required` the default. */
  readonly handling: 'required' | 'optional';
  readonly params: Params;
}

/** Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER. */
export function parseContentDisposition(text: string): ContentDisposition {
  const start = skipSpace(text, 0);
  const end = skipToken(text, start);
  const type = text.slice(start, end);
  if (!isToken(type)) throw new ParseError('SIP_BAD_FIELD', 'malformed Content-Disposition', 0, text);
  const params = parseParams(text, end);
  const handling = params.get('handling')?.toLowerCase() === 'optional' ? 'optional' : 'required';
  return { type: type.toLowerCase(), handling, params };
}
