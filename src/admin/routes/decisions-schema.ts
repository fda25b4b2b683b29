import Type from 'typebox';
import { Address, CallId, Count, CountOrNull, Limit, SessionId, TextOrNull, Time } from './field-schema.ts';

const Step = Type.Object({
  id: Type.String({ description: 'Clause and step of the change request.' }),
  title: Type.String(),
  verdict: Type.String(),
  found: Type.String({ description: 'The inputs that decided.' }),
  rule: Type.Optional(
    Type.Object(
      {
        right: Type.String(),
        grantedBy: Type.Immutable(Type.Array(Type.String())),
        applied: Type.Immutable(Type.Array(Type.String())),
      },
      {
        description:
          'The rules of the group document behind the verdict: who grants the right, and all that apply.',
      },
    ),
  ),
});

export const Steps = Type.Immutable(Type.Array(Step));

const Decision = Type.Object({
  id: Count,
  at: Time,
  clause: Type.String(),
  procedure: Type.String(),
  trigger: Type.String({
    description: 'The request method, or what else was decided on; probe: OPTIONS of `parley doctor`.',
  }),
  callId: TextOrNull,
  user: TextOrNull,
  target: TextOrNull,
  status: CountOrNull,
  warning: TextOrNull,
  session: TextOrNull,
  steps: Steps,
});

export const DecisionList = Type.Object({
  items: Type.Immutable(Type.Array(Decision, { description: 'Newest first.' })),
});

/** The decisions before the last one of a page are its next page. */
const Before = Type.Optional(
  Type.Integer({ minimum: 1, description: 'Only decisions older than this one.' }),
);

export const SessionDecisionQuery = Type.Object(
  { limit: Limit, before: Before },
  { additionalProperties: false },
);

export const DecisionQuery = Type.Object(
  {
    callId: Type.Optional(CallId),
    user: Type.Optional(Address),
    clause: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 699 })),
    session: Type.Optional(SessionId),
    refused: Type.Optional(
      Type.Boolean({ description: 'Only those that refused somebody: an answer of 400 or above.' }),
    ),
    before: Before,
    limit: Limit,
  },
  { additionalProperties: false },
);
