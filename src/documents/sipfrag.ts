import { ParseError } from '../lib/errors.ts';

/** What a `refer` NOTIFY says of the request it reports on (RFC 3515 section 2.4.5, RFC 3420). */
export interface Sipfrag {
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
  /** The value of a Warning header field, such as `399 host "text"`. */
  readonly warning?: string;
}

/** Writes a status line, and the Warning where there is one. Line ends in the texts become spaces. */
export function formatSipfrag(fragment: Sipfrag): string {
  const statusLine = `SIP/2.0 ${fragment.status} ${oneLine(fragment.reason)}\r\n`;
  return fragment.warning === undefined
    ? statusLine
    : `${statusLine}Warning: ${oneLine(fragment.warning)}\r\n`;
}

/**
 * Reads a fragment that starts with a status line; header fields other than Warning are passed over.
 *
 * @throws {ParseError} `SIP_FRAGMENT`
 */
export function parseSipfrag(text: string): Sipfrag {
  const lines = text.split(/\r?\n/);
  const statusLine = /^SIP\/2\.0 ([1-6][0-9]{2})(?: (.*))?$/i.exec(lines[0] ?? '');
  if (statusLine === null) throw new ParseError('SIP_FRAGMENT', 'no status line', 0, lines[0] ?? '');
  let warning: string | undefined;
  for (const line of lines.slice(1)) {
    if (line === '') break;
    const found = /^warning[ \t]*:[ \t]*(.*)$/i.exec(line);
    warning ??= found?.[1];
  }
  return {
    status: Number(statusLine[1]),
    reason: statusLine[2] ?? '',
    ...(warning !== undefined && { warning }),
  };
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
