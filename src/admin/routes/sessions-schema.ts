import Type from 'typebox';
import { Address, CallId, Count, CountOrNull, Limit, SessionId, TextOrNull, Time } from './field-schema.ts';

const Kind = Type.Enum(['ad-hoc', 'group']);
const Phase = Type.Enum(['forming', 'active', 'ending', 'ended']);

const summary = {
  id: SessionId,
  identity: Type.String({ description: 'IM Session Identity.' }),
  kind: Kind,
  address: Type.String({ description: 'Conference-factory URI or group identity.' }),
  subject: TextOrNull,
  phase: Phase,
  switchId: Type.String(),
  createdAt: Time,
  endedAt: TextOrNull,
  endReason: TextOrNull,
  participants: Type.Object({ connected: Count, invited: Count }),
};

const Nickname = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description:
    'What the client has named itself by MSRP NICKNAME; null also when the switch could not be asked.',
});

const Participant = Type.Object({
  address: Type.String(),
  displayName: TextOrNull,
  alias: TextOrNull,
  nickname: Nickname,
  role: Type.Enum(['user', 'history']),
  presence: Type.Enum(['invited', 'alerting', 'connected', 'disconnected']),
  left: Type.Union([Type.Object({ method: Type.String(), reason: TextOrNull }), Type.Null()]),
  isMuted: Type.Boolean({ description: "By an operator's order nobody hears them." }),
  isExpelled: Type.Boolean({
    description: 'Removed, and not let in again when they come by themselves.',
  }),
});

const Timers = Type.Immutable(
  Type.Array(Type.Object({ name: Type.String(), at: Time }), {
    description:
      'What happens when nothing else does before: `invite`, `ack`, `session`, `refresh`, `bye`, `expiry`, `notify` …',
  }),
);

const traffic = {
  messagesIn: Count,
  messagesOut: Count,
  bytesIn: Type.Integer({ minimum: 0, description: 'Of content.' }),
  bytesOut: Type.Integer({ minimum: 0, description: 'Of frames, their paths left out.' }),
};

const Leg = Type.Object({
  id: Type.String(),
  participant: Type.String(),
  origin: Type.Enum(['incoming', 'outgoing']),
  state: Type.String(),
  callId: Type.String(),
  expiresAt: TextOrNull,
  dialog: Type.Object({
    localTag: Type.String(),
    remoteTag: Type.String(),
    remoteTarget: Type.String({ description: "The peer's Contact." }),
    kamailio: Type.String({ description: 'The node that carries it.' }),
  }),
  device: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: '`+sip.instance` of the client, if it tells.',
  }),
  isTls: Type.Boolean(),
  nickname: Nickname,
  acceptTypes: Type.Union([Type.Immutable(Type.Array(Type.String())), Type.Null()]),
  timers: Timers,
  traffic: Type.Union([Type.Object({ ...traffic, isConnected: Type.Boolean() }), Type.Null()]),
});

const Subscription = Type.Object({
  participant: Type.String(),
  expiresAt: Time,
  version: Count,
  event: Type.Enum(['conference', 'refer']),
  callId: Type.String(),
  timers: Timers,
});

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
  maxParticipants: CountOrNull,
  isFrozen: Type.Boolean({ description: "By an operator's order nobody new is let in." }),
  roster: Type.Immutable(Type.Array(Participant)),
  legs: Type.Immutable(Type.Array(Leg)),
  subscriptions: Type.Immutable(Type.Array(Subscription)),
  switchAddress: Type.String({ description: 'host:port of the switch, as clients are told.' }),
  traffic: Type.Union([Type.Object(traffic), Type.Null()], {
    description: 'Of all who are or were in it; null: the switch could not be asked.',
  }),
});

export const SessionQuery = Type.Object(
  {
    limit: Limit,
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
    user: Type.Optional(Address),
    kind: Type.Optional(Kind),
    phase: Type.Optional(Phase),
    group: Type.Optional(Address),
    callId: Type.Optional(CallId),
    ended: Type.Optional(Type.Boolean({ description: 'Those that have ended too.' })),
  },
  { additionalProperties: false },
);

export const SessionParams = Type.Object({ id: SessionId });
