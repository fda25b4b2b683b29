/** Rooms of a session, one for each of its people, as tests about a few named people need them. */
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { Room } from '../../../src/agents/room.ts';
import { FACTORY } from '../../support/stack.ts';

type RoomsOf<P extends readonly Subscriber[]> = { -readonly [K in keyof P]: Room };

/** A running ad hoc session of these people; the first one has set it up. */
export async function together<const P extends readonly [Subscriber, ...Subscriber[]]>(
  ...people: P
): Promise<RoomsOf<P>> {
  const [inviter, ...invited] = people;
  const rooms = await Promise.all([
    inviter.startAdHoc({ factory: FACTORY, invite: invited.map(({ uri }) => uri) }),
    ...invited.map((person) => person.answerNext()),
  ]);
  return rooms as unknown as RoomsOf<P>;
}
