/** NICKNAME (RFC 7701 section 7): one name for one leg in a room. */
import type { SwitchContext } from './context.ts';
import type { Leg } from './leg.ts';

const OK = 200;
const BAD_REQUEST = 400;
const FORBIDDEN = 403;
const MALFORMED = 424;
const TAKEN = 425;

const QUOTED = /^"((?:[^"\\]|\\.)*)"$/s;
// biome-ignore lint: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** @param header the Use-Nickname value, one character a byte; null when absent */
export function takeNickname(context: SwitchContext, leg: Leg, header: string | null): number {
  if (header === null) return BAD_REQUEST;
  if (!context.policy.nicknames) return FORBIDDEN;
  const nickname = readNickname(header, context.limits.maxNicknameBytes);
  if (nickname === null) return MALFORMED;
  const key = nickname.normalize('NFKC').toLowerCase();
  const holder = leg.room.nicknames.get(key);
  if (nickname !== '' && holder !== undefined && holder !== leg) return TAKEN;
  dropNickname(leg);
  if (nickname !== '') {
    leg.nickname = key;
    leg.showNickname(nickname);
    leg.room.nicknames.set(key, leg);
  }
  return OK;
}

export function dropNickname(leg: Leg): void {
  if (leg.nickname !== '') leg.room.nicknames.delete(leg.nickname);
  leg.nickname = '';
  leg.showNickname('');
}

function readNickname(header: string, maxBytes: number): string | null {
  const match = QUOTED.exec(header);
  if (match === null || header.length > maxBytes) return null;
  const bytes = Buffer.from((match[1] as string).replace(/\\(.)/gs, '$1'), 'latin1');
  const text = bytes.toString('utf8');
  if (CONTROL.test(text) || text.includes('\ufffd')) return null;
  return text.trim() === text ? text : null;
}
