import Type from 'typebox';
import { Address, CountOrNull, SessionId } from './field-schema.ts';

/** Goes into a quoted string of SIP. */
const Reason = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[^"\\\\\\u0000-\\u001f\\u007f]+$',
  description: 'Told to who is removed (Reason of the BYE), and to the others in the roster.',
});

/** As many legs as a switch takes in one session. */
const MAX_PARTICIPANTS = 4096;

export const ReasonQuery = Type.Object({ reason: Type.Optional(Reason) }, { additionalProperties: false });

export const ParticipantParams = Type.Object({ id: SessionId, address: Address });

export const LimitsBody = Type.Object(
  {
    maxParticipants: Type.Optional(
      Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        minimum: 1,
        maximum: MAX_PARTICIPANTS,
        description: 'Null: as the group document or the configuration has it. Nobody is removed for it.',
      }),
    ),
    isFrozen: Type.Optional(
      Type.Boolean({ description: 'Nobody new is let in (480); who takes part may come back.' }),
    ),
    muted: Type.Optional(
      Type.Array(Address, {
        maxItems: 256,
        description: 'Addresses of all participants whom nobody is to hear; others are heard again.',
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);

export const Limits = Type.Object({
  maxParticipants: CountOrNull,
  isFrozen: Type.Boolean(),
  muted: Type.Immutable(Type.Array(Type.String())),
});
