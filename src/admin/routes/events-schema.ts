import Type from 'typebox';
import { EVENT_KINDS } from '../live/client.ts';
import { SessionId } from './field-schema.ts';

const KIND = `(?:${EVENT_KINDS.join('|')})`;

export const EventsQuery = Type.Object(
  {
    kinds: Type.Optional(
      Type.String({
        pattern: `^${KIND}(?:,${KIND})*$`,
        maxLength: 64,
        description: `Which of ${EVENT_KINDS.join(', ')}; all by default.`,
        examples: ['decisions,sessions'],
      }),
    ),
    session: Type.Optional(SessionId),
  },
  { additionalProperties: false },
);

export const EventsHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      pattern: '^[0-9]{1,15}$',
      description: 'Number of the last decision that was received; what came after it is sent first.',
    }),
  ),
});

export const EVENTS_DESCRIPTION = `Server-sent events. \`hello\` comes first. Then, each with JSON as data:

- \`decision\`: a decision without its steps (id, at, clause, trigger, callId, user, status, warning, session)
- \`session\`: created, invited, joined, failed, left, moved (to another switch), lost (somebody who did not follow) or ended, with the address, the reason and how many are in it now
- \`switches\`: all switches with their load, when something of it has changed
- \`rates\`: messages a second, every 2 s, all and by switch; on connecting those of the last ten minutes
- \`readiness\`: as in /readyz, when it has changed
- \`gap\`: decisions after the given Last-Event-ID are not kept any more: read the lists anew
- \`closed\`: the server ends the stream, with the reason \`slow\` (read faster), \`renew\` (come again) or \`stopping\`

The id of an event is the number of its decision; reconnect with it as Last-Event-ID and nothing is missed. An event may come twice then.`;

export const EVENTS_RESPONSE = {
  description: 'A stream that does not end.',
  content: { 'text/event-stream': { schema: Type.Unsafe<unknown>({ type: 'string' }) } },
};
