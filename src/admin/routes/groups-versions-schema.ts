import Type from 'typebox';
import { Count, Limit, TextOrNull, Time } from './field-schema.ts';
import { GroupParams } from './groups-schema.ts';

const VersionNumber = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const VersionParams = Type.Object({ ...GroupParams.properties, version: VersionNumber });

export const VersionQuery = Type.Object(
  {
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Only versions older than this one: the next page.' }),
    ),
    limit: Limit,
  },
  { additionalProperties: false },
);

export const VersionList = Type.Object({
  items: Type.Array(
    Type.Object({
      version: Count,
      at: Time,
      who: Type.String(),
      comment: TextOrNull,
      etag: TextOrNull,
      isDeletion: Type.Boolean(),
    }),
    { description: 'Newest first. Deleted groups keep theirs.' },
  ),
});

export const DiffQuery = Type.Object(
  {
    from: VersionNumber,
    to: Type.Optional(
      Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Default: the newest.' }),
    ),
  },
  { additionalProperties: false },
);

export const Diff = Type.Object({
  from: Count,
  to: Count,
  unified: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description:
      'Both documents written one member a line; empty when they say the same, null when they have too little in common.',
  }),
  changes: Type.Immutable(
    Type.Array(Type.Any(), {
      description:
        'Each with its `kind`: created, deleted, field-changed, member-added, member-removed, member-changed, rule-added, rule-removed, rule-moved, condition-changed, right-changed, rule-extension-changed.',
    }),
  ),
});
