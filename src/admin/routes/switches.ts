/** The message switches, as the focus sees them over the event socket. */
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminServer } from '../server.ts';
import type { AdminView } from '../view.ts';
import { SwitchList } from './switches-schema.ts';

export function switchRoutes(server: AdminServer, view: AdminView): void {
  server.get('/api/v1/switches', { schema: { response: { 200: SwitchList, ...PROBLEM_RESPONSES } } }, () => ({
    items: view.switches(),
  }));
}
