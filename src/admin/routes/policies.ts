/** Policies: what decisions go by, as versions that are checked, compared, put in force while all runs, and taken back. */
import type { AdminServer } from '../admin-server.ts';
import { type PolicyBook, policyEtag } from '../policies/policy-book.ts';
import { diffPolicies } from '../policies/policy-diff.ts';
import { PROBLEM_RESPONSES } from '../problem.ts';
import type { PolicyVersion } from '../records/policies.ts';
import { NoQuery } from './field-schema.ts';
import {
  ActivatedPolicy,
  ActivePolicy,
  CheckedPolicy,
  NewPolicyBody,
  PolicyCandidate,
  PolicyDiff,
  PolicyDiffQuery,
  PolicyVersionBody,
  PolicyVersionList,
  PolicyVersionParams,
  PolicyVersionQuery,
  StoredPolicy,
} from './policies-schema.ts';

export function policyRoutes(server: AdminServer, book: PolicyBook): void {
  const { records } = book;
  const changesTo = (effective: unknown) => diffPolicies(book.effective(records.active().version), effective);

  server.get(
    '/api/v1/policies/active',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What decisions go by',
        querystring: NoQuery,
        response: { 200: ActivePolicy, ...PROBLEM_RESPONSES },
      },
    },
    (_request, reply) => {
      const active = records.active();
      void reply.header('etag', policyEtag(active));
      const { version, atMs, who } = active;
      return {
        version,
        activatedAt: timeOrNull(atMs),
        activatedBy: who,
        policy: book.body(version),
        effective: book.effective(version),
      };
    },
  );

  server.post(
    '/api/v1/policies/validate',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Check a policy, and see what would change',
        querystring: NoQuery,
        body: PolicyCandidate,
        response: { 200: CheckedPolicy, ...PROBLEM_RESPONSES },
      },
    },
    ({ body: { policy } }) => {
      const { effective, warnings } = book.check(policy);
      return { changes: changesTo(effective), warnings };
    },
  );

  server.get(
    '/api/v1/policies/versions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Versions of the policy',
        querystring: PolicyVersionQuery,
        response: { 200: PolicyVersionList, ...PROBLEM_RESPONSES },
      },
    },
    ({ query: { limit, before } }) => ({
      items: records.list(limit, before).map(shown),
      active: records.active().version,
    }),
  );

  server.post(
    '/api/v1/policies/versions',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Store a policy as a new version, without putting it in force',
        querystring: NoQuery,
        body: NewPolicyBody,
        response: { 201: StoredPolicy, ...PROBLEM_RESPONSES },
      },
    },
    ({ body: { policy, comment }, caller }, reply) => {
      const { effective } = book.check(policy);
      const changes = changesTo(effective);
      const version = book.store(policy, caller, comment ?? null);
      void reply.code(201).header('location', `/api/v1/policies/versions/${version}`);
      return { version, changes };
    },
  );

  server.get(
    '/api/v1/policies/versions/:version',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One version of the policy',
        params: PolicyVersionParams,
        querystring: NoQuery,
        response: { 200: PolicyVersionBody, ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { version } }) => {
      const policy = book.body(version);
      return { ...shown(records.find(version) ?? CONFIGURATION), policy };
    },
  );

  server.get(
    '/api/v1/policies/versions/:version/diff',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What a version changes; by default of what is in force',
        params: PolicyVersionParams,
        querystring: PolicyDiffQuery,
        response: { 200: PolicyDiff, ...PROBLEM_RESPONSES },
      },
    },
    ({ params: { version: to }, query }) => {
      const from = query.from ?? records.active().version;
      return { from, to, changes: diffPolicies(book.effective(from), book.effective(to)) };
    },
  );

  server.post(
    '/api/v1/policies/versions/:version/activate',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Put a version in force, from the next decision on; sessions go on',
        description: 'If-Match: the ETag of what is in force. Version 0 is the configuration alone.',
        params: PolicyVersionParams,
        querystring: NoQuery,
        response: { 200: ActivatedPolicy, ...PROBLEM_RESPONSES },
      },
    },
    async ({ params: { version }, caller, headers }, reply) => {
      const { active, inForce } = await book.activate(version, {
        caller,
        headers,
        action: 'policy.activate',
      });
      void reply.header('etag', policyEtag(active));
      return { version: active.version, inForce };
    },
  );

  server.post(
    '/api/v1/policies/rollback',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Put back in force what was before',
        description: 'If-Match: the ETag of what is in force.',
        querystring: NoQuery,
        response: { 200: ActivatedPolicy, ...PROBLEM_RESPONSES },
      },
    },
    async ({ caller, headers }, reply) => {
      const { version } = records.previous();
      const { active, inForce } = await book.activate(version, {
        caller,
        headers,
        action: 'policy.rollback',
      });
      void reply.header('etag', policyEtag(active));
      return { version: active.version, inForce };
    },
  );
}

const CONFIGURATION: PolicyVersion = {
  version: 0,
  atMs: 0,
  who: 'configuration',
  comment: null,
  activatedMs: null,
};

function shown({ version, atMs, who, comment, activatedMs }: PolicyVersion) {
  return { version, at: new Date(atMs).toISOString(), who, comment, activatedAt: timeOrNull(activatedMs) };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
