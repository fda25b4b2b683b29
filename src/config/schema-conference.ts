/** Configuration of what the focus decides: sessions, groups, policy choices, bounds. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;

export const ConferenceSection = Type.Object(
  {
    sessionPrefix: Type.String({
      default: 'im-s-',
      pattern: '^[a-z0-9][a-z0-9._-]{0,31}$',
      description:
        'What the user part of every IM session identity begins with; Kamailio routes such URIs of `sip.domain` to the focus.',
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
  },
  { ...closed, default: {}, description: 'Ad hoc sessions (7.2.1.2).' },
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

export const ReleaseSection = Type.Object(
  {
    adHocMinimum: minimum(2, 'An ad hoc session'),
    groupMinimum: minimum(2, 'The session of a pre-defined group'),
    chatGroupMinimum: minimum(1, 'The session of a chat group (join-in)'),
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
