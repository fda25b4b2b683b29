/** Pre-defined groups, without their member lists. */

import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminView } from '../view.ts';
import { NoQuery } from './field-schema.ts';
import { GroupList } from './groups-schema.ts';

export function groupRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/groups',
    { schema: { querystring: NoQuery, response: { 200: GroupList, ...PROBLEM_RESPONSES } } },
    () => ({
      items: view.groups(),
    }),
  );
}
