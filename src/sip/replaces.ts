import { ParseError } from '../lib/errors.ts';
import { formatParams, isToken, parseParams } from './scan.ts';

/** Far more than any client's Call-ID and tags are long. */
const MAX_REPLACES_CHARACTERS = 512;
/** `callid` of RFC 3261 section 25.1. */
const CALL_ID = /^[\w\-.!%*+`'~()<>:\\"/[\]?{}]+(?:@[\w\-.!%*+`'~()<>:\\"/[\]?{}]+)?$/;

/**
 * A Replaces value out of a URI, as a request of ours may repeat it (RFC 3891 section 6.1): Call-ID, to-tag and from-tag,
 * and nothing that could end a header field. Throws SIP_BAD_FIELD, SIP_BAD_PARAMETER or SIP_TOO_LARGE.
 */
export function readReplaces(text: string): string {
  if (text.length > MAX_REPLACES_CHARACTERS)
    throw new ParseError('SIP_TOO_LARGE', `Replaces has more than ${MAX_REPLACES_CHARACTERS} characters`);
  const semicolon = text.indexOf(';');
  const callId = text.slice(0, Math.max(0, semicolon)).trim();
  if (!CALL_ID.test(callId) || !/^[\x20-\x7e]+$/.test(text)) throw malformed(text);
  const params = parseParams(text, semicolon);
  for (const name of ['to-tag', 'from-tag']) if (!isToken(params.get(name) ?? '')) throw malformed(text);
  return `${callId}${formatParams(params)}`;
}

function malformed(text: string): ParseError {
  return new ParseError('SIP_BAD_FIELD', 'malformed Replaces', 0, text);
}
