/**
 * A user of a conversation whom a FreeSWITCH brings in. To the focus it is a participant with a SIP dialog as any other, and
 * to the switch a leg whose path leads into the switch's own process: `msrp://NODE.freeswitch.invalid/TOKEN;tcp`. The token
 * says whom to write to, signed with the node's password, so that no client's SDP can name such a place. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { addressKey } from '../sip/uri.ts';

interface EndHead {
  /** Name of the FreeSWITCH in `freeswitch.nodes`. */
  readonly node: string;
  /** The group or session that it is in: the Request-URI of its INVITE. */
  readonly group: string;
  /** Who it is: a URI. */
  readonly identity: string;
}

export type FreeSwitchEnd =
  /** A call with text: TEXT events in, `uuid_send_text` out. */
  | (EndHead & {
      readonly kind: 'channel';
      /** UUID of the channel. */
      readonly call: string;
      /** The call ends when the user is removed from the conversation. */
      readonly endsCall: boolean;
    })
  /** A user of SIP MESSAGE. */
  | (EndHead & { readonly kind: 'message' })
  /** A voice conference, or a script of the dialplan: holds the session and invites; it neither hears nor speaks. */
  | (EndHead & { readonly kind: 'room' });

export const LOCAL_SUFFIX = '.freeswitch.invalid';
const PORT = 2855;
const MAC_BYTES = 16;
const LETTERS = { channel: 'c', message: 'm', room: 'r' } as const;

/** One for each place in a conversation: joining twice is joining once. */
export function endKey(end: FreeSwitchEnd): string {
  const who = end.kind === 'channel' ? end.call : addressKey(end.identity);
  return `${end.node} ${LETTERS[end.kind]} ${who} ${addressKey(end.group)}`;
}

/** What stands in a=path for it. */
export function pathOfEnd(end: FreeSwitchEnd, password: string, isTls = false): string {
  const fields =
    end.kind === 'channel'
      ? [LETTERS.channel, end.identity, end.group, end.call, end.endsCall ? 1 : 0]
      : [LETTERS[end.kind], end.identity, end.group];
  const token = Buffer.from(JSON.stringify(fields), 'utf8').toString('base64url');
  const mac = macOf(end.node, token, password).toString('base64url');
  return `msrp${isTls ? 's' : ''}://${end.node}${LOCAL_SUFFIX}:${PORT}/${token}.${mac};tcp`;
}

export function isLocalHost(host: string): boolean {
  return host.toLowerCase().endsWith(LOCAL_SUFFIX);
}

const PATH =
  /^msrps?:\/\/([a-z0-9-]{1,32})\.freeswitch\.invalid(?::\d+)?\/([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{22});tcp$/;

/** Undefined for what is no such path, or was not made with the password of a node that is known here. */
export function endOfPath(
  path: string,
  passwordOf: (node: string) => string | undefined,
): FreeSwitchEnd | undefined {
  const [, node = '', token = '', mac = ''] = PATH.exec(path) ?? [];
  const password = passwordOf(node);
  if (password === undefined) return undefined;
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== MAC_BYTES || !timingSafeEqual(given, macOf(node, token, password))) return undefined;
  const [letter, identity, group, call, endsCall] = JSON.parse(
    Buffer.from(token, 'base64url').toString('utf8'),
  ) as [string, string, string, string?, number?];
  const head = { node, identity, group };
  if (letter === LETTERS.channel)
    return { ...head, kind: 'channel', call: call ?? '', endsCall: endsCall === 1 };
  return { ...head, kind: letter === LETTERS.message ? 'message' : 'room' };
}

function macOf(node: string, token: string, password: string): Buffer {
  return createHmac('sha256', password)
    .update(`parley freeswitch ${node} ${token}`)
    .digest()
    .subarray(0, MAC_BYTES);
}
