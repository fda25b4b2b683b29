import Type from 'typebox';
import { GroupJson } from '../../documents/group-json-schema.ts';
import { GROUP_SCHEMA_NAME } from '../describe/named-schemas.ts';
import { GROUP_XML_TYPE } from '../groups/group-content.ts';
import { Address, Count, CountOrNull, Limit, TextOrNull, Time } from './field-schema.ts';

export const GROUP_URI_MAX_CHARS = 512;

/** A SIP URI, percent-encoded in the path. */
export const GroupParams = Type.Object({
  uri: Type.String({ minLength: 1, maxLength: GROUP_URI_MAX_CHARS }),
});

const Source = Type.Enum(['managed', 'file']);

const Comment = Type.Optional(
  Type.String({ minLength: 1, maxLength: 500, description: 'Why; kept with the version.' }),
);

/** Of every edit. */
export const EditQuery = Type.Object({ comment: Comment }, { additionalProperties: false });

const summary = {
  uri: Type.String(),
  displayName: TextOrNull,
  members: Type.Integer({ minimum: 0, description: 'Those of lists kept elsewhere too.' }),
  maxParticipants: CountOrNull,
  inviteMembers: Type.Boolean(),
};

const listed = {
  ...summary,
  source: Type.Enum(['managed', 'file'], {
    description: '`managed`: edited here. `file`: kept in a file of the configuration, read-only here.',
  }),
  file: TextOrNull,
  origin: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Where a managed document was imported or adopted from, until it is edited.',
  }),
  version: CountOrNull,
  etag: TextOrNull,
  updatedAt: TextOrNull,
};

export const GroupPage = Type.Object({
  items: Type.Array(Type.Object(listed), { description: 'In the order of their addresses.' }),
  nextCursor: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Give it as `cursor` for the next page; null on the last.',
  }),
  counts: Type.Object({
    managed: Count,
    file: Type.Integer({ minimum: 0, description: 'In force: without those that a managed one overrides.' }),
    matching: Type.Integer({ minimum: 0, description: 'What this search finds on all pages.' }),
  }),
});

export const GroupQuery = Type.Object(
  {
    q: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'In the address or the name, in any case.' }),
    ),
    source: Type.Optional(Source),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    limit: Limit,
  },
  { additionalProperties: false },
);

/** What an edit answers. */
export const SavedGroup = Type.Object({
  ...listed,
  warnings: Type.Immutable(Type.Array(Type.String())),
  inForce: Type.Boolean({
    description:
      'False: it is saved, but the focus did not answer (it takes it within seconds), or could not take it (its log says why; the version before stays in force).',
  }),
});

export const ValidGroup = Type.Object({
  ...summary,
  warnings: Type.Immutable(Type.Array(Type.String())),
  json: Type.Unknown({ title: GROUP_SCHEMA_NAME, description: 'The JSON face.' }),
  xml: Type.String({ description: 'The XML face, as given or as written from JSON.' }),
});

const JSON_EXAMPLE = {
  uri: 'sip:im-g-crew@example.net',
  displayName: 'Crew',
  members: [{ uri: 'sip:ada@example.net', name: 'Ada' }, { uri: 'tel:+46700000003' }],
  inviteMembers: true,
  maxParticipants: 20,
  rules: [
    { id: 'members', when: { members: true }, grant: { initiate: true, join: true, conferenceState: true } },
    { id: 'boss', when: { uris: ['sip:ada@example.net'] }, grant: { addUsers: true, expel: true } },
  ],
};

export const GROUP_SCHEMA = {
  ...GroupJson,
  description: 'The JSON face of a group document.',
  examples: [JSON_EXAMPLE],
};

/** The two faces of a document. Checked by its own reader, which tells every fault with its place. */
const FACES = {
  'application/json': {
    schema: Type.Unsafe<unknown>({ title: GROUP_SCHEMA_NAME }),
  },
  [GROUP_XML_TYPE]: { schema: Type.Unsafe<unknown>({ description: 'An OMA group document.' }) },
} as const;

export const FACES_BODY = {
  content: {
    ...FACES,
    'application/xml': FACES[GROUP_XML_TYPE],
    'text/xml': FACES[GROUP_XML_TYPE],
  },
};

export const FACES_RESPONSE = {
  description: 'The document in the face that Accept asks for; JSON by default.',
  content: {
    'application/json': { schema: Type.Any({ title: GROUP_SCHEMA_NAME }) },
    [GROUP_XML_TYPE]: { schema: Type.String() },
  },
};

const Rule = Type.Object({
  allowed: Type.Boolean(),
  rules: Type.Immutable(
    Type.Array(Type.String(), {
      description: 'Ids of the rules that grant it; empty where it is the default.',
    }),
  ),
});

export const RightsTable = Type.Object({
  uri: Type.String(),
  at: Time,
  items: Type.Array(
    Type.Object({
      user: Type.String(),
      displayName: TextOrNull,
      isMember: Type.Boolean(),
      initiate: Rule,
      join: Rule,
      invite: Rule,
      expel: Rule,
      subscribe: Rule,
      beAnonymous: Rule,
      applied: Type.Immutable(Type.Array(Type.String(), { description: 'Every rule that applies.' })),
    }),
  ),
  total: Type.Integer({ minimum: 0, description: 'Users on all pages.' }),
  nextCursor: TextOrNull,
});

export const RightsQuery = Type.Object(
  {
    user: Type.Optional(
      Type.Array(Address, { maxItems: 50, description: 'These instead of the members; may be repeated.' }),
    ),
    at: Type.Optional(Type.String({ format: 'date-time', description: 'Another time than now.' })),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$' })),
    limit: Limit,
  },
  { additionalProperties: false },
);
