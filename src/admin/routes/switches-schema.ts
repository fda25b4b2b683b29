import Type from 'typebox';
import { Count, TextOrNull } from './field-schema.ts';

export const Switch = Type.Object({
  id: TextOrNull,
  eventSocket: Type.String({ description: 'host:port' }),
  state: Type.Enum(['connecting', 'up', 'silent', 'dead'], {
    description:
      'silent: three hellos were missed; dead: its MSRP port does not answer either, and its sessions move',
  }),
  msrp: Type.Immutable(Type.Array(Type.String({ description: 'host:port' }))),
  sessions: Count,
  legs: Count,
  load: Type.Number(),
  draining: Type.Boolean(),
  isEmptying: Type.Boolean({ description: 'draining, and its sessions are moved to others' }),
  messagesIn: Count,
  messagesOut: Count,
});

export const SwitchList = Type.Object({ items: Type.Immutable(Type.Array(Switch)) });

export const DrainQuery = Type.Object(
  {
    sessions: Type.Optional(
      Type.Enum(['move', 'stay'], {
        description:
          'What becomes of those that it has: they move to other switches (default), or go on until they end.',
      }),
    ),
  },
  { additionalProperties: false },
);

export const NewSwitch = Type.Object(
  {
    eventSocket: Type.String({
      maxLength: 262,
      pattern: '^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+):[0-9]{1,5}$',
      description: 'host:port; IPv6 in brackets',
      examples: ['192.0.2.7:8022'],
    }),
  },
  { additionalProperties: false },
);

export const SwitchParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9._~-]+$' }),
});
