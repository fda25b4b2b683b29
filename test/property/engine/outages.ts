/** Calls that come without waiting for each other, and what of the server's own parts is away for a while. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type RequestOptions, sdpBody, sipRequest, user } from '../../unit/focus/messages.ts';
import { pick, userOf } from './acts.ts';
import { orderEnd, orderLimit, orderRemoval } from './orders.ts';
import { GROUPS, type System } from './system.ts';

/** Kamailio's workers may tell of a CANCEL before its INVITE. */
export function cancelFirst(system: System, choice: number): string {
  const { outside, engine } = system;
  const callId = outside.next('call');
  const uri = pick([...GROUPS.keys()], choice >> 3) ?? '';
  const name = userOf(choice);
  const common: RequestOptions = { callId, fromTag: `f-${callId}`, uri, from: user(name) };
  engine.cancel(sipRequest({ ...common, method: 'CANCEL' }));
  system.request(sipRequest({ ...common, ...sdpBody() }), name);
  return `${name} has cancelled ${callId} to ${uri}, which comes afterwards`;
}

/** The connection of a client is gone for longer than it takes to come back. */
export function loseClient(system: System, choice: number): string | undefined {
  const legs = [...system.engine.sessions.all()].flatMap(({ row, legs: all }) =>
    [...all.values()].map(({ id }) => ({ session: row.id, leg: id })),
  );
  const lost = pick(legs, choice);
  if (lost === undefined) return undefined;
  system.engine.lostClient(lost.session, lost.leg);
  return `the client of ${lost.leg} has no connection`;
}

/** A switch is killed while commands to it are on their way; then that is found out. */
export async function crashSwitch(
  system: System,
  choice: number,
  before: () => string,
): Promise<string | undefined> {
  const one = pick(system.outside.switches.all, choice);
  if (one?.isUp !== true || system.isFrozen) return undefined;
  const told = before();
  one.isUp = false;
  one.held.clear();
  await system.settle();
  await system.switchDies(one);
  return `${told}; ${one.id} dies`;
}

/** The focus is killed while what it has decided on is half done. */
export async function crashFocus(
  system: System,
  choice: number,
  before: () => string,
): Promise<string | undefined> {
  if (system.isFrozen) return undefined;
  const told = before();
  for (let turn = choice % 7; turn > 0; turn -= 1) await nextTurn();
  system.outside.faults.crash = true;
  await system.restart();
  return `${told}; the focus is killed and starts again`;
}

const ORDERS = [orderRemoval, orderEnd, orderLimit] as const;

/** No Kamailio is connected: deadlines wait, and what is ordered meanwhile cannot leave. */
export async function kamailioAway(system: System, choice: number): Promise<string | undefined> {
  if (system.isFrozen) return undefined;
  const { engine, outside } = system;
  const ms = [1_000, 20_000, 70_000, 130_000][choice % 4] ?? 1_000;
  engine.holdDeadlines();
  outside.isAway = true;
  const ordered = (choice >> 2) % 2 === 0 ? ORDERS[(choice >> 3) % ORDERS.length]?.(system, choice >> 3) : '';
  await system.advance(ms);
  outside.isAway = false;
  engine.releaseDeadlines();
  await system.advance(1);
  return `Kamailio is away for ${ms} ms; ${ordered}`;
}
