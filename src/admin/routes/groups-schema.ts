import Type from 'typebox';
import { Count, CountOrNull, TextOrNull } from './field-schema.ts';

const Group = Type.Object({
  uri: Type.String(),
  displayName: TextOrNull,
  members: Count,
  maxParticipants: CountOrNull,
  inviteMembers: Type.Boolean(),
});

export const GroupList = Type.Object({ items: Type.Immutable(Type.Array(Group)) });
