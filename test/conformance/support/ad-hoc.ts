/** Ad hoc sessions as a client's bare INVITE sets them up, and as whole rooms of people. */
import type { Subscriber } from '../../../src/agents/chat.ts';
import { type ListEntry, multipart, type Part, resourceLists } from '../../../src/agents/documents.ts';
import type { Room } from '../../../src/agents/room.ts';
import { type MsrpSdpOptions, msrpSdp, sdpBody } from '../../../src/agents/sdp.ts';
import type { Body, HeaderOverrides, SipMessage } from '../../../src/agents/sip/message.ts';
import type { UacInvite } from '../../../src/agents/sip/uac-invite.ts';
import { FACTORY } from '../../support/stack.ts';

/** SDP of a client whose MSRP nobody will try. */
export function plainSdp(options: Partial<MsrpSdpOptions> = {}): string {
  return msrpSdp({ path: 'msrp://127.0.0.1:9/nobody-there-0123456789;tcp', setup: 'active', ...options });
}

/** The body of a factory INVITE: an offer and the list of whom to invite. */
export function setUpBody(invite: readonly (string | ListEntry)[], sdp: string = plainSdp()): Body {
  return multipart([sdpBody(sdp), resourceLists(invite)]);
}

export interface SetUp {
  readonly invite?: readonly (string | ListEntry)[];
  readonly to?: string;
  readonly sdp?: string;
  /** Instead of offer and list. */
  readonly body?: Body | null;
  readonly headers?: HeaderOverrides;
  readonly autoAck?: boolean;
}

/** The INVITE to the conference-factory URI and nothing else: no MSRP follows. */
export function dialFactory(caller: Subscriber, options: SetUp): UacInvite {
  const body = options.body === undefined ? setUpBody(options.invite ?? [], options.sdp) : options.body;
  return caller.sip.invite({
    to: options.to ?? FACTORY,
    headers: [['Require', 'recipient-list-invite'], ...(options.headers ?? [])],
    ...(body === null ? {} : { body }),
    ...(options.autoAck === undefined ? {} : { autoAck: options.autoAck }),
  });
}

export function resourceListsPart(xml: string): Part {
  return {
    contentType: 'application/resource-lists+xml',
    headers: [['Content-Disposition', 'recipient-list']],
    content: xml,
  };
}

/** A running ad hoc session: the inviter's room first. */
export async function gather(
  inviter: Subscriber,
  ...invited: readonly Subscriber[]
): Promise<[Room, ...Room[]]> {
  const [room, ...rooms] = await Promise.all([
    inviter.startAdHoc({ factory: FACTORY, invite: invited.map(({ uri }) => uri) }),
    ...invited.map((person) => person.answerNext()),
  ]);
  return [room, ...rooms];
}

export function isInvite({ isRequest, method }: SipMessage): boolean {
  return isRequest && method === 'INVITE';
}
