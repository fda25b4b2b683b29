/** Messages once more, or changed: what a client's own rules would not let it send. */
import assert from 'node:assert/strict';
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { SipMessage } from '../../../src/agents/sip/message.ts';
import { FACTORY } from '../../support/stack.ts';

/** The last message sent that matches, once more, byte for byte. @returns how often that message was sent before */
export function sendAgain(person: Subscriber, match: (message: SipMessage) => boolean): void {
  const sent = person.sip.trace.findLast(
    ({ direction, message }) => direction === 'sent' && message !== undefined && match(message),
  );
  assert.ok(sent, 'such a message was sent');
  person.sip.sendRaw(sent.bytes);
}

/** All that the focus has to say to these by now is here. */
export async function settled(...people: readonly Subscriber[]): Promise<void> {
  for (const person of people) {
    await person.sip.sync({ to: FACTORY });
    await person.sip.sync();
  }
}

export function requests(person: Subscriber, method: string, callId: string): SipMessage[] {
  return person.sip.received(
    (message) => message.isRequest && message.method === method && message.callId === callId,
  );
}

/** A request line and header fields as given, in the order of the agent's own; answers show in the trace. */
export function raw(person: Subscriber, startLine: string, fields: readonly string[], body = ''): string {
  const via = fields.some((field) => field.startsWith('Via:')) ? [] : [`Via: ${person.sip.newVia()}`];
  const lines = [startLine, ...via, ...fields, `Content-Length: ${Buffer.byteLength(body)}`, '', body];
  const text = lines.join('\r\n');
  person.sip.sendRaw(text);
  return text;
}
