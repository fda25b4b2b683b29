/** Users outside the trusted core: known by digest alone, from an address whose assertions are worthless. */
import { createHash } from 'node:crypto';
import type { Subscriber } from '../../../src/agents/chat.ts';
import { DOMAIN, OUTSIDE_ADDRESS, type Stack } from '../../support/stack.ts';

const PASSWORD = 'secret';

/** A line of the users file. */
export function userLine(name: string): string {
  const ha1 = createHash('md5').update(`${name}:${DOMAIN}:${PASSWORD}`).digest('hex');
  return `${name}:${DOMAIN}:${ha1}`;
}

/** A digest user who asserts whatever identity the test wants, in vain. */
export function outsider(stack: Stack, name: string, asserted?: string): Promise<Subscriber> {
  return stack.subscriber(name, {
    localAddress: OUTSIDE_ADDRESS,
    password: PASSWORD,
    assertedIdentity: asserted ?? `sip:${name}@${DOMAIN}`,
  });
}
