/** Clients that answer what comes in their dialog in ways of their own, and what they then see. */
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { Room } from '../../../src/agents/room.ts';
import { sdpBody } from '../../../src/agents/sdp.ts';
import type { HeaderOverrides } from '../../../src/agents/sip/message.ts';
import type { Answer, Reply } from '../../../src/agents/sip/received-request.ts';
import { FACTORY } from '../../support/stack.ts';

/** Session-Expires as a client's answer or request has it, from a client that knows session timers. */
export function timed(seconds: number, refresher: 'uac' | 'uas'): HeaderOverrides {
  return [
    ['Session-Expires', `${seconds};refresher=${refresher}`],
    ['Supported', 'timer'],
  ];
}

/** The answer of a client that agrees to a refresh. */
export function agrees(seconds: number, refresher: 'uac' | 'uas'): Reply {
  return { status: 200, headers: [...timed(seconds, refresher), ['Require', 'timer']] };
}

/**
 * Re-INVITEs and UPDATEs in the room's dialog are answered as told, one after the other; further ones as always. A 200 to
 * a re-INVITE gets the client's last SDP.
 */
export function script(room: Room, ...answers: readonly Answer[]): void {
  const left = [...answers];
  const asAlways = room.dialog.onRequest;
  room.dialog.onRequest = (received) => {
    if (received.method !== 'INVITE' && received.method !== 'UPDATE') return asAlways?.(received);
    const next = left.shift();
    if (next === undefined) return asAlways?.(received);
    const needsSdp = received.method === 'INVITE' && next !== 'withhold' && next.status < 300;
    return needsSdp ? { ...next, body: next.body ?? sdpBody(room.dialog.localSdp ?? '') } : next;
  };
}

/** Of who sets up a session and does not refresh: ended after 5 s. */
const SHORT = timed(7, 'uac');

type Session = readonly [inviters: Room, room: Room, ...others: Room[]];

/** An ad hoc session; the first of the invited answers with these header fields. */
export function invitedWith(
  headers: HeaderOverrides,
  inviter: Subscriber,
  invited: Subscriber,
  ...others: readonly Subscriber[]
): Promise<Session> {
  return setUp([], headers, inviter, invited, ...others);
}

/** The same, and the inviter is soon ended: the session is over when one more leaves the two that are left. */
export function invitedByWhoGoes(
  headers: HeaderOverrides,
  inviter: Subscriber,
  invited: Subscriber,
  ...others: readonly Subscriber[]
): Promise<Session> {
  return setUp(SHORT, headers, inviter, invited, ...others);
}

async function setUp(
  ofInviter: HeaderOverrides,
  headers: HeaderOverrides,
  inviter: Subscriber,
  invited: Subscriber,
  ...others: readonly Subscriber[]
): Promise<Session> {
  const everybody = [invited, ...others].map(({ uri }) => uri);
  const [inviters, room, ...rest] = await Promise.all([
    inviter.startAdHoc({ factory: FACTORY, invite: everybody, headers: ofInviter }),
    invited.answerNext({ headers }),
    ...others.map((person) => person.answerNext()),
  ]);
  return [inviters, room, ...rest];
}
