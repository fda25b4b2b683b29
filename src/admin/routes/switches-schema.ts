import Type from 'typebox';
import { Count, TextOrNull } from './field-schema.ts';

const Switch = Type.Object({
  id: TextOrNull,
  eventSocket: Type.String({ description: 'host:port' }),
  state: Type.Enum(['connecting', 'up', 'silent']),
  msrp: Type.Immutable(Type.Array(Type.String({ description: 'host:port' }))),
  sessions: Count,
  legs: Count,
  load: Type.Number(),
  draining: Type.Boolean(),
  messagesIn: Count,
  messagesOut: Count,
});

export const SwitchList = Type.Object({ items: Type.Immutable(Type.Array(Switch)) });
