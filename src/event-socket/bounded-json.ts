/** JSON from a peer, looked over before it is built: what nests too deep or has too many members costs a scan and no more. Pure. */
import { ParseError } from '../lib/errors.ts';

export interface JsonBounds {
  /** Objects and arrays inside one another. */
  readonly depth: number;
  /** Members of objects and elements of arrays, in all. */
  readonly members: number;
}

/** An event: its headers, and values that FreeSWITCH writes as lists. It adds about 20 headers itself. */
export const EVENT_JSON: JsonBounds = { depth: 2, members: 512 };
/** A body: the snapshot of a session with 4,096 legs has about 100,000 members, five deep. */
export const BODY_JSON: JsonBounds = { depth: 16, members: 262_144 };

/** So short a text cannot be worth a scan. */
const HARMLESS_CHARS = 512;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Throws `ESL_BAD_JSON` for what is no JSON, `ESL_JSON_BOUNDS` for what is too much of it. */
export function parseBoundedJson(text: string, bounds: JsonBounds): unknown {
  if (text.length > HARMLESS_CHARS) checkBounds(text, bounds);
  try {
    return JSON.parse(text);
  } catch {
    throw new ParseError('ESL_BAD_JSON', 'not JSON');
  }
}

function checkBounds(text: string, bounds: JsonBounds): void {
  let depth = 0;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        members += 1;
        if (depth > bounds.depth) {
          throw new ParseError('ESL_JSON_BOUNDS', `JSON nests deeper than ${bounds.depth}`, at);
        }
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
        members += 1;
        break;
      default:
    }
    if (members > bounds.members) {
      throw new ParseError('ESL_JSON_BOUNDS', `JSON has more than ${bounds.members} members`, at);
    }
  }
}

/** Of the closing quote; the end of the text when there is none, which JSON.parse refuses then. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
}
