/** Policies over REST: checked, stored, compared, put in force and taken back, each time by who may and with an audit entry. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { PolicyPorts, ShadowedRequest } from '../../../src/admin/policies/ports.ts';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { asking } from './asking.ts';
import { fakePolicies } from './fake-policies.ts';
import { EXPLANATION } from './fake-view.ts';

const BASE = '/api/v1/policies';

function bench(
  t: TestContext,
  own: Partial<PolicyPorts> = {},
  role: 'viewer' | 'operator' | 'admin' = 'admin',
) {
  const records = openRecords(':memory:');
  const told: number[] = [];
  const ports = fakePolicies({
    changed: () => {
      const found = records.prepare('SELECT version FROM policy_activation ORDER BY id DESC LIMIT 1').get();
      told.push(Number(found?.['version']));
      return told.at(-1) ?? 0;
    },
    ...own,
  });
  const asked: unknown[] = [];
  const explain = (question: unknown) => {
    asked.push(question);
    return EXPLANATION;
  };
  const { ask, get } = asking(t, { explain }, { records, policies: ports, withoutToken: role });
  const post = (path: string, body?: object, headers: Record<string, string> = {}) =>
    body === undefined
      ? ask('POST', `${BASE}${path}`, headers)
      : ask(
          'POST',
          `${BASE}${path}`,
          { 'content-type': 'application/json', ...headers },
          JSON.stringify(body),
        );
  const active = async () => {
    const { body, headers } = await get(`${BASE}/active`);
    return { ...(body as { version: number; effective: object }), etag: String(headers['etag']) };
  };
  const audited = () => new AuditLog(records, () => 0).find({ limit: 50 });
  return { ask, get, post, active, audited, told, asked };
}

const codeOf = (body: unknown) => (body as { code?: string }).code;

describe('policies', () => {
  test('from a candidate to what is in force, and back', async (t) => {
    const { get, post, active, audited, told } = bench(t);
    assert.deepEqual((await active()).effective, { limit: 10, other: true });
    const change = { path: 'limit', from: 10, to: 200 };
    const checked = await post('/validate', { policy: { limit: 200 } });
    assert.deepEqual(checked.body, { changes: [change], warnings: ['that is much'] });
    const stored = await post('/versions', { policy: { limit: 200 }, comment: 'for the fair' });
    assert.deepEqual(
      [stored.status, stored.body, stored.headers['location']],
      [201, { version: 1, changes: [change] }, `${BASE}/versions/1`],
    );
    assert.deepEqual((await get(`${BASE}/versions/1/diff`)).body, { from: 0, to: 1, changes: [change] });
    const { etag } = await active();
    assert.deepEqual(told, [], 'storing puts nothing in force');

    const activated = await post('/versions/1/activate', undefined, { 'if-match': etag });
    assert.deepEqual([activated.status, activated.body], [200, { version: 1, inForce: true }]);
    assert.deepEqual(told, [1]);
    const now = await active();
    assert.deepEqual([now.version, now.effective], [1, { limit: 200, other: true }]);
    assert.equal(activated.headers['etag'], now.etag);
    assert.notEqual(now.etag, etag);

    const back = await post('/rollback', undefined, { 'if-match': now.etag });
    assert.deepEqual(back.body, { version: 0, inForce: true });
    assert.deepEqual((await active()).effective, { limit: 10, other: true });
    assert.deepEqual(
      audited().map(({ action, target, who }) => `${who} ${action} ${target}`),
      [
        'loopback policy.rollback policy',
        'loopback policy.activate policy',
        'loopback policy.store policy 1',
      ],
    );
    const [, entry] = audited();
    assert.deepEqual([entry?.before, entry?.after], [{ version: 0 }, { version: 1, changes: [change] }]);
    const { body } = await get(`${BASE}/versions/1`);
    assert.deepEqual((body as { policy: object }).policy, { limit: 200 });
  });

  test('a stale If-Match, or none: nothing is put in force', async (t) => {
    const { post, active, audited, told } = bench(t);
    await post('/versions', { policy: { limit: 20 } });
    const before = await active();
    for (const [headers, code] of [
      [{}, 'ADMIN_PRECONDITION_NEEDED'],
      [{ 'if-match': '"policy-7"' }, 'ADMIN_PRECONDITION_FAILED'],
    ] as const) {
      for (const path of ['/versions/1/activate', '/rollback']) {
        assert.equal(codeOf((await post(path, undefined, headers)).body), code);
      }
    }
    assert.deepEqual([(await active()).version, told], [before.version, []]);
    assert.equal(audited().length, 1);
  });

  test('faults are told all at once, with their keys, and nothing is stored', async (t) => {
    const { post, get } = bench(t);
    for (const path of ['/validate', '/versions']) {
      const { status, body } = await post(path, { policy: { limit: 0, sip: {} } });
      assert.deepEqual([status, codeOf(body)], [422, 'ADMIN_INVALID']);
      assert.deepEqual(
        (body as { errors: { path: string }[] }).errors.map((error) => error.path),
        ['sip', 'limit'],
      );
    }
    assert.deepEqual((await get(`${BASE}/versions`)).body, { items: [], active: 0 });
  });

  test('a version that the configuration of today does not allow is not put in force', async (t) => {
    let isAllowed = true;
    const { check } = fakePolicies();
    const { post, active } = bench(t, {
      check: (policy) =>
        isAllowed || JSON.stringify(policy) === '{}'
          ? check(policy)
          : { ok: false, faults: [{ path: 'limit', message: 'is too much for the new release' }] },
    });
    await post('/versions', { policy: { limit: 20 } });
    isAllowed = false;
    const { etag } = await active();
    assert.equal((await post('/versions/1/activate', undefined, { 'if-match': etag })).status, 422);
    assert.equal((await active()).version, 0);
  });

  test('a focus that does not answer takes it later', async (t) => {
    const { post, active } = bench(t, {
      changed: () => {
        throw new Error('no answer');
      },
    });
    await post('/versions', { policy: { limit: 20 } });
    const { etag } = await active();
    const { body } = await post('/versions/1/activate', undefined, { 'if-match': etag });
    assert.deepEqual(body, { version: 1, inForce: false });
  });

  test('the oldest versions go, but never the one in force', async (t) => {
    const { post, active, get } = bench(t);
    await post('/versions', { policy: { limit: 1 } });
    await post('/versions/1/activate', undefined, { 'if-match': (await active()).etag });
    for (const limit of [2, 3, 4, 5, 6]) await post('/versions', { policy: { limit } });
    const { body } = await get(`${BASE}/versions`);
    const { items } = body as { items: { version: number }[] };
    assert.deepEqual(
      items.map(({ version }) => version),
      [6, 5, 4, 1],
    );
    assert.equal((await get(`${BASE}/versions/2`)).status, 404);
  });

  test('viewers read and try, operators shadow, admins store', async (t) => {
    const viewer = bench(t, {}, 'viewer');
    assert.equal((await viewer.get(`${BASE}/active`)).status, 200);
    assert.equal((await viewer.post('/validate', { policy: {} })).status, 200);
    assert.equal((await viewer.post('/shadow', { policy: {} })).status, 403);
    const operator = bench(t, {}, 'operator');
    assert.equal((await operator.post('/shadow', { policy: {} })).status, 200);
    for (const path of ['/versions', '/versions/0/activate', '/rollback']) {
      assert.equal((await operator.post(path, { policy: {} }, { 'if-match': '*' })).status, 403, path);
    }
  });
});

describe('POST /api/v1/policies/shadow', () => {
  const ok = { clause: '7.2.1.2', step: null, status: null, warning: null };
  const full = { clause: '7.2.1.2', step: 'R-7.2.1.2-5', status: 486, warning: 'at most 2' };
  const request = (own: Partial<ShadowedRequest>): ShadowedRequest => ({
    at: '2026-11-22T10:00:00.000Z',
    method: 'INVITE',
    target: 'sip:factory@example.net',
    user: 'sip:ada@example.net',
    callId: 'c1',
    decided: ok,
    active: ok,
    candidate: ok,
    ...own,
  });

  test('what differs is shown, and whether the state has moved on since', async (t) => {
    const shadow = () => [
      request({ callId: 'same' }),
      request({ callId: 'other', candidate: full }),
      request({ callId: 'moved', decided: { ...ok, clause: '7.2.1.3' } }),
      request({ callId: 'both', decided: full, candidate: full }),
      request({
        callId: 'numbers',
        decided: full,
        active: full,
        candidate: { ...full, warning: 'at most 1' },
      }),
    ];
    const { post } = bench(t, { shadow });
    const { status, body } = await post('/shadow', { policy: { limit: 2 } });
    assert.equal(status, 200);
    const { looked, moved, differing } = body as {
      looked: number;
      moved: number;
      differing: { callId: string; hasMoved: boolean }[];
    };
    assert.deepEqual([looked, moved], [5, 2]);
    assert.deepEqual(
      differing.map(({ callId, hasMoved }) => [callId, hasMoved]),
      [
        ['other', false],
        ['both', true],
      ],
    );
  });

  test('a policy or a version, and not both; one with faults is told of', async (t) => {
    const { post } = bench(t);
    assert.equal((await post('/shadow', {})).status, 400);
    assert.equal((await post('/shadow', { policy: {}, version: 0 })).status, 400);
    assert.equal((await post('/shadow', { version: 9 })).status, 404);
    assert.equal((await post('/shadow', { policy: { limit: 0 } })).status, 422);
  });

  test('explain asks by a candidate or by a stored version', async (t) => {
    const { ask, post, asked } = bench(t);
    await post('/versions', { policy: { limit: 3 } });
    const explain = (more: object) =>
      ask(
        'POST',
        '/api/v1/explain',
        { 'content-type': 'application/json' },
        JSON.stringify({ message: 'INVITE', ...more }),
      );
    assert.equal((await explain({ version: 1 })).status, 200);
    assert.equal((await explain({ policy: { limit: 4 } })).status, 200);
    assert.equal((await explain({ policy: { limit: 0 } })).status, 422);
    assert.equal((await explain({})).status, 200);
    assert.deepEqual(
      asked.map((question) => (question as { policy?: object }).policy),
      [{ limit: 3 }, { limit: 4 }, undefined],
    );
  });
});
