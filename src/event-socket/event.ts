/** Events as the JSON that `event json` subscribers read, and as the headers of `sendevent`. Pure. */
import { CodedError, ParseError } from '../lib/errors.ts';
import { EVENT_JSON, parseBoundedJson } from './bounded-json.ts';
import { encodeFrame } from './codec.ts';

export interface EslEvent {
  /** `CUSTOM`, `BACKGROUND_JOB`, …; upper case. */
  readonly name: string;
  /** `im::event`, …; empty when the event has none. Case-sensitive. */
  readonly subclass: string;
  /** All other headers. Keys are in lower case on a decoded event; they are sent as they stand. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Of the server that delivered it; other at each of its starts. On decoded events only. */
  readonly coreUuid?: string;
}

const IM_PREFIX = 'im-';
const IM_VALUE = /^[A-Za-z0-9._~-]{1,128}$/;
const EVENT_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const SUBCLASS = /^[A-Za-z0-9._:~-]{1,128}$/;
/** Written by the encoder itself, or part of the framing. */
const OWN_HEADERS = new Set(['event-name', 'event-subclass', 'content-length', '_body', 'core-uuid']);

/** True when the text may stand in an `im-*` header. */
export function isImValue(value: string): boolean {
  return IM_VALUE.test(value);
}

export function isSubclass(value: string): boolean {
  return SUBCLASS.test(value);
}

/** The frame that a subscriber gets. Throws `ESL_BAD_VALUE`. */
export function encodeEvent(event: EslEvent, coreUuid: string): Buffer {
  checkEvent(event);
  const fields: Record<string, string> = Object.create(null);
  fields['Event-Name'] = event.name;
  if (event.subclass !== '') fields['Event-Subclass'] = event.subclass;
  fields['Core-UUID'] = coreUuid;
  for (const [name, value] of event.headers) {
    if (!OWN_HEADERS.has(name.toLowerCase())) fields[name] = value;
  }
  if (event.body !== '') {
    fields['Content-Length'] = String(Buffer.byteLength(event.body, 'utf8'));
    fields['_body'] = event.body;
  }
  const json = JSON.stringify(fields);
  // FreeSWITCH writes Content-Length before Content-Type here; clients read either order.
  return Buffer.from(
    `Content-Length: ${Buffer.byteLength(json, 'utf8')}\nContent-Type: text/event-json\n\n${json}`,
    'utf8',
  );
}

/** The command that puts an event on the bus. Throws `ESL_BAD_VALUE`. */
export function encodeSendEvent(event: EslEvent): Buffer {
  checkEvent(event);
  const headers: [string, string][] = [];
  if (event.subclass !== '') headers.push(['Event-Subclass', event.subclass]);
  for (const [name, value] of event.headers) {
    if (!OWN_HEADERS.has(name.toLowerCase())) headers.push([name, value]);
  }
  return encodeFrame(`sendevent ${event.name}`, headers, event.body === '' ? undefined : event.body);
}

/**
 * The event in the body of a `text/event-json` frame. FreeSWITCH writes Content-Length twice (the last is right, and
 * the frame has bounded the text already, so neither is used) and may write arrays, which are left out.
 * Throws `ESL_BAD_JSON`, `ESL_JSON_BOUNDS`, `ESL_BAD_EVENT`, `ESL_BAD_VALUE`.
 */
export function decodeEventJson(text: string): EslEvent {
  const value = parseBoundedJson(text, EVENT_JSON);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParseError('ESL_BAD_EVENT', 'event is not a JSON object');
  }
  const headers = new Map<string, string>();
  for (const [name, item] of Object.entries(value)) {
    const key = name.toLowerCase();
    if (typeof item === 'string') headers.set(key, item);
    else if (key.startsWith(IM_PREFIX)) throw badImHeader(key);
  }
  const coreUuid = headers.get('core-uuid');
  const event = decodeOwn(headers.get('event-name') ?? '', headers, headers.get('_body') ?? '');
  return coreUuid === undefined ? event : { ...event, coreUuid };
}

/** The event that the headers and the body of a `sendevent NAME` command make. Throws as `decodeEventJson`. */
export function decodeEvent(name: string, headers: ReadonlyMap<string, string>, body: string): EslEvent {
  return decodeOwn(name, new Map(headers), body);
}

/** As `decodeEvent`; the map becomes the event's. */
function decodeOwn(name: string, headers: Map<string, string>, body: string): EslEvent {
  const upper = name.toUpperCase();
  const subclass = headers.get('event-subclass') ?? '';
  if (!EVENT_NAME.test(upper) || (subclass !== '' && !SUBCLASS.test(subclass))) {
    throw new ParseError('ESL_BAD_EVENT', 'event without a proper name', -1, `${name} ${subclass}`);
  }
  for (const key of OWN_HEADERS) headers.delete(key);
  for (const [key, value] of headers) {
    if (key.startsWith(IM_PREFIX) && !IM_VALUE.test(value)) throw badImHeader(key);
  }
  return { name: upper, subclass, headers, body };
}

/** FreeSWITCH cuts at NUL, drops empty values, trims, and reads `ARRAY::` and `x[0]` as lists: so im-* values are plain. */
function checkEvent(event: EslEvent): void {
  if (!EVENT_NAME.test(event.name) || (event.subclass !== '' && !SUBCLASS.test(event.subclass))) {
    throw new CodedError('ESL_BAD_VALUE', 'event name or subclass cannot be sent');
  }
  for (const [name, value] of event.headers) {
    if (name.toLowerCase().startsWith(IM_PREFIX) && !IM_VALUE.test(value)) {
      throw new CodedError('ESL_BAD_VALUE', `the value of ${name} is outside [A-Za-z0-9._~-]{1,128}`);
    }
  }
  if (event.body.includes('\0')) throw new CodedError('ESL_BAD_VALUE', 'the body holds a NUL');
}

function badImHeader(name: string): ParseError {
  return new ParseError('ESL_BAD_VALUE', 'im-* header outside [A-Za-z0-9._~-]{1,128}', -1, name);
}
