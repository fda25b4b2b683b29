/** Offers inside a running session, as a client makes them. */
import { MsrpSession } from '../../../src/agents/msrp/session.ts';
import type { Room } from '../../../src/agents/room.ts';
import {
  type MsrpSdpOptions,
  msrpSdp,
  offererConnects,
  readSdp,
  sdpBody,
  sdpOf,
} from '../../../src/agents/sdp.ts';
import type { Body, SipMessage } from '../../../src/agents/sip/message.ts';

/** The next version of this client's SDP, with what is to be different. */
export function nextOffer(room: Room, changes: Partial<MsrpSdpOptions> = {}): Body {
  const last = room.dialog.localSdp ?? '';
  const [, id = '0', version = '0'] = /^o=\S+ (\d+) (\d+) /m.exec(last) ?? [];
  return sdpBody(
    msrpSdp({
      path: readSdp(last).path[0] ?? '',
      setup: 'active',
      sessionId: Number(id),
      sessionVersion: Number(version) + 1,
      ...changes,
    }),
  );
}

/** This client's SDP once more, unchanged. */
export function sameOffer(room: Room): Body {
  return sdpBody(room.dialog.localSdp ?? '');
}

export interface Moved {
  readonly response: SipMessage;
  readonly msrp: MsrpSession;
}

/** Offers a new MSRP session in place of the room's, and once it is accepted connects it. */
export async function move(
  room: Room,
  method: 'INVITE' | 'UPDATE',
  changes: Partial<MsrpSdpOptions> = {},
): Promise<Moved> {
  const msrp = await MsrpSession.open({ name: `${room.msrp.name} moved`, listen: false });
  const body = nextOffer(room, { path: msrp.path, ...changes });
  const response =
    method === 'INVITE' ? await room.dialog.reinvite({ body }).final() : await room.dialog.update({ body });
  room.dialog.localSdp = body.content.toString();
  const answer = sdpOf(response);
  if (response.status === 200 && answer !== undefined && offererConnects('active', answer.setup)) {
    const status = await msrp.connect(answer.path);
    if (status !== 200) throw new Error(`the empty SEND on the new path got ${status}`);
  }
  return { response, msrp };
}
