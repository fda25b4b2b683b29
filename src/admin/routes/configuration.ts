/** What the focus was started with. */
import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import { withoutSecrets } from '../hide-secrets.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AdminView } from '../view.ts';
import { NoQuery } from './field-schema.ts';

const Configuration = Type.Unsafe<unknown>({
  type: 'object',
  additionalProperties: true,
  description: 'As in docs/configuration.md, with the defaults; secrets are `(hidden)`.',
});

export function configurationRoutes(server: AdminServer, view: AdminView): void {
  server.get(
    '/api/v1/configuration',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The configuration that the focus was started with, secrets hidden',
        querystring: NoQuery,
        response: { 200: Configuration, ...PROBLEM_RESPONSES },
      },
    },
    () => withoutSecrets(view.configuration()),
  );
}
