/** Bearer tokens: made, listed and revoked by admins. The text of one is shown once, when it is made. */
import type { DatabaseSync } from 'node:sqlite';
import Type from 'typebox';
import type { TokenRow, Tokens } from '../access/tokens.ts';
import type { AdminServer } from '../admin-server.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { inTransaction } from '../records/database.ts';
import { NoQuery } from './field-schema.ts';
import { NewTokenBody, NewTokenShown, TokenList, TokenParams, TokenQuery, WhoAmI } from './tokens-schema.ts';

export interface TokenParts {
  readonly records: DatabaseSync;
  readonly tokens: Tokens;
  readonly audit: AuditLog;
  readonly nowMs: () => number;
}

const DAY_MS = 86_400_000;

export function tokenRoutes(server: AdminServer, { records, tokens, audit, nowMs }: TokenParts): void {
  server.get(
    '/api/v1/whoami',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Who is asking',
        querystring: NoQuery,
        response: { 200: WhoAmI, ...PROBLEM_RESPONSES },
      },
    },
    ({ caller }) => caller,
  );

  server.get(
    '/api/v1/tokens',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'List tokens, without their texts',
        querystring: TokenQuery,
        response: { 200: TokenList, ...PROBLEM_RESPONSES },
      },
    },
    ({ query: { before: id, limit } }) => {
      const before = id === undefined ? undefined : tokens.find(id);
      if (id !== undefined && before === undefined) {
        throw new ProblemError('ADMIN_BAD_PARAMETER', 'query parameter "before" names no token', 'before');
      }
      return { items: tokens.list({ limit, ...(before === undefined ? {} : { before }) }).map(shown) };
    },
  );

  server.post(
    '/api/v1/tokens',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Make a token; its text is shown this once',
        querystring: NoQuery,
        body: NewTokenBody,
        response: { 201: NewTokenShown, ...PROBLEM_RESPONSES },
      },
    },
    ({ body: { name, role, expiresDays }, caller }, reply) => {
      const expiresMs = expiresDays === undefined ? undefined : nowMs() + expiresDays * DAY_MS;
      const made = inTransaction(records, () => {
        const token = tokens.create({ name, role, ...(expiresMs === undefined ? {} : { expiresMs }) });
        audit.add({
          who: caller.name,
          action: 'token.create',
          target: token.id,
          before: null,
          after: { name, role, expiresDays },
        });
        return token;
      });
      void reply.code(201);
      return { id: made.id, name, role, token: made.text };
    },
  );

  server.delete(
    '/api/v1/tokens/:id',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Revoke a token',
        params: TokenParams,
        querystring: NoQuery,
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { id }, caller }, reply) => {
      inTransaction(records, () => {
        const revoked = tokens.revoke(id);
        if (revoked === undefined)
          throw new ProblemError('ADMIN_NOT_FOUND', `no token ${id} that could be revoked`);
        const { name, role } = revoked;
        audit.add({
          who: caller.name,
          action: 'token.revoke',
          target: id,
          before: { name, role },
          after: null,
        });
      });
      void reply.code(204);
      return null;
    },
  );
}

function shown({ id, name, role, createdMs, expiresMs, lastUsedMs, revokedMs }: TokenRow) {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    id,
    name,
    role,
    createdAt: new Date(createdMs).toISOString(),
    expiresAt: time(expiresMs),
    lastUsedAt: time(lastUsedMs),
    revokedAt: time(revokedMs),
  };
}
