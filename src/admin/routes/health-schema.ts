import Type from 'typebox';

/** That it answers is the whole message. */
export const Liveness = Type.Object({ live: Type.Literal(true) });

export const ReadinessBody = Type.Object({
  ready: Type.Boolean(),
  reasons: Type.Immutable(
    Type.Array(Type.String(), { description: 'One line for each thing that is not as it should be.' }),
  ),
});
