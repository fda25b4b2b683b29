/**
 * What a test saw on the wire, for the generated page (docs/conformance.md). The line goes with the test that is
 * running, also from a function that it calls; outside a test nothing happens.
 */
import { getTestContext } from 'node:test';

/** One line of a message; what is longer is cut. */
export const MAX_EVIDENCE_CHARACTERS = 200;

/** `evidence('R-7.2.1.1-2', 'Allow: INVITE, ACK, …')`: the line that an assertion about this statement was made on. */
export function evidence(id: string, line: string): void {
  note(`evidence ${id}: ${oneLine(line)}`);
}

/** A line that proves something of the whole test, for the statements in its name that have none of their own. */
export function seen(line: string): void {
  note(`seen: ${oneLine(line)}`);
}

/** The parts of a message that are looked at: its start line, and the header fields named. */
export interface Wire {
  readonly startLine: string;
  headers(name: string): readonly string[];
}

/** `SIP/2.0 486 Busy Here · Warning: 399 …`: start line and these header fields, as they came. */
export function wireLine(message: Wire, ...names: readonly string[]): string {
  const fields = names.flatMap((name) => message.headers(name).map((value) => `${name}: ${value}`));
  return [message.startLine, ...fields].join(' · ');
}

function note(text: string): void {
  const context = getTestContext();
  if (context !== undefined && 'diagnostic' in context) context.diagnostic(text);
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= MAX_EVIDENCE_CHARACTERS ? line : `${line.slice(0, MAX_EVIDENCE_CHARACTERS - 1)}…`;
}
