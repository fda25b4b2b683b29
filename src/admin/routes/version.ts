import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminView } from '../view.ts';
import { NoQuery } from './field-schema.ts';

const Version = Type.Object({ version: Type.String({ description: 'Release of the focus.' }) });

export function versionRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/version',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Release of the focus',
        querystring: NoQuery,
        response: { 200: Version, ...PROBLEM_RESPONSES },
      },
    },
    () => ({
      version: view.version,
    }),
  );
}
