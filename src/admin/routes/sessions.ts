/** IM sessions that have not ended, and the decisions that made one what it is. */
import { ParseError } from '../../lib/errors.ts';
import { addressKey } from '../../sip/uri.ts';
import type { AdminServer } from '../admin-server.ts';
import { pageOf, parseCursor } from '../page.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import { parseUserParameter } from '../sip-parameter.ts';
import type { AdminView, SessionSummaryView } from '../view.ts';
import { DecisionList, SessionDecisionQuery } from './decisions-schema.ts';
import { NoQuery } from './field-schema.ts';
import { Session, SessionPage, SessionParams, SessionQuery } from './sessions-schema.ts';

export function sessionRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/sessions',
    { schema: { querystring: SessionQuery, response: { 200: SessionPage, ...PROBLEM_RESPONSES } } },
    ({ query: { limit, cursor, user, kind, phase } }) => {
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      const userKey = user === undefined ? undefined : parseUserParameter(user).key;
      const keeps = (session: SessionSummaryView) =>
        (kind === undefined || session.kind === kind) &&
        (phase === undefined || session.phase === phase) &&
        (userKey === undefined || isOnRoster(view, session.id, userKey));
      return pageOf(view.sessions(), { limit, after, keeps });
    },
  );

  server.get(
    '/api/v1/sessions/:id',
    {
      schema: {
        params: SessionParams,
        querystring: NoQuery,
        response: { 200: Session, ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { id } }) => view.session(id) ?? unknownSession(id),
  );

  server.get(
    '/api/v1/sessions/:id/decisions',
    {
      schema: {
        params: SessionParams,
        querystring: SessionDecisionQuery,
        response: { 200: DecisionList, ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { id }, query: { limit } }) => {
      const items = view.decisions({ session: id, limit });
      // Decisions outlive their session: it is unknown only when there are none either.
      if (items.length === 0 && view.session(id) === undefined) unknownSession(id);
      return { items };
    },
  );
}

/** Those who have left count too: somebody looks for where a user has been. */
function isOnRoster(view: AdminView, id: string, userKey: string): boolean {
  const session = view.session(id);
  return session?.roster.some(({ address }) => keyOf(address) === userKey) === true;
}

/** An address on a roster came in over SIP; one that is no URI matches nobody. */
function keyOf(address: string): string | undefined {
  try {
    return addressKey(address);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return undefined;
  }
}

function unknownSession(id: string): never {
  throw new ProblemError('ADMIN_SESSION_NOT_FOUND', `no session ${id} is known`);
}
