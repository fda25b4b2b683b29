/** An event as FreeSWITCH holds it, and the two forms in which listeners read it. */
import { randomUUID } from 'node:crypto';
import type { BusBehaviour, SeenEvent } from './faults.ts';

export interface BusEvent extends SeenEvent {
  /** As sent, in order, later values of a name in the place of the first. */
  readonly headers: Map<string, string>;
  /** The listener that sent it; null for the bus's own. */
  readonly sender: number | null;
}

export interface BusIdentity {
  coreUuid(): string;
  /** Event-Sequence of the next event. */
  next(): number;
}

/** What `sendevent` makes of the lines of its command. */
export function makeEvent(
  name: string,
  lines: readonly (readonly [name: string, value: string])[],
  body: string,
  sender: number | null,
  ways: BusBehaviour,
): BusEvent {
  const headers = new Map<string, string>();
  for (const [header, given] of lines) {
    const value = ways.nulTruncation ? untilNul(given) : given;
    const kept = ways.emptyHeadersVanish ? value.replace(/^ +/, '') : value;
    if (kept === '' && ways.emptyHeadersVanish) continue;
    const same = [...headers.keys()].find((known) => known.toLowerCase() === header.toLowerCase());
    headers.set(same ?? header, kept);
  }
  const subclass = valueOf(headers, 'Event-Subclass') ?? '';
  return {
    name: name.toUpperCase(),
    subclass,
    headers,
    body: ways.nulTruncation ? untilNul(body) : body,
    sender,
  };
}

export function valueOf(headers: ReadonlyMap<string, string>, name: string): string | undefined {
  for (const [key, value] of headers) if (key.toLowerCase() === name.toLowerCase()) return value;
  return undefined;
}

function untilNul(text: string): string {
  const at = text.indexOf('\0');
  return at < 0 ? text : text.slice(0, at);
}

/** Headers in the order in which FreeSWITCH writes them. */
function allHeaders(event: BusEvent, identity: BusIdentity, ways: BusBehaviour): [string, string][] {
  const own: [string, string][] = [
    ['Event-Name', event.name],
    ['Core-UUID', identity.coreUuid()],
  ];
  if (ways.ownHeaders) {
    const now = new Date();
    own.push(
      ['FreeSWITCH-Hostname', 'stand-in.example.net'],
      ['FreeSWITCH-Switchname', 'stand-in.example.net'],
      ['FreeSWITCH-IPv4', '127.0.0.1'],
      ['FreeSWITCH-IPv6', '::1'],
      ['Event-Date-Local', now.toISOString().slice(0, 19).replace('T', ' ')],
      ['Event-Date-GMT', now.toUTCString()],
      ['Event-Date-Timestamp', String(now.getTime() * 1000)],
      ['Event-Calling-File', 'mod_event_socket.c'],
      ['Event-Calling-Function', 'parse_command'],
      ['Event-Calling-Line-Number', '2322'],
      ['Event-UUID', randomUUID()],
    );
  }
  own.push(['Event-Sequence', String(identity.next())]);
  return [...own, ...event.headers];
}

/** A frame of `event json`. */
export function jsonFrame(event: BusEvent, identity: BusIdentity, ways: BusBehaviour): Buffer {
  const members = allHeaders(event, identity, ways).map(([name, value]) => {
    const list = ways.arrays && value.startsWith('ARRAY::') ? value.slice(7).split('|:') : value;
    return `${JSON.stringify(name)}:${JSON.stringify(list)}`;
  });
  if (event.body !== '') {
    // It came as a header already; the one of the body is written behind it.
    if (ways.duplicateContentLength || valueOf(event.headers, 'Content-Length') === undefined) {
      members.push(`"Content-Length":"${Buffer.byteLength(event.body)}"`);
    }
    members.push(`"_body":${JSON.stringify(event.body)}`);
  }
  const json = `{${members.join(',')}}`;
  return Buffer.from(`Content-Length: ${Buffer.byteLength(json)}\nContent-Type: text/event-json\n\n${json}`);
}

/** A frame of `event plain`. */
export function plainFrame(event: BusEvent, identity: BusIdentity, ways: BusBehaviour): Buffer {
  const lines = allHeaders(event, identity, ways).map(
    ([name, value]) => `${name}: ${urlEncode(value, ways.percentQuirk)}\n`,
  );
  const body = event.body === '' ? '\n' : `Content-Length: ${Buffer.byteLength(event.body)}\n\n${event.body}`;
  const text = `${lines.join('')}${body}`;
  return Buffer.from(`Content-Length: ${Buffer.byteLength(text)}\nContent-Type: text/event-plain\n\n${text}`);
}

function urlEncode(value: string, percentQuirk: boolean): string {
  return value.replace(/[\r\n "#%&+:;<=>?@[\\\]^`{|}]|[^\x20-\x7e]/gu, (found, at: number) => {
    if (found === '%' && percentQuirk && /^%[0-9a-f]{2}/i.test(value.slice(at))) return found;
    return [...Buffer.from(found)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join('');
  });
}
