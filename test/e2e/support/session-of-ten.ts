/** What a session of ten waits for on a bus: round trips, one after the other, from the first INVITE until all ten are in it. */
import assert from 'node:assert/strict';
import type { StandInBus } from '../../support/freeswitch-bus/stand-in-bus.ts';
import { FACTORY, type Stack } from '../../support/stack.ts';
import { conversation } from './conversing.ts';

const NAMES = ['ada', 'ben', 'cara', 'dan', 'eva', 'finn', 'gina', 'hal', 'ida', 'jon'];
/** How long the replies of switches are held back, and so every round trip. */
const HOLD_MS = 1000;

/** Counted by time: the replies are held back, and the set-up takes so much longer. */
export async function roundTripsOfTen(
  stack: Stack,
  bus: StandInBus,
): Promise<{ readonly roundTrips: number; readonly requests: number }> {
  const [ada, ...others] = await Promise.all(NAMES.map((name) => stack.subscriber(name)));
  assert.ok(ada);
  const tookMs = async (): Promise<number> => {
    const startMs = performance.now();
    await conversation(FACTORY, ada, ...others);
    return performance.now() - startMs;
  };
  await tookMs();
  const plainMs = await tookMs();
  const { delayMs } = bus.ways;
  bus.ways.delayMs = ({ subclass }) => (subclass === 'im::reply' ? HOLD_MS : 0);
  const before = bus.sent.length;
  const heldMs = await tookMs();
  bus.ways.delayMs = delayMs;
  const requests = bus.sent.slice(before).filter(({ subclass }) => subclass === 'im::request');
  return { roundTrips: (heldMs - plainMs) / HOLD_MS, requests: requests.length };
}
