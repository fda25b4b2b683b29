import { ParseError } from '../lib/errors.ts';
import { parseContentType } from './content.ts';
import { header, listHeader, type SipMessage } from './message.ts';

/**
 * Whether the sender takes a body of this type (`type/subtype` in lower case), by its Accept fields (RFC 3261 20.1):
 * `type/*`, any type and q values included; yes when it has no Accept, because every event package has a default type.
 * Throws SIP_BAD_FIELD or SIP_BAD_PARAMETER.
 */
export function accepts(message: SipMessage, mediaType: string): boolean {
  if (header(message, 'Accept') === undefined) return true;
  const type = mediaType.slice(0, mediaType.indexOf('/'));
  const ranges = listHeader(message, 'Accept').map((range) => parseContentType(range));
  // The range that names the type most closely decides.
  const range = [mediaType, `${type}/*`, '*/*']
    .map((wanted) => ranges.find((candidate) => candidate.mediaType === wanted))
    .find((found) => found !== undefined);
  return range !== undefined && quality(range.params.get('q')) > 0;
}

function quality(text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text))
    throw new ParseError('SIP_BAD_FIELD', 'malformed Accept', -1, text);
  return Number(text);
}
