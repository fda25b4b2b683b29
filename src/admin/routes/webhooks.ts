/** Webhooks: where events of sessions are sent to. Their secrets are shown once, when they are made. */
import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import Type from 'typebox';
import type { AdminServer } from '../admin-server.ts';
import { checkPrecondition, etagOf } from '../etag.ts';
import { PROBLEM_RESPONSES, ProblemError } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { inTransaction } from '../records/database.ts';
import { WEBHOOK_EVENTS, type Webhook } from '../records/webhooks.ts';
import { shownWebhook, type WebhookDesk } from '../webhooks/webhook-desk.ts';
import { NoQuery } from './field-schema.ts';
import {
  NewWebhookBody,
  NewWebhookShown,
  WebhookEditBody,
  WebhookList,
  WebhookParams,
  WebhookShown,
} from './webhooks-schema.ts';

export interface WebhookRouteParts {
  readonly desk: WebhookDesk;
  readonly db: DatabaseSync;
  readonly audit: AuditLog;
  readonly nowMs: () => number;
}

const ID_BYTES = 8;
const SECRET_BYTES = 24;

export function webhookRoutes(server: AdminServer, { desk, db, audit, nowMs }: WebhookRouteParts): void {
  const { records, limits } = desk;

  server.get(
    '/api/v1/webhooks',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Webhooks and how delivering goes',
        querystring: NoQuery,
        response: { 200: WebhookList, ...PROBLEM_RESPONSES },
      },
    },
    () => ({ items: records.all().map(view) }),
  );

  server.post(
    '/api/v1/webhooks',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Have events of sessions sent to a URL',
        description:
          'Each is a POST of JSON, signed: `Parley-Signature: t=TIME,v1=HEX` with HMAC-SHA256 over `TIME.BODY`. docs/admin.md tells how to check it.',
        querystring: NoQuery,
        body: NewWebhookBody,
        response: { 201: NewWebhookShown, ...PROBLEM_RESPONSES },
      },
    },
    ({ body, caller }, reply) => {
      const webhook: Webhook = {
        id: randomBytes(ID_BYTES).toString('hex'),
        url: checkedUrl(body.url),
        secret: body.secret ?? randomBytes(SECRET_BYTES).toString('base64url'),
        events: body.events ?? WEBHOOK_EVENTS,
        isEnabled: body.isEnabled ?? true,
        createdMs: nowMs(),
      };
      inTransaction(db, () => {
        if (records.all().length >= limits.maxWebhooks) {
          throw new ProblemError('ADMIN_CONFLICT', `there are ${limits.maxWebhooks} webhooks already`);
        }
        records.put(webhook);
        audit.add({
          who: caller.name,
          action: 'webhook.create',
          target: webhook.id,
          before: null,
          after: audited(webhook),
        });
      });
      void reply
        .code(201)
        .header('location', `/api/v1/webhooks/${webhook.id}`)
        .header('etag', tagOf(webhook));
      return { ...view(webhook), secret: webhook.secret };
    },
  );

  server.get(
    '/api/v1/webhooks/:id',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'One webhook',
        params: WebhookParams,
        querystring: NoQuery,
        response: { 200: WebhookShown, ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { id } }, reply) => {
      const webhook = need(id);
      void reply.header('etag', tagOf(webhook));
      return view(webhook);
    },
  );

  server.patch(
    '/api/v1/webhooks/:id',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Change a webhook; what waits for it goes to where it leads then',
        params: WebhookParams,
        querystring: NoQuery,
        body: WebhookEditBody,
        response: { 200: WebhookShown, ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { id }, body, caller, headers }, reply) => {
      const edited = inTransaction(db, () => {
        const before = need(id);
        checkPrecondition(headers, tagOf(before));
        const { url, ...rest } = body;
        const after: Webhook = { ...before, ...rest, ...(url === undefined ? {} : { url: checkedUrl(url) }) };
        records.put(after);
        audit.add({
          who: caller.name,
          action: 'webhook.edit',
          target: id,
          before: audited(before),
          after: { ...audited(after), hasNewSecret: before.secret !== after.secret },
        });
        return after;
      });
      desk.edited(id);
      void reply.header('etag', tagOf(edited));
      return view(edited);
    },
  );

  server.delete(
    '/api/v1/webhooks/:id',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Delete a webhook, with what waits for it',
        params: WebhookParams,
        querystring: NoQuery,
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { id }, caller, headers }, reply) => {
      inTransaction(db, () => {
        const before = need(id);
        checkPrecondition(headers, tagOf(before));
        records.delete(id);
        audit.add({
          who: caller.name,
          action: 'webhook.delete',
          target: id,
          before: audited(before),
          after: null,
        });
      });
      desk.deleted(id);
      void reply.code(204);
      return null;
    },
  );

  server.post(
    '/api/v1/webhooks/:id/test',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Send a webhook something: an event `test`',
        params: WebhookParams,
        querystring: NoQuery,
        response: { 202: WebhookShown, ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { id } }, reply) => {
      const webhook = need(id);
      desk.test(id);
      void reply.code(202);
      return view(webhook);
    },
  );

  function need(id: string): Webhook {
    const found = records.find(id);
    if (found === undefined) throw new ProblemError('ADMIN_NOT_FOUND', `no webhook ${id} is known`);
    return found;
  }

  function view(webhook: Webhook) {
    const { nextAttemptMs, ...state } = desk.stateOf(webhook.id);
    return {
      ...shownWebhook(webhook),
      ...state,
      nextAttemptAt: nextAttemptMs === null ? null : new Date(nextAttemptMs).toISOString(),
    };
  }
}

/** A new secret makes another tag as well, and the tag does not tell it. */
function tagOf({ url, secret, events, isEnabled }: Webhook): string {
  return etagOf(JSON.stringify([url, secret, events, isEnabled]));
}

/** What stands behind `?` may be a secret of the receiver. */
function audited({ url, events, isEnabled }: Webhook) {
  const { origin, pathname } = new URL(url);
  return { url: `${origin}${pathname}`, events, isEnabled };
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const refuse = (why: string) => new ProblemError('ADMIN_BAD_PARAMETER', `field "url" ${why}`, 'url');
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw refuse('must be an http or https URL');
  if (url.username !== '' || url.password !== '') throw refuse('must have no user or password');
  if (url.hash !== '') throw refuse('must have no fragment');
  return url.href;
}
