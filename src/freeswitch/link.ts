/** A connection to one FreeSWITCH, and what is sent on it. */
import { EventSocketClient, type EventSocketClientOptions } from '../event-socket/client.ts';
import type { EslEvent } from '../event-socket/event.ts';
import { formatNameAddr, NO_PARAMS } from '../sip/name-addr.ts';

export interface FreeSwitchNode {
  /** `[a-z0-9-]`, 32 characters at most. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** For `userauth`. */
  readonly user?: string;
  /** The sofia profile that speaks with Kamailio. */
  readonly profile: string;
}

export function connectTo(
  node: FreeSwitchNode,
  options: Pick<EventSocketClientOptions, 'events' | 'onEvent' | 'onUp' | 'onDown' | 'log' | 'limits'>,
): EventSocketClient {
  const { host, port, password, user } = node;
  return new EventSocketClient({ host, port, password, ...(user === undefined ? {} : { user }), ...options });
}

/**
 * A SIP MESSAGE from the group to one of its users, sent by FreeSWITCH's profile, whose outbound proxy is Kamailio. `SMS::SEND_MESSAGE` is
 * mod_sms's own; it does not go through a chatplan.
 */
export function messageEvent(
  node: FreeSwitchNode,
  message: { readonly from: string; readonly to: string; readonly text: string },
): EslEvent {
  const { from, to, text } = message;
  return {
    name: 'CUSTOM',
    subclass: 'SMS::SEND_MESSAGE',
    headers: new Map([
      ['dest_proto', 'sip'],
      ['proto', 'sip'],
      ['from', from.replace(/^sip:/, '')],
      ['from_full', formatNameAddr({ uri: from, params: NO_PARAMS })],
      // With the scheme, so that FreeSWITCH does not look the user up among its own.
      ['to', `${node.profile}/${to}`],
      ['sip_profile', node.profile],
      ['type', 'text/plain'],
    ]),
    body: text,
  };
}
