import Type from 'typebox';
import { Address, CountOrNull, Limit, SessionId, TextOrNull, Time } from './field-schema.ts';

const Step = Type.Object({
  id: Type.String({ description: 'Clause and step of the change request.' }),
  title: Type.String(),
  verdict: Type.String(),
  found: Type.String({ description: 'The inputs that decided.' }),
});

const Decision = Type.Object({
  at: Time,
  clause: Type.String(),
  procedure: Type.String(),
  trigger: Type.String(),
  callId: TextOrNull,
  user: TextOrNull,
  target: TextOrNull,
  status: CountOrNull,
  warning: TextOrNull,
  session: TextOrNull,
  steps: Type.Immutable(Type.Array(Step)),
});

export const DecisionList = Type.Object({
  items: Type.Immutable(Type.Array(Decision, { description: 'Newest first.' })),
});

export const SessionDecisionQuery = Type.Object({ limit: Limit }, { additionalProperties: false });

export const DecisionQuery = Type.Object(
  {
    callId: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
    user: Type.Optional(Address),
    clause: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 699 })),
    session: Type.Optional(SessionId),
    limit: Limit,
  },
  { additionalProperties: false },
);
