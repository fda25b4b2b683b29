/**
 * What makes a frame trustworthy on a bus where anybody may send events: an HMAC over its `im-*` headers and its body, its
 * time of sending and its number. docs/event-socket.md section 5. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { CodedError, ParseError } from '../../lib/errors.ts';
import type { EslEvent } from '../event.ts';

/** Milliseconds since 1970 at the sender. */
export const IM_AT_MS = 'im-at-ms';
/** Counts every frame of the sender's epoch. */
export const IM_FRAME = 'im-frame';
export const IM_MAC = 'im-mac';

/** What is sealed, in this order; each header is there but `im-page`. */
const SEALED = ['im-v', 'im-op', 'im-corr', 'im-from', 'im-to', 'im-seq', 'im-epoch', 'im-ttl-ms'] as const;
/** Of nothing else that the same key may ever sign. */
const PURPOSE = 'parley event-socket frame 1';
const NUMBER = /^(0|[1-9][0-9]{0,15})$/;

export interface SealedNumbers {
  readonly from: string;
  readonly epoch: string;
  readonly atMs: number;
  readonly frame: number;
}

/** The event with its seal. The first key signs. */
export function sealEvent(event: EslEvent, keys: readonly string[], atMs: number, frame: number): EslEvent {
  const [key] = keys;
  if (key === undefined) throw new CodedError('ESL_BAD_OPTION', 'no key to seal frames with');
  const headers = new Map(event.headers);
  headers.set(IM_AT_MS, String(atMs));
  headers.set(IM_FRAME, String(frame));
  const sealed = { ...event, headers };
  headers.set(IM_MAC, macOf(sealed, key).toString('base64url'));
  return sealed;
}

/** Any of the keys will do, so that a key can be changed while all run. Throws `ESL_UNSEALED` or `ESL_BAD_SEAL`. */
export function checkSeal(event: EslEvent, keys: readonly string[]): SealedNumbers {
  const { headers } = event;
  const mac = headers.get(IM_MAC);
  if (mac === undefined) throw new ParseError('ESL_UNSEALED', 'frame without im-mac');
  const given = Buffer.from(mac, 'base64url');
  const isRight = (key: string): boolean => {
    const right = macOf(event, key);
    return right.length === given.length && timingSafeEqual(right, given);
  };
  if (!keys.some(isRight)) throw new ParseError('ESL_BAD_SEAL', 'im-mac is not that of any key here');
  return {
    from: headers.get('im-from') ?? '',
    epoch: headers.get('im-epoch') ?? '',
    atMs: numberOf(headers, IM_AT_MS),
    frame: numberOf(headers, IM_FRAME),
  };
}

/** Values of `im-*` headers hold no line break, so that no two frames have the same text. */
function macOf({ subclass, headers, body }: EslEvent, key: string): Buffer {
  const lines = [PURPOSE, subclass, ...SEALED.map((name) => headers.get(name) ?? '')];
  lines.push(headers.get('im-page') ?? '1.1', headers.get(IM_AT_MS) ?? '', headers.get(IM_FRAME) ?? '');
  return createHmac('sha256', key)
    .update(`${lines.join('\n')}\n${body}`, 'utf8')
    .digest();
}

function numberOf(headers: ReadonlyMap<string, string>, name: string): number {
  const value = headers.get(name) ?? '';
  const number = Number(value);
  if (NUMBER.test(value) && Number.isSafeInteger(number)) return number;
  throw new ParseError('ESL_BAD_EVENT', `${name} is not a number`, -1, value);
}
