/** Configuration of readings of the specification, and of the History Function. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;
const byProfile = 'Default: by `profile`.';

export const ReadingsSection = Type.Object(
  {
    goneSession: Type.Optional(
      Type.Union([Type.Literal(403), Type.Literal(404)], {
        description: `A-27: status for an INVITE to a session that is gone. ${byProfile}`,
      }),
    ),
    withoutTimer: Type.Optional(
      Type.Union([Type.Literal('disconnect'), Type.Literal('keep'), Type.Literal('refresh')], {
        description: `A-6: what expiry does to a client that does not support session timers: \`disconnect\` it, \`keep\` it without supervision, or \`refresh\`: the server refreshes in its place. ${byProfile}`,
      }),
    ),
    askedToRefresh: Type.Optional(
      Type.Union([Type.Literal('client'), Type.Literal('server')], {
        description: `R-7.2.1.1-3: who refreshes when a client asks the server to (refresher=uas). ${byProfile}`,
      }),
    ),
    inviterCounts: Type.Optional(
      Type.Boolean({ description: `A-10: the inviter counts for \`adHoc.maxParticipants\`. ${byProfile}` }),
    ),
    inviterAnswered: Type.Optional(
      Type.Union([Type.Literal('by-first-answer'), Type.Literal('at-once')], {
        description: `A-15, A-18: when who sets a session up gets the 200: with the first answer of an invited user, or before anybody has answered. ${byProfile}`,
      }),
    ),
    rejoinCountsAdHoc: Type.Optional(
      Type.Boolean({ description: `A-29: rejoining an ad hoc session looks at the maximum. ${byProfile}` }),
    ),
    addingCountsGroup: Type.Optional(
      Type.Boolean({
        description: `A-29: adding to a group session looks at max-participant-count. ${byProfile}`,
      }),
    ),
    addingTargets: Type.Optional(
      Type.Union([Type.Literal('any'), Type.Literal('members')], {
        description: `A-34: whom REFER may add to a group session: anybody, or the members of the group's list. ${byProfile}`,
      }),
    ),
    anonymityRefused: Type.Optional(
      Type.Union([Type.Literal('refuse'), Type.Literal('show')], {
        description: `7.2.3.2: privacy is asked for and not allowed: 403, or go on with the address shown. ${byProfile}`,
      }),
    ),
    factoryMeansSession: Type.Optional(
      Type.Boolean({
        description: `A-46: SUBSCRIBE or REFER to a factory means the sender's one session of it. ${byProfile}`,
      }),
    ),
    referOther: Type.Optional(
      Type.Union([Type.Literal(403), Type.Literal(501)], {
        description: `A-36: status for REFER with a method other than INVITE and BYE. ${byProfile}`,
      }),
    ),
    modificationTells: Type.Optional(
      Type.Union([Type.Literal('nobody'), Type.Literal('others')], {
        description: `7.2.2.6: who is sent a new offer when a participant's re-INVITE changes the types that all of them take. ${byProfile}`,
      }),
    ),
    cpmFeatureTag: Type.Optional(
      Type.Boolean({
        description: `RCC.07: the CPM group session ICSI in Contact and Accept-Contact. ${byProfile}`,
      }),
    ),
  },
  { ...closed, default: {}, description: 'Readings of the specification where it leaves room.' },
);

export const HistorySection = Type.Object(
  {
    functions: Type.Array(Type.String(), {
      maxItems: 64,
      default: [],
      description:
        'Asserted addresses (URIs) of History Functions: they may join every session and take no seat.',
    }),
    invokers: Type.Union([Type.Literal('participants'), Type.Array(Type.String(), { maxItems: 1024 })], {
      default: 'participants',
      description:
        'Who may bring a History Function into a full group (Referred-By): its `participants`, or the users of this list.',
    }),
    showInRoster: Type.Boolean({
      default: true,
      description:
        'Whether participants see a History Function in the conference state, with its role `history`. False: it stands there for itself alone, and `user-count` is without it.',
    }),
  },
  { ...closed, default: {}, description: 'The History Function (R-7.2.1.4-3a).' },
);
