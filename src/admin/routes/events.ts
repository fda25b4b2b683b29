/** What happens, as it happens: server-sent events (HTML Living Standard, section 9.2). */
import type { ServerResponse } from 'node:http';
import type { AdminServer } from '../admin-server.ts';
import { EVENT_KINDS, type EventKind, type EventSink } from '../live/client.ts';
import type { LiveHub } from '../live/hub.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { EVENTS_DESCRIPTION, EVENTS_RESPONSE, EventsHeaders, EventsQuery } from './events-schema.ts';

/** A closed stream that nobody reads to its end is cut off after this. */
const END_TIMEOUT_MS = 5_000;

export function eventRoutes(server: AdminServer, hub: LiveHub): void {
  server.addHook('preClose', async () => hub.close());

  server.get(
    '/api/v1/events',
    {
      config: { role: 'viewer' },
      exposeHeadRoute: false,
      schema: {
        summary: 'What happens, as it happens',
        description: EVENTS_DESCRIPTION,
        querystring: EventsQuery,
        headers: EventsHeaders,
        response: { 200: EVENTS_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    (request, reply) => {
      const { kinds, session } = request.query;
      const last = request.headers['last-event-id'];
      const { raw } = reply;
      const opening: string[] = [];
      const sink = sinkOf(raw, opening);
      const client = hub.add(sink, {
        kinds: new Set(kinds === undefined ? EVENT_KINDS : (kinds.split(',') as EventKind[])),
        session,
        after: last === undefined ? undefined : Number(last),
      });
      if (client === undefined) {
        throw new ProblemError('ADMIN_TOO_MANY_REQUESTS', 'as many listen already as may at one time');
      }
      reply.hijack();
      raw.once('close', () => hub.remove(client));
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        // For proxies that would collect it.
        'x-accel-buffering': 'no',
      });
      raw.write(opening.splice(0).join(''));
    },
  );
}

/** Before the head is written, text is kept in `opening`. */
function sinkOf(raw: ServerResponse, opening: string[]): EventSink {
  return {
    write: (text) => {
      if (raw.headersSent) raw.write(text);
      else opening.push(text);
    },
    bufferedBytes: () => raw.writableLength,
    end: () => {
      raw.end();
      setTimeout(() => raw.destroy(), END_TIMEOUT_MS).unref();
    },
  };
}
