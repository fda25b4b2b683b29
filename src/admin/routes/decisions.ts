/** What was decided and why: the trace of clause steps, found by Call-ID, user, clause, status or session. */

import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import { parseCallIdParameter, parseUserParameter } from '../sip-parameter.ts';
import type { AdminView } from '../view.ts';
import { DecisionList, DecisionQuery } from './decisions-schema.ts';

export function decisionRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/decisions',
    { schema: { querystring: DecisionQuery, response: { 200: DecisionList, ...PROBLEM_RESPONSES } } },
    ({ query: { user, callId, ...filter } }) => ({
      items: view.decisions({
        ...filter,
        ...(user === undefined ? {} : { user: parseUserParameter(user).address }),
        ...(callId === undefined ? {} : { callId: parseCallIdParameter(callId) }),
      }),
    }),
  );
}
