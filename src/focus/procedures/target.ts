/** What a Request-URI addresses: a conference-factory, a group, a session of ours, or nothing. */
import type { SipRequest } from '../../sip/message.ts';
import { addressKey, canonicalAddress, parseUri } from '../../sip/uri.ts';
import { type Conference, hasKey } from '../conference.ts';
import type { World } from '../world.ts';

export type Target = 'factory' | 'group' | 'session' | 'unknown';

export function targetOf(request: SipRequest, world: World): Target {
  const address = canonicalAddress(request.uri);
  const { factories, sessionPrefix } = world.settings;
  if (factories.some((factory) => canonicalAddress(factory) === address)) return 'factory';
  if (userPart(request.uri)?.startsWith(sessionPrefix) === true) return 'session';
  // The document of a running session may have been removed since.
  const isGroup =
    world.findGroup(address) !== undefined || world.findConferenceOfGroup(addressKey(address)) !== undefined;
  return isGroup ? 'group' : 'unknown';
}

/** The one session of a factory that the user takes part in (readings.factoryMeansSession, A-46). */
export function ownSessionOfFactory(
  request: SipRequest,
  world: World,
  keys: readonly string[],
): Conference | undefined {
  if (!world.settings.readings.factoryMeansSession || targetOf(request, world) !== 'factory')
    return undefined;
  const address = canonicalAddress(request.uri);
  const own = [...world.conferences()].filter(
    ({ row, participants }) =>
      row.address === address &&
      [...participants.values()].some((user) => user.presence === 'connected' && hasKey(user, keys)),
  );
  return own.length === 1 ? own[0] : undefined;
}

/** The session whose identity the Request-URI is; known by the user part, whatever host the way here used. */
export function sessionOf(request: SipRequest, world: World): Conference | undefined {
  const user = userPart(request.uri);
  return user === undefined ? undefined : world.findConference(user);
}

function userPart(uri: string): string | undefined {
  return parseUri(uri).user;
}
