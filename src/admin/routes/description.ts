/** The API describes itself, to programs and to people. */
import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import { DOCS_PAGE_POLICY, docsPage } from '../describe/docs-page.ts';
import type { ApiDescription } from '../describe/openapi.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';

const JSON_RESPONSE = {
  description: 'OpenAPI 3.1.',
  content: { 'application/json': { schema: Type.Any() } },
};
const HTML_RESPONSE = {
  description: 'A page.',
  content: { 'text/html': { schema: Type.Unsafe<unknown>({ type: 'string' }) } },
};

export function descriptionRoutes(server: AdminServer, isOpen: boolean): void {
  const role = isOpen ? 'anybody' : 'viewer';
  // Routes do not change once the server is ready.
  let json: string | undefined;
  let html: string | undefined;

  server.get(
    '/openapi.json',
    {
      config: { role },
      schema: {
        summary: 'Description of the API for programs',
        response: { 200: JSON_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    (_request, reply) => {
      json ??= JSON.stringify(server.swagger());
      return reply.type('application/json').send(Buffer.from(json));
    },
  );

  server.get(
    '/docs',
    {
      config: { role },
      schema: {
        summary: 'Description of the API for people',
        response: { 200: HTML_RESPONSE, ...PROBLEM_RESPONSES },
      },
    },
    (_request, reply) => {
      html ??= docsPage(server.swagger() as unknown as ApiDescription);
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', DOCS_PAGE_POLICY)
        .send(Buffer.from(html));
    },
  );
}
