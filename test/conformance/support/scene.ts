/** A scene: users of one test alone, strict about all they receive, gone when it is over. */
import assert from 'node:assert/strict';
import type { Subscriber, SubscriberOptions } from '../../../src/agents/chat.ts';
import { DOMAIN, FACTORY, type Stack } from '../../support/stack.ts';

let count = 0;

/** A URI in our domain that no other test has; nobody is registered there. */
export function freshUri(name: string): string {
  count += 1;
  return `sip:${name.toLowerCase()}-${count}@${DOMAIN}`;
}

type People<Names extends readonly string[]> = { [Index in keyof Names]: Subscriber };

export interface SceneOptions extends Partial<SubscriberOptions> {
  /** What may come unasked, because two messages cross on the way. */
  readonly mayCross?: RegExp;
}

/**
 * Plays with fresh subscribers of these names. Afterwards nobody may have received a malformed message or one that
 * nobody asked for.
 */
export async function scene<const Names extends readonly string[]>(
  stack: Stack,
  names: Names,
  act: (...people: People<Names>) => Promise<void>,
  { mayCross, ...options }: SceneOptions = {},
): Promise<void> {
  const people = await Promise.all(
    names.map((name) => stack.subscriber(name, { uri: freshUri(name), displayName: name, ...options })),
  );
  try {
    await act(...(people as People<Names>));
    assertNoFaults(people, mayCross);
  } finally {
    await Promise.all(people.map((person) => person.stop()));
  }
}

export function assertNoFaults(people: readonly Subscriber[], mayCross?: RegExp): void {
  for (const person of people) {
    assert.deepEqual(person.violations, [], `${person.name} received what breaks a rule`);
    const unexpected = person.sip.unexpected
      .map(({ why, message }) => `${why}: ${message?.summary ?? ''}`)
      .filter((why) => mayCross?.test(why) !== true);
    assert.deepEqual(unexpected, [], `${person.name} received what nobody asked for`);
  }
}

/** All that the focus and Kamailio have sent these users by now has arrived, and no INVITE is among it. */
export async function assertNotInvited(...people: readonly Subscriber[]): Promise<void> {
  for (const person of people) {
    await person.sip.sync({ to: FACTORY });
    await person.sip.sync();
    assert.equal(
      person.sip.received(({ isRequest, method }) => isRequest && method === 'INVITE').length,
      0,
      `${person.name} was invited`,
    );
  }
}
