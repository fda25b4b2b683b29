/** What an operator does to running sessions. Each order may be given twice: what is so already is no fault. */
import Type from 'typebox';
import type { LimitsNow, OperatorOrder, OrderState } from '../../focus/operator.ts';
import type { AdminServer } from '../admin-server.ts';
import type { AdminControl } from '../control.ts';
import { notRunning } from '../not-running.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { limitsEtag, limitsSeen } from '../session-limits.ts';
import { parseUserParameter } from '../sip-parameter.ts';
import type { AdminView } from '../view.ts';
import { NoQuery } from './field-schema.ts';
import { Limits, LimitsBody, ParticipantParams, ReasonQuery } from './session-orders-schema.ts';
import { SessionParams } from './sessions-schema.ts';

export interface SessionOrderParts {
  readonly control: AdminControl;
  readonly view: Pick<AdminView, 'session'>;
  readonly audit: AuditLog;
}

const ACTIONS = { remove: 'session.remove', end: 'session.end', limit: 'session.limit' } as const;

export function sessionOrderRoutes(server: AdminServer, { control, view, audit }: SessionOrderParts): void {
  server.delete(
    '/api/v1/sessions/:id/participants/:address',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Remove a participant: a BYE, and no way back by themselves',
        params: ParticipantParams,
        querystring: ReasonQuery,
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: { id, address }, query, caller }, reply) => {
      const { key: userKey } = parseUserParameter(address, 'address');
      await carryOut({ kind: 'remove', session: id, by: caller.name, userKey, ...query }, address);
      void reply.code(204);
      return null;
    },
  );

  server.delete(
    '/api/v1/sessions/:id',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'End a session: a BYE to everybody',
        params: SessionParams,
        querystring: ReasonQuery,
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: { id }, query, caller }, reply) => {
      await carryOut({ kind: 'end', session: id, by: caller.name, ...query });
      void reply.code(204);
      return null;
    },
  );

  server.patch(
    '/api/v1/sessions/:id',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Limit a session, or close it to newcomers',
        description:
          'If-Match: the ETag of the session as it was read; needed with `muted`, which replaces the whole list.',
        params: SessionParams,
        querystring: NoQuery,
        body: LimitsBody,
        response: { 200: Limits, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: { id }, body: { muted, ...limits }, caller, headers }, reply) => {
      const seen = await limitsSeen(async () => view.session(id), headers, muted !== undefined);
      const mutedKeys = muted?.map((address) => parseUserParameter(address, 'muted').key);
      const now = (await carryOut({
        kind: 'limit',
        session: id,
        by: caller.name,
        ...limits,
        ...(mutedKeys === undefined ? {} : { mutedKeys }),
        ...(seen === undefined ? {} : { seen }),
      })) as LimitsNow;
      void reply.header('etag', limitsEtag(now));
      return now;
    },
  );

  /** @returns how things are now; empty for a session that has ended and was to end */
  async function carryOut(order: OperatorOrder, address?: string): Promise<OrderState> {
    const { session, kind, by } = order;
    const result = await control.order(order);
    switch (result.kind) {
      case 'done':
        audit.add({
          who: by,
          action: ACTIONS[kind],
          target: address === undefined ? session : `${session} ${address}`,
          before: result.before,
          after: { ...result.now, ...('reason' in order ? { reason: order.reason } : {}) },
        });
        return result.now;
      case 'unchanged':
        return result.now;
      case 'changed':
        throw new ProblemError('ADMIN_PRECONDITION_FAILED', `session ${session} was changed meanwhile`);
      case 'no-user':
        throw new ProblemError(
          'ADMIN_NOT_FOUND',
          `${address ?? 'one of them'} never took part in session ${session}`,
        );
      case 'ending':
      case 'no-session': {
        const fault = await notRunning(view, session, result.kind);
        // It was to end, and has.
        if (kind === 'end' && result.kind === 'no-session' && fault.code === 'ADMIN_CONFLICT') return {};
        throw fault;
      }
    }
  }
}
