/** Checks a switch's answer before the focus acts on it. Pure. */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { CodedError } from '../lib/errors.ts';
import { type CommandReply, Reach, SessionTraffic } from '../switch-control/protocol.ts';
import { BODY_JSON, parseBoundedJson } from './bounded-json.ts';

const Count = Type.Integer({ minimum: 0 });
const Reply = Compile(
  Type.Union([
    Type.Object({
      ok: Type.Literal(true),
      revision: Count,
      sessions: Type.Optional(
        Type.Array(Type.Object({ session: Type.String(), revision: Count, legs: Count, bound: Count })),
      ),
      reach: Type.Optional(Reach),
      traffic: Type.Optional(SessionTraffic),
    }),
    Type.Object({
      ok: Type.Literal(false),
      code: Type.Union([
        Type.Literal('stale'),
        Type.Literal('invalid'),
        Type.Literal('limit'),
        Type.Literal('draining'),
        Type.Literal('unknown-command'),
      ]),
      reason: Type.String(),
    }),
  ]),
);

/** Null for what is no `CommandReply`. */
export function parseCommandReply(text: string): CommandReply | null {
  let value: unknown;
  try {
    value = parseBoundedJson(text, BODY_JSON);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return null;
  }
  // The schema says what the type says, but for an absent member against an undefined one.
  return Reply.Check(value) ? (value as CommandReply) : null;
}
