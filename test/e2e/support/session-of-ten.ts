/** What a session of ten waits for on a bus: round trips, one after the other, from the first INVITE until all ten are in it. */
import assert from 'node:assert/strict';
import type { StandInBus } from '../../support/freeswitch-bus/stand-in-bus.ts';
import { FACTORY, type Stack } from '../../support/stack.ts';
import { conversation } from './conversing.ts';

const NAMES = ['ada', 'ben', 'cara', 'dan', 'eva', 'finn', 'gina', 'hal', 'ida', 'jon'];
/** How long the replies of switches are held back, and so every round trip. */
const HOLD_MS = 1000;
/** A busy machine makes a set-up longer, never shorter: the shortest of so many counts. */
const TRIES = 3;

/**
 * Counted by time: the replies are held back, and the set-up takes so much longer.
 * @param enough no further try when one has cost less
 */
export async function roundTripsOfTen(
  stack: Stack,
  bus: StandInBus,
  enough = Number.POSITIVE_INFINITY,
): Promise<{ readonly roundTrips: number; readonly requests: number }> {
  const [ada, ...others] = await Promise.all(NAMES.map((name) => stack.subscriber(name)));
  assert.ok(ada);
  const tookMs = async (): Promise<number> => {
    const startMs = performance.now();
    await conversation(FACTORY, ada, ...others);
    return performance.now() - startMs;
  };
  let plainMs = Number.POSITIVE_INFINITY;
  // The first of them warms everything up.
  for (let tries = 0; tries <= TRIES; tries += 1) plainMs = Math.min(plainMs, await tookMs());
  const { delayMs } = bus.ways;
  bus.ways.delayMs = ({ subclass }) => (subclass === 'im::reply' ? HOLD_MS : 0);
  const before = bus.sent.length;
  let heldMs = await tookMs();
  const requests = bus.sent.slice(before).filter(({ subclass }) => subclass === 'im::request');
  const roundTrips = () => (heldMs - plainMs) / HOLD_MS;
  for (let tries = 1; tries < TRIES && roundTrips() >= enough; tries += 1)
    heldMs = Math.min(heldMs, await tookMs());
  bus.ways.delayMs = delayMs;
  return { roundTrips: roundTrips(), requests: requests.length };
}
