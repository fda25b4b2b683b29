import Type from 'typebox';
import { Steps } from './decisions-schema.ts';
import { CountOrNull, TextOrNull } from './field-schema.ts';
import { Policy } from './policies-schema.ts';

/** Of UTF-16 units; as much as Kamailio takes of a message over UDP, and a little. */
const MAX_MESSAGE_CHARS = 65_536;

export const ExplainBody = Type.Object(
  {
    message: Type.String({
      minLength: 1,
      maxLength: MAX_MESSAGE_CHARS,
      description: 'A raw SIP request. Bare LF and a wrong Content-Length are mended.',
    }),
    src: Type.Optional(
      Type.String({ maxLength: 64, description: 'IP:PORT that it comes from; default 127.0.0.1:5060.' }),
    ),
    trust: Type.Optional(
      Type.Enum(['core', 'digest', 'none'], {
        description:
          'core: its P-Asserted-Identity counts; digest: its From; none. Default: by sip.trustedPeers.',
      }),
    ),
    policy: Type.Optional(Policy),
    version: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Of the policy that it is asked by, in place of the one in force; or give a policy.',
      }),
    ),
  },
  { additionalProperties: false },
);

const Lines = Type.Immutable(Type.Array(Type.String()));

export const Explanation = Type.Object({
  answer: Type.String({ description: 'What would be answered and why, in one or two sentences.' }),
  details: Lines,
  remedies: Lines,
  rule: TextOrNull,
  method: Type.String(),
  target: Type.String(),
  src: Type.String({ description: 'IP:PORT that it comes from.' }),
  trust: Type.Enum(['core', 'digest', 'none']),
  originator: TextOrNull,
  clause: Type.String(),
  procedure: Type.String(),
  steps: Steps,
  status: CountOrNull,
  warning: TextOrNull,
  reply: Type.Union([
    Type.Object(
      {
        status: Type.Integer(),
        reason: Type.String(),
        headers: Type.Immutable(Type.Array(Type.Object({ name: Type.String(), value: Type.String() }))),
      },
      {
        description:
          'What would leave at once, with the header fields that say why or what to do instead; null while it depends on others.',
      },
    ),
    Type.Null(),
  ]),
  actions: Lines,
  earlier: Type.Immutable(
    Type.Array(Type.String(), { description: 'What was answered before to this Call-ID, newest first.' }),
  ),
});
