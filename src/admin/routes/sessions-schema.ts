import Type from 'typebox';
import { Address, Count, Limit, SessionId, TextOrNull, Time } from './field-schema.ts';

const Kind = Type.Enum(['ad-hoc', 'group']);
const Phase = Type.Enum(['forming', 'active', 'ending']);

const summary = {
  id: SessionId,
  identity: Type.String({ description: 'IM Session Identity.' }),
  kind: Kind,
  address: Type.String({ description: 'Conference-factory URI or group identity.' }),
  subject: TextOrNull,
  phase: Phase,
  switchId: Type.String(),
  createdAt: Time,
  participants: Type.Object({ connected: Count, invited: Count }),
};

const Participant = Type.Object({
  address: Type.String(),
  displayName: TextOrNull,
  alias: TextOrNull,
  role: Type.Enum(['user', 'history']),
  presence: Type.Enum(['invited', 'alerting', 'connected', 'disconnected']),
  left: Type.Union([Type.Object({ method: Type.String(), reason: TextOrNull }), Type.Null()]),
});

const Leg = Type.Object({
  participant: Type.String(),
  origin: Type.Enum(['incoming', 'outgoing']),
  state: Type.String(),
  callId: Type.String(),
  expiresAt: TextOrNull,
});

const Subscription = Type.Object({ participant: Type.String(), expiresAt: Time, version: Count });

export const SessionPage = Type.Object({
  items: Type.Immutable(Type.Array(Type.Object(summary))),
  nextCursor: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Give it as `cursor` for the next page; null on the last.',
  }),
});

export const Session = Type.Object({
  ...summary,
  revision: Count,
  roster: Type.Immutable(Type.Array(Participant)),
  legs: Type.Immutable(Type.Array(Leg)),
  subscriptions: Type.Immutable(Type.Array(Subscription)),
});

export const SessionQuery = Type.Object(
  {
    limit: Limit,
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
    user: Type.Optional(Address),
    kind: Type.Optional(Kind),
    phase: Type.Optional(Phase),
  },
  { additionalProperties: false },
);

export const SessionParams = Type.Object({ id: SessionId });
