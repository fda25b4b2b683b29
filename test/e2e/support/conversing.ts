/** What all the scenarios do: set a conversation up, talk in it, and find nothing wrong with what was received. */
import assert from 'node:assert/strict';
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { Room } from '../../../src/agents/room.ts';

/** `inviter` sets up a conversation with the others, who accept; rooms in the order given. */
export async function conversation(
  factory: string,
  inviter: Subscriber,
  ...others: Subscriber[]
): Promise<Room[]> {
  return Promise.all([
    inviter.startAdHoc({ factory, invite: others.map(({ uri }) => uri) }),
    ...others.map((other) => other.answerNext()),
  ]);
}

/** One says something and all the others hear it. */
export async function chat(text: string, from: Room, ...to: Room[]): Promise<void> {
  assert.equal(await from.say(text), 200);
  for (const room of to) assert.equal((await room.hear()).text, text);
}

export function assertClean(...subscribers: Subscriber[]): void {
  for (const { name, violations, sip } of subscribers) {
    // The ACK of a re-INVITE's 200 that Kamailio's tm makes by itself (5.6) has no Max-Forwards when a next hop was named.
    const ours = violations.filter((line) => !/^ACK \S+: no Max-Forwards$/.test(line));
    assert.deepEqual(ours, [], name);
    assert.deepEqual([...sip.unexpected], [], name);
  }
}
