/**
 * What a test saw on the wire, for the generated page (docs/conformance.md). The line goes with the test that is
 * running, also from a function that it calls; outside a test nothing happens.
 */
import { getTestContext } from 'node:test';

/** What is longer is cut; the page shows less of it. */
export const MAX_EVIDENCE_CHARACTERS = 600;

/**
 * `evidence('R-7.2.1.1-2', 'Allow: INVITE, ACK, …')`: the line that an assertion about this statement was made on. One
 * line may be about several: `'R-7.2.1.5-9 R-7.2.1.5-9a'`; with '' nothing is shown.
 */
export function evidence(ids: string, line: string): void {
  for (const id of ids.split(' ')) if (id !== '') note(`evidence ${id}: ${oneLine(line)}`);
}

/** The parts of a SIP message that are looked at. */
export interface Wire {
  readonly startLine: string;
  readonly body?: string;
  headers(name: string): readonly string[];
}

/**
 * `SIP/2.0 486 Busy Here · Warning: 399 …`: the start line; a name adds the header fields of it, an expression what it
 * matches of the body. What the message does not have is not in the line.
 */
export function wireLine(message: Wire, ...parts: readonly (string | RegExp)[]): string {
  const found = parts.flatMap((part) =>
    typeof part === 'string'
      ? message.headers(part).map((value) => `${part}: ${value}`)
      : (part.exec(message.body ?? '')?.[0] ?? []),
  );
  return [message.startLine, ...found].join(' · ');
}

/** The parts of an MSRP frame that are looked at. */
export interface MsrpWire {
  readonly raw: Buffer;
  readonly body: Buffer | undefined;
  header(name: string): string | undefined;
}

/** As wireLine, of an MSRP request or response. */
export function msrpLine(frame: MsrpWire, ...parts: readonly (string | RegExp)[]): string {
  const startLine = frame.raw.subarray(0, frame.raw.indexOf('\r\n')).toString('utf8');
  const headers = (name: string): readonly string[] => {
    const value = frame.header(name);
    return value === undefined ? [] : [value];
  };
  return wireLine({ startLine, headers, body: frame.body?.toString('utf8') ?? '' }, ...parts);
}

/** As msrpLine, of the last frame that this session received. */
export function lastMsrpLine(session: MsrpTrace, ...parts: readonly (string | RegExp)[]): string {
  const last = session.trace.findLast(
    ({ direction, frame }) => direction === 'received' && frame !== undefined,
  );
  if (last?.frame === undefined) throw new Error('no MSRP frame has come');
  return msrpLine(last.frame, ...parts);
}

interface MsrpTrace {
  readonly trace: readonly { readonly direction: string; readonly frame?: MsrpWire }[];
}

/** A conference NOTIFY and what its body says of one user: the elements in the order that they stand there. */
export function rosterLine(notify: Wire | undefined, entity: string): string {
  if (notify === undefined) throw new Error('no NOTIFY has come');
  const users = (notify.body ?? '').match(/<user\s[\s\S]*?<\/user>/g) ?? [];
  const user = users.find((element) => element.includes(`entity="${entity}"`)) ?? '';
  const parts = user.match(/<user\s[^>]*>|<(display-text|status|disconnection-method)>[^<]*<\/\1>/g) ?? [];
  return [wireLine(notify, 'Event', 'Subscription-State'), ...parts].join(' · ');
}

function note(text: string): void {
  const context = getTestContext();
  if (context !== undefined && 'diagnostic' in context) context.diagnostic(text);
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= MAX_EVIDENCE_CHARACTERS ? line : `${line.slice(0, MAX_EVIDENCE_CHARACTERS - 1)}…`;
}
