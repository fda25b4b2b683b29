/** What a Request-URI addresses: a conference-factory, a group, a session of ours, or nothing. */
import type { SipRequest } from '../../sip/message.ts';
import { canonicalAddress, parseUri } from '../../sip/uri.ts';
import type { Conference } from '../conference.ts';
import type { World } from '../world.ts';

export type Target = 'factory' | 'group' | 'session' | 'unknown';

export function targetOf(request: SipRequest, world: World): Target {
  const address = canonicalAddress(request.uri);
  const { factories, sessionPrefix } = world.settings;
  if (factories.some((factory) => canonicalAddress(factory) === address)) return 'factory';
  if (userPart(request.uri)?.startsWith(sessionPrefix) === true) return 'session';
  return world.findGroup(address) === undefined ? 'unknown' : 'group';
}

/** The session whose identity the Request-URI is; known by the user part, whatever host the way here used. */
export function sessionOf(request: SipRequest, world: World): Conference | undefined {
  const user = userPart(request.uri);
  return user === undefined ? undefined : world.findConference(user);
}

function userPart(uri: string): string | undefined {
  return parseUri(uri).user;
}
