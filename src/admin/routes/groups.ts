/** Pre-defined groups, without their member lists. */
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminServer } from '../server.ts';
import type { AdminView } from '../view.ts';
import { GroupList } from './groups-schema.ts';

export function groupRoutes(server: AdminServer, view: AdminView): void {
  server.get('/api/v1/groups', { schema: { response: { 200: GroupList, ...PROBLEM_RESPONSES } } }, () => ({
    items: view.groups(),
  }));
}
