import Type from 'typebox';
import { Address, Count, Limit, SessionId, TextOrNull, Time } from './field-schema.ts';

const Stay = Type.Object({ joinedAt: TextOrNull, leftAt: TextOrNull });

const RecordedParticipant = Type.Object({
  address: Type.String(),
  role: Type.Enum(['user', 'history']),
  joinedAs: TextOrNull,
  stays: Type.Immutable(
    Type.Array(Stay, { description: 'Null: that is not known any more, or did not happen.' }),
  ),
  left: Type.Union([Type.Object({ method: Type.String(), reason: TextOrNull }), Type.Null()]),
});

const SessionRecordView = Type.Object({
  id: Count,
  session: Type.String(),
  identity: Type.String(),
  kind: Type.Enum(['ad-hoc', 'group']),
  address: Type.String(),
  initiator: Type.String({ description: 'Who set it up.' }),
  createdAt: Time,
  endedAt: Time,
  durationS: Type.Number(),
  endReason: TextOrNull,
  switchId: Type.String(),
  participants: Type.Immutable(Type.Array(RecordedParticipant)),
  peak: Type.Integer({ minimum: 0, description: 'Most participants at one time.' }),
  traffic: Type.Union(
    [Type.Object({ messagesIn: Count, messagesOut: Count, bytesIn: Count, bytesOut: Count }), Type.Null()],
    { description: 'Null: the switch did not tell.' },
  ),
});

export const SessionRecordList = Type.Object({
  items: Type.Array(SessionRecordView, { description: 'Newest first.' }),
});

export const SessionRecordQuery = Type.Object(
  {
    session: Type.Optional(SessionId),
    address: Type.Optional(Address),
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Only records older than this one: the next page.' }),
    ),
    limit: Limit,
  },
  { additionalProperties: false },
);
