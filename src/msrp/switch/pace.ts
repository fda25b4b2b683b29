/**
 * Who waits for whom. One slow recipient is cut alone and the room never waits for it; when most are slow, the sender is
 * read more slowly instead, between two of its messages, so that what others say still passes.
 */
import type { SwitchContext } from './context.ts';
import type { Leg } from './leg.ts';
import type { Room } from './room.ts';

/** What a sender's recipients look like after a message was given to them. */
export interface Congestion {
  readonly receivers: number;
  /** Those whose queue is filling. */
  readonly congested: number;
  /** Those over their limits; they are congested as well. */
  readonly over: readonly Leg[] | null;
}

/** Cuts the slow ones off, or holds the sender back. */
export function keepPace(context: SwitchContext, sender: Leg, congestion: Congestion): void {
  const { room } = sender;
  // The sender is held back for all of the room: what a few got must not decide that by itself.
  const isForAll = congestion.receivers === room.members.length - 1;
  const { receivers, congested } = isForAll ? congestion : congestionOf(room, sender);
  const { over } = congestion;
  if (over !== null && isSlowAlone(receivers, congested)) for (const leg of over) cut(leg);
  // Most of them, or the only one.
  if (congested * 2 <= receivers || sender.peer === null) return;
  context.counters.senderPauses++;
  sender.peer.pause();
  room.paused.add(sender.peer);
}

/** At least half of its fellow recipients keep up. Without fellows nobody waits for it but the sender. */
function isSlowAlone(receivers: number, congested: number): boolean {
  return receivers > 1 && (receivers - congested) * 2 >= receivers - 1;
}

/** What a queue's age makes of a recipient to whom nothing more is sent; looked at with every tick. */
export function cutAged(leg: Leg): void {
  const { receivers, congested } = congestionOf(leg.room, null);
  if (isSlowAlone(receivers, congested)) cut(leg);
}

/** @param except whoever speaks; null: nobody */
function congestionOf(room: Room, except: Leg | null): Omit<Congestion, 'over'> {
  let receivers = 0;
  let congested = 0;
  for (const leg of room.members) {
    const { peer, mayReceive } = leg;
    if (leg === except || peer === null || !mayReceive) continue;
    receivers++;
    if (peer.connection.outbox.isCongested || peer.connection.outbox.isOver) congested++;
  }
  return { receivers, congested };
}

function cut(leg: Leg): void {
  leg.peer?.connection.destroy('slow');
}
