/** Configuration of what the focus decides: sessions, groups, policy choices, bounds. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;

export const ConferenceSection = Type.Object(
  {
    sessionPrefix: Type.String({
      default: 'im-s-',
      pattern: '^[a-z0-9][a-z0-9._-]{0,31}$',
      description:
        'What the user part of every IM session identity begins with. Kamailio routes URIs by it: in a kamailio.cfg of your own `IM_SESSION_PREFIX` must say the same. No user, factory or group may begin with it.',
    }),
    inviteTimeoutS: Type.Integer({
      default: 120,
      minimum: 5,
      maximum: 600,
      description: 'How long an invited user may ring before the invitation is cancelled, in seconds.',
    }),
  },
  { ...closed, default: {}, description: 'What all IM sessions share.' },
);

const whoMay = (value: 'participants' | 'initiator' | 'nobody', what: string) =>
  Type.Union([Type.Literal('participants'), Type.Literal('initiator'), Type.Literal('nobody')], {
    default: value,
    description: `Who may ${what}: all \`participants\`, the \`initiator\` alone, or \`nobody\`.`,
  });

export const AdHocSection = Type.Object(
  {
    maxParticipants: Type.Integer({
      default: 100,
      minimum: 2,
      maximum: 4096,
      description: 'Most participants of an ad hoc session; the inviter counts. More: 486 with a Warning.',
    }),
    allowEmptyList: Type.Boolean({
      default: false,
      description: 'True: an ad hoc set-up without anybody to invite makes a session for the inviter alone.',
    }),
    failureCode: Type.Union(
      [Type.Literal('lowest'), Type.Literal('highest-class'), Type.Integer({ minimum: 400, maximum: 699 })],
      {
        default: 'lowest',
        description:
          'What the inviter gets when every invitation failed: the `lowest` of the codes received, the lowest of the `highest-class` (6xx wins), or always this code.',
      },
    ),
    mayInitiate: Type.Union(
      [
        Type.Literal('everybody'),
        Type.Literal('nobody'),
        Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 1024 }),
      ],
      {
        default: 'everybody',
        description:
          'Who may set up ad hoc sessions: `everybody` who is authenticated, `nobody`, or those of a list: URIs of users (`sip:ada@example.net`, `tel:+4915112345`), domains (`example.net`), and `*.example.net` for all domains below one. Others: 403.',
      },
    ),
    mayAdd: whoMay('participants', 'add users (7.2.2.7, REFER); `nobody` makes closed conversations'),
    mayRemove: whoMay('initiator', 'remove others (REFER with method=BYE)'),
    allowAnonymity: Type.Boolean({
      default: true,
      description:
        'Whether privacy (`Privacy: id`) is served in ad hoc sessions, by a chat alias; in group sessions `allow-anonymity` of the group document says so. False: `readings.anonymityRefused` decides.',
    }),
    recipientListHistory: Type.Union(
      [Type.Literal('never'), Type.Literal('when-marked'), Type.Literal('always')],
      {
        default: 'when-marked',
        description:
          "Whether invitations tell who else is invited (RFC 5366 `recipient-list-history`): `when-marked` if the inviter's list has `copyControl`. Never those marked `bcc`, and without address those to be anonymous.",
      },
    ),
  },
  { ...closed, default: {}, description: 'Ad hoc sessions (7.2.1.2).' },
);

export const GroupSessionsSection = Type.Object(
  {
    defaultMaxParticipants: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4096,
        description:
          'Most participants of the session of a group whose document has no `max-participant-count`. Absent: no limit.',
      }),
    ),
  },
  { ...closed, default: {}, description: 'Sessions of pre-defined groups (7.2.1.3, 7.2.1.4).' },
);

export const SessionSection = Type.Object(
  {
    expiresS: Type.Integer({
      default: 1800,
      minimum: 10,
      maximum: 86400,
      description: 'Session-Expires that we ask for (RFC 4028), in seconds; not below `session.minSeS`.',
    }),
    minSeS: Type.Integer({
      default: 90,
      minimum: 1,
      maximum: 86400,
      description:
        'The smallest Session-Expires accepted; below it: 422 with Min-SE. RFC 4028 asks for 90 or more; less is allowed, with a warning.',
    }),
  },
  { ...closed, default: {}, description: 'The session timer.' },
);

export const ServerHeaderSection = Type.Object(
  {
    release: Type.String({
      default: 'IM-serv/OMA1.0',
      minLength: 1,
      maxLength: 128,
      description: 'The Server and User-Agent header field that we send.',
    }),
  },
  { ...closed, default: {}, description: 'How we present ourselves.' },
);

const warningText = (value: string, what: string) =>
  Type.String({
    default: value,
    minLength: 1,
    maxLength: 200,
    pattern: '^[^\\x00-\\x1f\\x7f]+$',
    description: `Text of the Warning in the 404 for ${what}.`,
  });

export const ErrorsSection = Type.Object(
  {
    factoryMissing: warningText(
      'Conference-factory URI does not exist',
      'a conference-factory URI that is not one of `conferenceFactories` (11.1)',
    ),
    conferenceMissing: warningText(
      'Conference URI does not exist',
      'a group or session that is not here (11.2)',
    ),
  },
  { ...closed, default: {}, description: 'Texts of refusals that the specification leaves open.' },
);

const NameSource = Type.Union([Type.Literal('pai'), Type.Literal('from'), Type.Literal('group')]);

export const DisplayNameSection = Type.Object(
  {
    priority: Type.Array(NameSource, {
      minItems: 1,
      maxItems: 3,
      uniqueItems: true,
      default: ['pai', 'from', 'group'],
      description:
        'Where the display name of a participant is taken from, best first: `pai` (P-Asserted-Identity), `from` (From), `group` (the list in the group document).',
    }),
  },
  { ...closed, default: {}, description: 'Names shown to others.' },
);

export const NotifySection = Type.Object(
  {
    minIntervalMs: Type.Integer({
      default: 500,
      minimum: 0,
      maximum: 60000,
      description:
        'Least time between two NOTIFY of one subscription, in milliseconds; changes in between are merged.',
    }),
  },
  { ...closed, default: {}, description: 'Conference state notifications (7.2.1.12).' },
);

const minimum = (value: number, what: string) =>
  Type.Integer({
    default: value,
    minimum: 1,
    maximum: 4096,
    description: `${what} is released when fewer participants than this are left.`,
  });

const longest = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000, description }));

const MaxLengthSection = Type.Object(
  {
    adHoc: longest(
      'The longest that an ad hoc session may last, in seconds from its first 200 on; then all are sent BYE. Absent: no limit. Sessions that run keep the limit they began with.',
    ),
    group: longest('The same for the session of a pre-defined group.'),
    chatGroup: longest('The same for the session of a chat group (join-in).'),
  },
  { ...closed, default: {}, description: 'The longest that sessions may last.' },
);

const IdleSection = Type.Object(
  {
    adHoc: longest(
      'After so many seconds in which nobody has sent a message all of an ad hoc session are sent BYE, up to a quarter of the time later. It is counted anew when the session comes to another switch and when the focus is started. Absent: never.',
    ),
    group: longest('The same for the session of a pre-defined group.'),
    chatGroup: longest('The same for the session of a chat group (join-in).'),
  },
  { ...closed, default: {}, description: 'The longest that sessions may be without a message.' },
);

export const ReleaseSection = Type.Object(
  {
    adHocMinimum: minimum(2, 'An ad hoc session'),
    groupMinimum: minimum(2, 'The session of a pre-defined group'),
    chatGroupMinimum: minimum(1, 'The session of a chat group (join-in)'),
    whenInitiatorLeaves: Type.Array(
      Type.Union([Type.Literal('adHoc'), Type.Literal('group'), Type.Literal('chatGroup')]),
      {
        maxItems: 3,
        uniqueItems: true,
        default: [],
        description:
          'Kinds of session that are released when who set them up leaves: `adHoc`, `group`, `chatGroup` (join-in).',
      },
    ),
    whenKeyParticipantLeaves: Type.Union([Type.Literal('any'), Type.Literal('last'), Type.Literal('off')], {
      default: 'any',
      description:
        'Whether a group session is released when a participant with `is-key-participant` leaves: `any` of them, the `last` of them, or `off`.',
    }),
    maxLengthS: MaxLengthSection,
    idleS: IdleSection,
  },
  { ...closed, default: {}, description: 'Release policy (7.2.2.8).' },
);

const bound = (value: number, most: number, description: string) =>
  Type.Integer({ default: value, minimum: 1, maximum: most, description });

export const LimitsSection = Type.Object(
  {
    maxSessions: bound(2000, 1_000_000, 'Sessions at one time; more: 503 with Retry-After.'),
    maxPendingInvites: bound(
      4000,
      1_000_000,
      'INVITEs without final answer, both directions together; more: 503.',
    ),
    maxDecisions: bound(
      20_000,
      10_000_000,
      'Decisions kept in the store with their steps, for all sessions together; the oldest go first.',
    ),
    maxEndedDialogs: bound(
      4096,
      1_000_000,
      'INVITEs of ours that are over and whose late or repeated answers are still known as such.',
    ),
    maxSubscriptionsPerUser: bound(20, 10_000, 'Conference subscriptions of one user; more: 403.'),
    maxBodyBytes: bound(48_000, 60_000, 'Largest SIP body taken, in bytes; more: 413.'),
    maxInvitees: bound(
      200,
      4096,
      'Most entries taken of one resource list, whatever the maximum of the session; more: 486.',
    ),
  },
  { ...closed, default: {}, description: 'Bounds of the focus.' },
);
