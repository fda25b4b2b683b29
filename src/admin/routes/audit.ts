/** Who changed what. */
import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { Count, Limit, Time } from './field-schema.ts';

const Name = Type.String({ minLength: 1, maxLength: 512 });

const AuditQuery = Type.Object(
  {
    who: Type.Optional(Name),
    action: Type.Optional(Name),
    target: Type.Optional(Name),
    before: Type.Optional(Type.Integer({ minimum: 1, description: 'Only entries older than this one.' })),
    limit: Limit,
  },
  { additionalProperties: false },
);

const AuditList = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Count,
      at: Time,
      who: Type.String(),
      action: Type.String(),
      target: Type.String(),
      before: Type.Unknown(),
      after: Type.Unknown(),
    }),
    { description: 'Newest first.' },
  ),
});

export function auditRoutes(server: AdminServer, audit: AuditLog): void {
  server.get(
    '/api/v1/audit',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Who changed what, newest first',
        querystring: AuditQuery,
        response: { 200: AuditList, ...PROBLEM_RESPONSES },
      },
    },
    ({ query: { before, ...query } }) => ({
      items: audit
        .find({ ...query, ...(before === undefined ? {} : { beforeId: before }) })
        .map(({ atMs, ...entry }) => ({ ...entry, at: new Date(atMs).toISOString() })),
    }),
  );
}
