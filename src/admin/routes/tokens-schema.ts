import Type from 'typebox';
import { ROLES } from '../access/role.ts';
import { Limit, TextOrNull, Time } from './field-schema.ts';

const RoleName = Type.Enum([...ROLES]);
const TokenId = Type.String({ pattern: '^[A-Za-z0-9-]{12}$' });
const TokenName = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9 ._@-]*$' });

export const WhoAmI = Type.Object({
  name: Type.String({ description: '`token:` and its name, or `loopback`.' }),
  role: RoleName,
});

export const TokenQuery = Type.Object(
  {
    before: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9-]{12}$',
        description: 'Id of the last one that was read: the next page.',
      }),
    ),
    limit: Limit,
  },
  { additionalProperties: false },
);

export const TokenList = Type.Object({
  items: Type.Array(
    Type.Object({
      id: TokenId,
      name: TokenName,
      role: RoleName,
      createdAt: Time,
      expiresAt: TextOrNull,
      lastUsedAt: TextOrNull,
      revokedAt: TextOrNull,
    }),
    { description: 'Newest first.' },
  ),
});

export const NewTokenBody = Type.Object(
  {
    name: TokenName,
    role: RoleName,
    expiresDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
  },
  { additionalProperties: false },
);

export const NewTokenShown = Type.Object({
  id: TokenId,
  name: TokenName,
  role: RoleName,
  token: Type.String({ description: 'Shown this once.' }),
});

export const TokenParams = Type.Object({ id: TokenId });
