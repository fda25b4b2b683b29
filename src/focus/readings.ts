/**
 * Where the specification leaves room, the reading is a named setting (`readings.*`). A profile bundles one value for
 * each; a value set by itself wins. No reading loosens identity.
 */

export interface Readings {
  /** Status for an INVITE to a session that is gone. */
  readonly goneSession: 403 | 404;
  /** A client that does not know session timers: it is disconnected at expiry, never, or we refresh in its place. */
  readonly withoutTimer: 'disconnect' | 'keep' | 'refresh';
  /** Who refreshes when a client asks us to: the client all the same, or we. */
  readonly askedToRefresh: 'client' | 'server';
  /** The inviter takes one of the seats of an ad-hoc session. */
  readonly inviterCounts: boolean;
  /** When who sets a session up gets the 200: with the first answer of an invited user, or before anybody has answered. */
  readonly inviterAnswered: 'by-first-answer' | 'at-once';
  /** Rejoining an ad-hoc session is refused when it is full. */
  readonly rejoinCountsAdHoc: boolean;
  /** Adding users to a group session is refused when the group is full. */
  readonly addingCountsGroup: boolean;
  /** Whom a participant with that right may add to a group session. */
  readonly addingTargets: 'any' | 'members';
  /** Privacy was asked for and is not allowed: refuse, or go on with the address shown. */
  readonly anonymityRefused: 'refuse' | 'show';
  /** SUBSCRIBE and REFER to a factory mean the one session of it that the sender takes part in. */
  readonly factoryMeansSession: boolean;
  /** Status for REFER with a method other than INVITE and BYE. */
  readonly referOther: 403 | 501;
  /** One participant's re-INVITE changed the types that all of them take: who is told by re-INVITE (7.2.2.6). */
  readonly modificationTells: 'nobody' | 'others';
  /** Contact and Accept-Contact name the CPM group session service too. */
  readonly cpmFeatureTag: boolean;
}

export type ProfileName = 'oma-strict' | 'rcc07' | 'lenient';

export interface ReadingEntry<K extends keyof Readings = keyof Readings> {
  readonly key: K;
  /** The ambiguity that it settles, or what asks for it. */
  readonly of: string;
  readonly about: string;
  readonly values: Readonly<Record<ProfileName, Readings[K]>>;
}

function entry<K extends keyof Readings>(
  key: K,
  of: string,
  about: string,
  values: Readonly<Record<ProfileName, Readings[K]>>,
): ReadingEntry {
  return { key, of, about, values } as unknown as ReadingEntry;
}

const all = <V>(value: V): Readonly<Record<ProfileName, V>> => ({
  'oma-strict': value,
  rcc07: value,
  lenient: value,
});

/** The table behind docs/profiles.md. */
export const READINGS: readonly ReadingEntry[] = [
  entry(
    'goneSession',
    'A-27',
    'INVITE to an IM session identity whose session is gone: the clause says 403; RCS clients start the chat anew on 404 and give up on 403',
    {
      'oma-strict': 403,
      rcc07: 404,
      lenient: 404,
    },
  ),
  entry('withoutTimer', 'A-6', 'the session timer of a client that does not support timers', {
    'oma-strict': 'disconnect',
    rcc07: 'disconnect',
    lenient: 'keep',
  }),
  entry(
    'askedToRefresh',
    'R-7.2.1.1-3',
    'a client asks the server to refresh (Session-Expires with refresher=uas): the clause says refresher=uac always, RFC 4028 that the answer keeps what was asked',
    {
      'oma-strict': 'client',
      rcc07: 'client',
      lenient: 'server',
    },
  ),
  entry('inviterCounts', 'A-10', 'the inviter counts for the ad-hoc maximum', all(true)),
  entry(
    'inviterAnswered',
    'A-15, A-18',
    'when the inviter gets the 200: the clauses wait for the first answer of an invited user; at once lets the inviter write to who is still being called, and a BYE follows if nobody comes',
    all('by-first-answer' as const),
  ),
  entry('rejoinCountsAdHoc', 'A-29', 'rejoining an ad-hoc session looks at the maximum', {
    'oma-strict': false,
    rcc07: true,
    lenient: false,
  }),
  entry('addingCountsGroup', 'A-29', 'adding to a group session looks at max-participant-count', all(true)),
  entry(
    'addingTargets',
    'A-34',
    "whom REFER may add to a group session: anybody, or the members of the group's list",
    all('any' as const),
  ),
  entry(
    'anonymityRefused',
    '7.2.3.2',
    'privacy is asked for but the group does not allow it: 403, or go on with the address shown',
    {
      'oma-strict': 'refuse',
      rcc07: 'refuse',
      lenient: 'show',
    },
  ),
  entry(
    'factoryMeansSession',
    'A-46',
    'SUBSCRIBE or REFER to a conference factory by who takes part in exactly one of its sessions',
    {
      'oma-strict': false,
      rcc07: false,
      lenient: true,
    },
  ),
  entry('referOther', 'A-36', 'REFER with another method than INVITE and BYE', all(501 as const)),
  entry(
    'modificationTells',
    '7.2.2.6',
    'who is sent a new offer when the re-INVITE of one participant changes the media types that all of them take',
    all('nobody' as const),
  ),
  entry('cpmFeatureTag', 'RCC.07', 'the CPM group session ICSI in Contact and Accept-Contact', {
    'oma-strict': false,
    rcc07: true,
    lenient: false,
  }),
];

/** The readings of a profile. */
export function readingsOf(profile: ProfileName): Readings {
  return Object.fromEntries(READINGS.map(({ key, values }) => [key, values[profile]])) as unknown as Readings;
}
