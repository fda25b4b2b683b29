/** What a script of a FreeSWITCH asks of the focus by an event `im::freeswitch`. Pure. */
import type { EslEvent } from '../event-socket/event.ts';
import { ParseError } from '../lib/errors.ts';
import { parseNameAddr } from '../sip/name-addr.ts';
import { canonicalAddress, parseUri } from '../sip/uri.ts';
import type { FreeSwitchEnd } from './end.ts';

/** Events of these subclasses go to the focus, to the switches, and from the focus to the scripts. */
export const WISH_SUBCLASS = 'im::freeswitch';
export const TEXT_SUBCLASS = 'im::freeswitch-text';
export const REPLY_SUBCLASS = 'im::freeswitch-reply';

export type Wish = {
  readonly corr: string;
} /** `message`: as `join`; who takes part already shows by it that they are still there. */ & (
  | {
      readonly op: 'join' | 'message';
      readonly end: FreeSwitchEnd;
      readonly displayName?: string;
    }
  | { readonly op: 'leave'; readonly of: Leaver }
  /** In the name of a participant of this FreeSWITCH: somebody is invited, or removed. */
  | {
      readonly op: 'add' | 'remove';
      readonly group: string;
      readonly identity: string;
      readonly user: string;
    }
  | { readonly op: 'announce'; readonly group: string; readonly text: string }
);

export type Leaver =
  | { readonly kind: 'channel'; readonly call: string }
  | { readonly kind: 'message' | 'room'; readonly identity: string; readonly group: string };

export interface WishRules {
  readonly node: string;
  /** Domains, lower case, whose users this FreeSWITCH may vouch for. */
  readonly domains: readonly string[];
}

export const CALL_UUID = /^[0-9A-Fa-f-]{8,64}$/;
/** As a switch takes it (`session.announce`). */
const MAX_ANNOUNCEMENT_CHARACTERS = 8_192;

/** @throws ParseError FS_BAD_WISH, FS_FOREIGN_IDENTITY, SIP_BAD_URI, SIP_BAD_NAME_ADDR */
export function readWish(event: EslEvent, rules: WishRules): Wish {
  const corr = required(event, 'im-corr');
  const op = required(event, 'im-op');
  switch (op) {
    case 'join':
    case 'message': {
      const identity = readIdentity(event, rules);
      const group = sipAddress(required(event, 'group'));
      const head = { node: rules.node, identity: identity.uri, group };
      const end: FreeSwitchEnd = { ...head, ...kindOf(event, op) };
      return {
        op,
        corr,
        end,
        ...(identity.displayName === undefined ? {} : { displayName: identity.displayName }),
      };
    }
    case 'leave':
      return { op, corr, of: readLeaver(event, rules) };
    case 'add':
    case 'remove': {
      const user = required(event, 'user');
      parseUri(user);
      const { uri } = readIdentity(event, rules);
      return { op, corr, group: sipAddress(required(event, 'group')), identity: uri, user };
    }
    case 'announce': {
      const text = event.body.trim();
      if (text === '' || text.length > MAX_ANNOUNCEMENT_CHARACTERS)
        throw bad('an announcement without text, or with too much of it');
      return { op, corr, group: sipAddress(required(event, 'group')), text };
    }
    default:
      throw bad('unknown im-op', op);
  }
}

function kindOf(event: EslEvent, op: 'join' | 'message') {
  if (op === 'message') return { kind: 'message' } as const;
  const kind = required(event, 'kind');
  if (kind === 'room') return { kind } as const;
  if (kind !== 'channel') throw bad('unknown kind', kind);
  return { kind, call: readCall(event), endsCall: event.headers.get('when-removed') === 'hangup' } as const;
}

function readLeaver(event: EslEvent, rules: WishRules): Leaver {
  const kind = required(event, 'kind');
  if (kind === 'channel') return { kind, call: readCall(event) };
  if (kind !== 'message' && kind !== 'room') throw bad('unknown kind', kind);
  return { kind, identity: readIdentity(event, rules).uri, group: sipAddress(required(event, 'group')) };
}

function readCall(event: EslEvent): string {
  const call = required(event, 'call');
  if (!CALL_UUID.test(call)) throw bad('a call that is no UUID', call);
  return call;
}

/** A URI or a name-addr, as Kamailio has written it into X-IM-Asserted; the first of several. @throws ParseError */
export function readAddress(text: string): { address: string; displayName?: string } {
  const { uri, displayName } = parseNameAddr(/^(?:"(?:[^"\\]|\\.)*"|[^,"])*/.exec(text)?.[0] ?? text);
  return { address: canonicalAddress(uri), ...(displayName === undefined ? {} : { displayName }) };
}

function readIdentity(event: EslEvent, { domains }: WishRules): { uri: string; displayName?: string } {
  const { address, displayName } = readAddress(required(event, 'identity'));
  const { scheme, host } = parseUri(address);
  if (scheme !== 'sip' || !domains.includes(host.toLowerCase()))
    throw new ParseError(
      'FS_FOREIGN_IDENTITY',
      'an identity that this FreeSWITCH may not vouch for',
      -1,
      host,
    );
  return displayName === undefined ? { uri: address } : { uri: address, displayName };
}

function sipAddress(text: string): string {
  const address = canonicalAddress(text);
  if (!address.startsWith('sip:')) throw bad('a group that is no sip: address', text);
  return address;
}

function required(event: EslEvent, name: string): string {
  const value = event.headers.get(name);
  if (value === undefined || value === '') throw bad(`no ${name}`);
  return value;
}

function bad(what: string, excerpt = ''): ParseError {
  return new ParseError('FS_BAD_WISH', what, -1, excerpt);
}
