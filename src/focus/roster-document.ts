/**
 * The conference-info document of one subscription (RFC 4575). It carries the full state while that fits a datagram.
 * A larger roster is told in parts: the first document names the subscriber and the counts, and as many users as fit;
 * the others and later changes follow as partial documents.
 */
import {
  assembleConferenceInfo,
  type ConferenceHead,
  formatUser,
  type UserInfo,
} from '../documents/conference-info.ts';
import type { ConferenceRow, ParticipantRow, SubscriptionRow } from './conference.ts';
import { maximumUsers } from './maximum-users.ts';
import { shown } from './shown.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

export interface RosterDocument {
  readonly body: string;
  /** Participants that this document had no room for; undefined when it was the full state. */
  readonly untold: readonly string[] | undefined;
}

/** Room for what stands around the users: conference description, state, namespaces. */
const HEAD_BYTES = 2_000;

export function rosterDocument(work: Work, world: World, subscription: SubscriptionRow): RosterDocument {
  const maxBytes = world.settings.notifyMaxBytes - HEAD_BYTES;
  const listed = listedFor(work, world, subscription);
  const users = listed.map((participant) => ({
    id: participant.id,
    text: userText(participant, subscription.wantsYourOwn && participant.id === subscription.participant),
  }));
  const head = headOf(work, world, subscription, listed);
  if (fitting(users, maxBytes) === users.length) {
    return {
      body: assembleConferenceInfo(
        head,
        users.map(({ text }) => text),
      ),
      untold: undefined,
    };
  }
  const isFirst = subscription.untold === undefined;
  const own = users.filter(({ id }) => id === subscription.participant);
  const others = users.filter(({ id }) => id !== subscription.participant);
  const waiting = isFirst ? [...own, ...others] : users.filter(({ id }) => subscription.untold?.includes(id));
  const count = fitting(waiting, maxBytes);
  return {
    body: assembleConferenceInfo(
      { ...head, state: isFirst ? 'full' : 'partial', usersState: 'partial' },
      waiting.slice(0, count).map(({ text }) => text),
    ),
    untold: waiting.slice(count).map(({ id }) => id),
  };
}

/** How many of the users, from the first on, go into so many bytes. */
function fitting(users: readonly { readonly text: string }[], maxBytes: number): number {
  let bytes = 0;
  for (const [index, { text }] of users.entries()) {
    bytes += Buffer.byteLength(text);
    if (bytes > maxBytes) return index;
  }
  return users.length;
}

/** Whom the subscriber may see: all, or all but the History Functions (history.showInRoster); one of those sees itself. */
function listedFor(work: Work, world: World, subscription: SubscriptionRow): ParticipantRow[] {
  const isShown = ({ role, id }: ParticipantRow) =>
    world.settings.history.showInRoster || role !== 'history' || id === subscription.participant;
  return work.participants.filter(isShown);
}

function headOf(
  work: Work,
  world: World,
  { version }: SubscriptionRow,
  listed: readonly ParticipantRow[],
): ConferenceHead {
  const { row } = work;
  const connected = listed.filter(({ presence }) => presence === 'connected').length;
  return {
    entity: row.identity,
    state: 'full',
    version,
    ...(row.subject === undefined ? {} : { subject: row.subject }),
    ...(row.group?.displayName === undefined ? {} : { displayText: row.group.displayName }),
    confUris: row.kind === 'group' ? [{ uri: row.address, purpose: 'participation' }] : [],
    ...maximumUserCount(row, world),
    userCount: connected,
    active: row.phase === 'active',
  };
}

/** What clients cap their UI by; a group without a maximum has none to tell. */
function maximumUserCount(row: ConferenceRow, world: World): Pick<ConferenceHead, 'maximumUserCount'> {
  const maximum = maximumUsers(row, world.settings);
  return maximum === undefined ? {} : { maximumUserCount: maximum };
}

/** Rows never change, so a user's text is written once for all subscribers and all documents. */
const texts = new WeakMap<ParticipantRow, string>();

function userText(participant: ParticipantRow, isOwn: boolean): string {
  if (isOwn) return formatUser(userInfo(participant, true));
  const known = texts.get(participant);
  if (known !== undefined) return known;
  const text = formatUser(userInfo(participant, false));
  texts.set(participant, text);
  return text;
}

/** Ringing is `pending` to shipping clients; `alerting` they do not know. */
const STATUS = {
  invited: 'dialing-out',
  alerting: 'pending',
  connected: 'connected',
  disconnected: 'disconnected',
} as const;

/** As others may see the participant: an aliased one only by the alias. */
function userInfo(participant: ParticipantRow, isOwn: boolean): UserInfo {
  const { uri, displayName } = shown(participant);
  const left = participant.presence === 'disconnected' ? participant.left : undefined;
  return {
    entity: uri,
    state: 'full',
    ...(isOwn ? { yourown: true } : {}),
    ...(displayName === undefined ? {} : { displayText: displayName }),
    ...(participant.role === 'history' ? { roles: ['history'] } : {}),
    endpoints: [
      {
        ...(participant.alias === undefined ? { entity: uri } : {}),
        status: STATUS[participant.presence],
        ...(participant.joined === undefined ? {} : { joiningMethod: participant.joined }),
        ...(left === undefined ? {} : { disconnectionMethod: left.method }),
        ...(left?.reason === undefined ? {} : { disconnectionReason: left.reason }),
      },
    ],
  };
}
