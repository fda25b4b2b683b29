/** What was decided and why: the trace of clause steps, found by Call-ID, user, clause, status or session. */
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminServer } from '../server.ts';
import { parseUserParameter } from '../user-parameter.ts';
import type { AdminView } from '../view.ts';
import { DecisionList, DecisionQuery } from './decisions-schema.ts';

export function decisionRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/decisions',
    { schema: { querystring: DecisionQuery, response: { 200: DecisionList, ...PROBLEM_RESPONSES } } },
    ({ query: { user, ...filter } }) => ({
      items: view.decisions(user === undefined ? filter : { ...filter, user: parseUserParameter(user) }),
    }),
  );
}
