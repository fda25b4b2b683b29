/** IM sessions, those that have ended for as long as they are kept, and the decisions that made one what it is. */
import type { AdminServer } from '../admin-server.ts';
import { parseCursor } from '../page.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { limitsEtag, limitsIn } from '../session-limits.ts';
import { parseCallIdParameter, parseUserParameter } from '../sip-parameter.ts';
import type { AdminView } from '../view.ts';
import { DecisionList, SessionDecisionQuery } from './decisions-schema.ts';
import { NoQuery } from './field-schema.ts';
import { Session, SessionPage, SessionParams, SessionQuery } from './sessions-schema.ts';

export function sessionRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/sessions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'List and search sessions',
        querystring: SessionQuery,
        response: { 200: SessionPage, ...PROBLEM_RESPONSES },
      },
    },
    ({ query: { limit, cursor, user, group, callId, ended, ...filter } }) =>
      view.sessions({
        ...filter,
        limit,
        after: cursor === undefined ? undefined : parseCursor(cursor),
        withEnded: ended === true,
        ...(user === undefined ? {} : { userKey: parseUserParameter(user).key }),
        ...(group === undefined ? {} : { groupKey: parseUserParameter(group, 'group').key }),
        ...(callId === undefined ? {} : { callId: parseCallIdParameter(callId) }),
      }),
  );

  server.get(
    '/api/v1/sessions/:id',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One session with its roster, legs and subscriptions',
        description: 'The ETag is that of what operators set: the limit, frozen, who is muted.',
        params: SessionParams,
        querystring: NoQuery,
        response: { 200: Session, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: { id } }, reply) => {
      const session = (await view.session(id)) ?? unknownSession(id);
      void reply.header('etag', limitsEtag(limitsIn(session)));
      return session;
    },
  );

  server.get(
    '/api/v1/sessions/:id/decisions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Decisions of one session',
        params: SessionParams,
        querystring: SessionDecisionQuery,
        response: { 200: DecisionList, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: { id }, query: { limit, before } }) => {
      const items = await view.decisions({
        session: id,
        limit,
        ...(before === undefined ? {} : { beforeId: before }),
      });
      // Decisions outlive their session: it is unknown only when there are none either.
      if (items.length === 0 && (await view.session(id)) === undefined) unknownSession(id);
      return { items };
    },
  );
}

function unknownSession(id: string): never {
  throw new ProblemError('ADMIN_SESSION_NOT_FOUND', `no session ${id} is known`);
}
