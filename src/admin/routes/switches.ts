/** The message switches, as the focus sees them over the event socket. */

import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminView } from '../view.ts';
import { NoQuery } from './field-schema.ts';
import { SwitchList } from './switches-schema.ts';

export function switchRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/switches',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Message switches and their load',
        querystring: NoQuery,
        response: { 200: SwitchList, ...PROBLEM_RESPONSES },
      },
    },
    async () => ({
      items: await view.switches(),
    }),
  );
}
