/** What was decided and why: the trace of clause steps, found by Call-ID, user, clause, status or session. */

import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import { parseCallIdParameter, parseUserParameter } from '../sip-parameter.ts';
import type { AdminView } from '../view.ts';
import { DecisionList, DecisionQuery } from './decisions-schema.ts';

export function decisionRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/decisions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Search decisions with the steps that led to each',
        querystring: DecisionQuery,
        response: { 200: DecisionList, ...PROBLEM_RESPONSES },
      },
    },
    async ({ query: { user, callId, before, ...filter } }) => ({
      items: await view.decisions({
        ...filter,
        ...(user === undefined ? {} : { user: parseUserParameter(user).address }),
        ...(before === undefined ? {} : { beforeId: before }),
        ...(callId === undefined ? {} : { callId: parseCallIdParameter(callId) }),
      }),
    }),
  );
}
