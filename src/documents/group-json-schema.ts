import Type, { type Static } from 'typebox';
import { LANGUAGE, RULE_ID } from './group-model.ts';

const Uri = Type.String({ minLength: 1, maxLength: 1024 });
const Name = Type.String({ maxLength: 256 });
const Fragments = Type.Array(Type.String({ minLength: 1, maxLength: 65_536 }), {
  maxItems: 64,
  description: 'XML elements that declare their own namespaces, kept as they are',
});
const Yes = Type.Literal(true);
const Time = Type.String({ format: 'date-time', description: 'RFC 3339' });
const strict = { additionalProperties: false };

const When = Type.Object(
  {
    members: Type.Optional(Yes),
    uris: Type.Optional(Type.Array(Uri, { maxItems: 10_000 })),
    domains: Type.Optional(
      Type.Array(
        Type.Object(
          {
            domain: Type.Optional(
              Type.String({ minLength: 1, maxLength: 255, description: 'absent: any domain' }),
            ),
            exceptUris: Type.Optional(Type.Array(Uri, { maxItems: 10_000 })),
            exceptDomains: Type.Optional(
              Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 1000 }),
            ),
          },
          strict,
        ),
        { maxItems: 1000 },
      ),
    ),
    others: Type.Optional(Yes),
    anonymous: Type.Optional(Yes),
    externalLists: Type.Optional(Type.Array(Uri, { maxItems: 1000 })),
    validity: Type.Optional(Type.Array(Type.Object({ from: Time, until: Time }, strict), { maxItems: 1000 })),
    unknown: Type.Optional(Fragments),
  },
  strict,
);

const Right = Type.Optional(Type.Boolean());
const Grant = Type.Object(
  {
    initiate: Right,
    join: Right,
    conferenceState: Right,
    addUsers: Right,
    anonymity: Right,
    keyParticipant: Right,
    expel: Right,
    privateMessage: Right,
  },
  strict,
);

/** The JSON form of a group document, for the REST admin. */
export const GroupJson = Type.Object(
  {
    uri: Uri,
    displayName: Type.Optional(Name),
    displayNameLang: Type.Optional(Type.String(LANGUAGE)),
    members: Type.Array(
      Type.Object({ uri: Uri, name: Type.Optional(Name), extensions: Type.Optional(Fragments) }, strict),
      { maxItems: 10_000 },
    ),
    externalLists: Type.Optional(Type.Array(Uri, { maxItems: 1000 })),
    inviteMembers: Type.Boolean(),
    maxParticipants: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    rules: Type.Array(
      Type.Object(
        {
          // An XML ID, so that the XML form can carry it.
          id: Type.String(RULE_ID),
          when: When,
          grant: Grant,
          otherActions: Type.Optional(Fragments),
          transformations: Type.Optional(Fragments),
        },
        strict,
      ),
      { maxItems: 1000 },
    ),
    extensions: Type.Optional(Fragments),
  },
  strict,
);
export type GroupJson = Static<typeof GroupJson>;
