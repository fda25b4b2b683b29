import Type from 'typebox';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminServer } from '../server.ts';
import type { AdminView } from '../view.ts';

const Version = Type.Object({ version: Type.String({ description: 'Release of the focus.' }) });

export function versionRoutes(server: AdminServer, view: AdminView): void {
  server.get('/api/v1/version', { schema: { response: { 200: Version, ...PROBLEM_RESPONSES } } }, () => ({
    version: view.version,
  }));
}
