/** Text as a FreeSWITCH can carry it: plain, one line of 16,352 bytes at most, its author before it. Pure. */

/** FreeSWITCH cuts what is longer (tried on 1.10.12 and 1.11.2). */
export const FREESWITCH_TEXT_BYTES = 16_352;
const MAX_NAME_CHARACTERS = 64;
/** Of the name with its colon and space, each character of at most four bytes. */
export const MAX_PREFIX_BYTES = MAX_NAME_CHARACTERS * 4 + 2;
export const MAX_TEXT_BYTES = FREESWITCH_TEXT_BYTES - MAX_PREFIX_BYTES;

/** What ends a line in T.140, and what FreeSWITCH itself writes for it. */
const LINE_SEPARATOR = '\u2028';
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not pass.
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f\ufeff\ufff9-\ufffb]/g;

export interface Author {
  /** Empty: the group itself speaks. */
  readonly name: string;
}

/** For `uuid_send_text`, which takes the rest of its line. */
export function channelText(text: string, author: Author): string {
  return cut(withAuthor(lines(text).join(LINE_SEPARATOR), author));
}

/** For the body of a SIP MESSAGE. */
export function messageText(text: string, author: Author): string {
  return cut(withAuthor(lines(text).join('\r\n'), author));
}

/** What a user of FreeSWITCH has written; empty: nothing that anybody would want to read. */
export function receivedText(text: string): string {
  return lines(text).join('\r\n').trim();
}

/** How others are named in what is written to a user: display name, else user part. */
export function authorName(displayName: string, uri: string): string {
  const name = displayName === '' ? (/^[a-z]+:([^@;]+)/i.exec(uri)?.[1] ?? uri) : displayName;
  return Array.from(name.replace(CONTROL, ' ').replace(/[\r\n\u2028\u2029:]/g, ' '))
    .slice(0, MAX_NAME_CHARACTERS)
    .join('')
    .trim();
}

function withAuthor(text: string, { name }: Author): string {
  return name === '' ? text : `${name}: ${text}`;
}

function lines(text: string): string[] {
  return text.split(/\r\n|[\r\n\u2028\u2029]/).map((line) => line.replace(CONTROL, ' '));
}

/** Never in the middle of a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= FREESWITCH_TEXT_BYTES) return text;
  let end = FREESWITCH_TEXT_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
