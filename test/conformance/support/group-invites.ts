/** INVITEs to a group or a session that may be wrong in several ways. */
import type { Subscriber } from '../../../src/agents/chat.ts';
import type { Body, HeaderField, SipMessage } from '../../../src/agents/sip/message.ts';

export interface GroupInvite {
  readonly to: string;
  readonly body: Body;
  /** The Contact says that the caller is a focus. */
  readonly isFocus?: boolean;
  /** False: the core asserts nobody. */
  readonly isAsserted?: boolean;
  readonly isPrivate?: boolean;
}

/** @returns the final response */
export function inviteAs(caller: Subscriber, { to, body, ...ways }: GroupInvite): Promise<SipMessage> {
  const headers: (HeaderField | readonly [name: string, value: null])[] = [
    ...(ways.isFocus === true ? [['Contact', `<${caller.sip.contactUri}>;isfocus`] as const] : []),
    ...(ways.isAsserted === false ? [['P-Asserted-Identity', null] as const] : []),
    ...(ways.isPrivate === true ? [['Privacy', 'id'] as const] : []),
  ];
  return caller.sip.invite({ to, headers, body }).final();
}
