/** Who takes part: four user agents in this process, each a SIP client and an MSRP client. */
import { Subscriber } from '../../agents/chat.ts';
import type { Room } from '../../agents/room.ts';
import type { Users } from '../../agents/roster.ts';
import type { Capture } from './capture.ts';
import type { Checking, StepOptions } from './director.ts';
import { uriOf } from './group.ts';

export interface Cast {
  readonly ada: Subscriber;
  readonly ben: Subscriber;
  readonly cleo: Subscriber;
  readonly dan: Subscriber;
}

/** Different on purpose: UDP and TCP, MSRP connections from the client and from the switch. */
const PLAYERS = [
  { name: 'Ada', transport: 'udp', answerSetup: 'active' },
  { name: 'Ben', transport: 'udp', answerSetup: 'active' },
  { name: 'Cleo', transport: 'tcp', answerSetup: 'passive' },
  { name: 'Dan', transport: 'tcp', answerSetup: 'active' },
] as const;

/** @param sip where Kamailio listens, `host:port` */
export async function startCast(sip: string, capture: Capture, started: Subscriber[]): Promise<Cast> {
  const colon = sip.lastIndexOf(':');
  const proxy = { host: sip.slice(0, colon), port: Number(sip.slice(colon + 1)) };
  for (const { name, transport, answerSetup } of PLAYERS) {
    started.push(
      await Subscriber.start({
        uri: uriOf(name),
        displayName: name,
        proxy,
        transport,
        answerSetup,
        assertedIdentity: uriOf(name),
        onTrace: (entry) => capture.sip(name, entry),
        onMsrpTrace: (entry) => capture.msrp(name, entry),
      }),
    );
  }
  const [ada, ben, cleo, dan] = started;
  if (ada === undefined || ben === undefined || cleo === undefined || dan === undefined) {
    throw new Error('The cast is not complete.');
  }
  return { ada, ben, cleo, dan };
}

/** For what is awaited only after a request of ours: when that fails first, nobody hears of this one's fault. */
export function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

export interface Seat {
  readonly name: string;
  readonly room: Room;
}

/** One speaks, each other one must hear it: the text, the address and the name of who spoke. */
export async function speak(
  check: Checking,
  speaker: Seat,
  listeners: readonly Seat[],
  text: string,
): Promise<void> {
  const hearing = Promise.all(listeners.map(({ room }) => room.hear()));
  const [status, heard] = await Promise.all([speaker.room.say(text), hearing]);
  const names = listeners.map(({ name }) => name).join(' and ');
  check.same(
    `the switch answers 200; ${names} ${listeners.length === 1 ? 'hears' : 'hear'} it from ${speaker.name}`,
    [status, ...heard.map(({ name, from, text: said }) => [name, from, said])],
    [200, ...listeners.map(() => [speaker.name, uriOf(speaker.name), text])],
  );
}

/** `Ada: connected, Cleo: disconnected (departed)`, in the order of names. */
export function rosterOf(users: Users): string {
  return users
    .map(({ displayText, entity, status, disconnectionMethod }) => {
      const how = disconnectionMethod === '' ? '' : ` (${disconnectionMethod})`;
      return `${displayText === '' ? entity : displayText}: ${status}${how}`;
    })
    .sort()
    .join(', ');
}

/** Whether exactly these are connected. */
export function connectedAre(users: Users, names: readonly string[]): boolean {
  const connected = users.filter(({ status }) => status === 'connected').map(({ entity }) => entity);
  return connected.sort().join() === names.map(uriOf).sort().join();
}

/** The request was decided by this clause, and every step that applied was passed. */
export function decidedBy(clause: string, name: string): StepOptions {
  return {
    review: (check, decisions) => {
      const decision = decisions.find((one) => one.clause === clause && one.trigger !== 'response');
      const refused = decision?.steps.filter(({ verdict }) => verdict === 'refuse').map(({ id }) => id);
      check.same(`the focus decided by ${clause} (${name}), and no step refused`, refused, []);
    },
  };
}
