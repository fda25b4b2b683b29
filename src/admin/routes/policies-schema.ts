import Type from 'typebox';
import { POLICY_SCHEMA_NAME } from '../describe/named-schemas.ts';
import { Count, Limit, TextOrNull, Time } from './field-schema.ts';

/** What it may say is checked by the schema of the configuration, with all faults at once. */
export const Policy = Type.Unsafe<Readonly<Record<string, unknown>>>({
  title: POLICY_SCHEMA_NAME,
  type: 'object',
  additionalProperties: true,
  maxProperties: 64,
  description:
    'Keys of the configuration (docs/configuration.md): profile, readings, conferenceFactories, conference.inviteTimeoutS, adHoc, groupSessions, session, displayName, notify, release, limits, history. What is absent is as in the configuration.',
  examples: [{ adHoc: { maxParticipants: 50 } }],
});

const VersionNumber = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: '0: the configuration alone.',
});

export const PolicyVersionParams = Type.Object({ version: VersionNumber });

const Changes = Type.Array(
  Type.Object({ path: Type.String(), from: Type.Optional(Type.Any()), to: Type.Optional(Type.Any()) }),
  { description: 'Key by key; lists are one value.' },
);

export const ActivePolicy = Type.Object({
  version: VersionNumber,
  activatedAt: TextOrNull,
  activatedBy: TextOrNull,
  policy: Policy,
  effective: Type.Unsafe<Readonly<Record<string, unknown>>>({
    type: 'object',
    additionalProperties: true,
    description: 'All keys, as decisions go by them.',
  }),
});

export const ActivatedPolicy = Type.Object({
  version: VersionNumber,
  inForce: Type.Boolean({
    description: 'False: the focus did not answer in time, and takes it by itself within seconds.',
  }),
});

export const PolicyCandidate = Type.Object({ policy: Policy }, { additionalProperties: false });

export const CheckedPolicy = Type.Object({
  changes: Changes,
  warnings: Type.Immutable(Type.Array(Type.String())),
});

export const NewPolicyBody = Type.Object(
  { policy: Policy, comment: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })) },
  { additionalProperties: false },
);

export const StoredPolicy = Type.Object({ version: Count, changes: Changes });

const summary = {
  version: Count,
  at: Time,
  who: Type.String(),
  comment: TextOrNull,
  activatedAt: TextOrNull,
};

export const PolicyVersionList = Type.Object({
  items: Type.Array(Type.Object(summary), { description: 'Newest first.' }),
  active: VersionNumber,
});

export const PolicyVersionQuery = Type.Object(
  {
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Only versions older than this one: the next page.' }),
    ),
    limit: Limit,
  },
  { additionalProperties: false },
);

export const PolicyVersionBody = Type.Object({ ...summary, policy: Policy });

export const PolicyDiffQuery = Type.Object(
  { from: Type.Optional(VersionNumber) },
  { additionalProperties: false },
);

export const PolicyDiff = Type.Object({ from: VersionNumber, to: VersionNumber, changes: Changes });

/** One of both. */
export const ShadowBody = Type.Object(
  {
    policy: Type.Optional(Policy),
    version: Type.Optional(VersionNumber),
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 200, description: 'Requests looked at.' }),
  },
  { additionalProperties: false },
);

const Verdict = Type.Object({
  clause: Type.String(),
  step: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'The step that refused; null: none did.',
  }),
  status: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'Null: it waits for others, such as for the answer of an invited user.',
  }),
  warning: TextOrNull,
});

export const Shadow = Type.Object({
  looked: Type.Integer({ minimum: 0, description: 'Requests that were decided again.' }),
  moved: Type.Integer({
    minimum: 0,
    description:
      'Of these, requests that the policy in force, too, would answer otherwise now than then: sessions, groups or the policy have moved on since.',
  }),
  since: TextOrNull,
  differing: Type.Array(
    Type.Object({
      at: Time,
      method: Type.String(),
      target: Type.String(),
      user: TextOrNull,
      callId: TextOrNull,
      decided: Verdict,
      active: Verdict,
      candidate: Verdict,
      hasMoved: Type.Boolean({
        description: 'The state is not the one that it was decided on: the comparison says what holds now.',
      }),
    }),
    {
      description:
        'Requests that the candidate would answer otherwise than the policy in force, both on the state as it is now. Newest first.',
    },
  ),
});
