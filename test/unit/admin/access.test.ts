import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Role } from '../../../src/admin/access/role.ts';
import { Tokens } from '../../../src/admin/access/tokens.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { type Asking, asking } from './asking.ts';

const DAY_MS = 86_400_000;

interface Guarded extends Asking {
  readonly tokens: Tokens;
  bearer(role: Role): Record<string, string>;
}

/** An admin that lets nobody in without a token, and a clock that a test sets. */
function guarded(t: TestContext, options: Parameters<typeof asking>[2] = {}, clock = { ms: 0 }): Guarded {
  const records = openRecords(':memory:');
  const nowMs = () => clock.ms;
  const tokens = new Tokens(records, nowMs);
  const admin = asking(t, {}, { records, nowMs, withoutToken: undefined, ...options });
  return {
    ...admin,
    tokens,
    bearer: (role) => ({ authorization: `Bearer ${tokens.create({ name: role, role }).text}` }),
  };
}

test('the id of a token stands behind a command as it is: no dash makes a flag of it', (t) => {
  const { tokens } = guarded(t);
  for (let count = 0; count < 500; count++)
    assert.match(tokens.create({ name: 'noc', role: 'viewer' }).id, /^[A-Za-z0-9]{12}$/);
});

describe('who may ask', () => {
  test('without a token 401 with a challenge, and only the probes are answered', async (t) => {
    const { get } = guarded(t);
    const answer = await get('/api/v1/sessions');
    assert.equal(answer.status, 401);
    assert.match(String(answer.headers['www-authenticate']), /^Bearer /);
    assert.match(
      answer.text,
      /ADMIN_TOKEN_NEEDED.*parley token create|parley token create.*ADMIN_TOKEN_NEEDED/,
    );
    for (const open of ['/livez', '/readyz', '/metrics']) assert.equal((await get(open)).status, 200, open);
  });

  test('probes that show numbers can be closed; liveness and readiness cannot', async (t) => {
    const { get, bearer } = guarded(t, { openProbes: false });
    assert.equal((await get('/metrics')).status, 401);
    assert.equal((await get('/metrics', bearer('viewer'))).status, 200);
    assert.equal((await get('/livez')).status, 200);
    assert.equal((await get('/readyz')).status, 200);
  });

  test('each role may do what the one before may, and no more', async (t) => {
    const { get, ask, bearer } = guarded(t);
    assert.equal((await get('/api/v1/sessions', bearer('viewer'))).status, 200);
    const refused = await get('/api/v1/tokens', bearer('operator'));
    assert.equal(refused.status, 403);
    assert.match(refused.text, /needs the role admin; token:operator has operator/);
    assert.equal((await get('/api/v1/tokens', bearer('admin'))).status, 200);
    assert.deepEqual((await ask('GET', '/api/v1/whoami', bearer('operator'))).body, {
      name: 'token:operator',
      role: 'operator',
    });
  });

  for (const field of ['', 'Bearer', 'Bearer x', 'Basic YTpi', 'Bearer parley_AAAAAAAAAAAA_', 'bearer  ']) {
    test(`401 for Authorization: ${JSON.stringify(field)}`, async (t) => {
      assert.equal((await guarded(t).get('/api/v1/sessions', { authorization: field })).status, 401);
    });
  }

  test('a token with one character changed, revoked or expired is worth nothing', async (t) => {
    const clock = { ms: 0 };
    const { get, tokens } = guarded(t, {}, clock);
    const status = async (text: string) =>
      (await get('/api/v1/sessions', { authorization: `Bearer ${text}` })).status;
    const { id, text } = tokens.create({ name: 'a', role: 'viewer', expiresMs: DAY_MS });
    assert.equal(await status(text), 200);
    const last = text.at(-1) === 'A' ? 'B' : 'A';
    assert.equal(await status(text.slice(0, -1) + last), 401);
    clock.ms = DAY_MS;
    assert.equal(await status(text), 401, 'expired');
    clock.ms = 0;
    assert(tokens.revoke(id));
    assert.equal(await status(text), 401, 'revoked');
    assert(!tokens.revoke(id), 'revoked twice');
  });

  test('what is stored of a token does not contain it', () => {
    const records = openRecords(':memory:');
    const { text } = new Tokens(records, () => 0).create({ name: 'a', role: 'viewer' });
    const secret = text.split('_').slice(2).join('_');
    const stored = JSON.stringify(records.prepare('SELECT *, hex(hash) FROM token').all());
    assert(!stored.includes(secret));
  });
});

describe('without a token from this machine', () => {
  const local = (t: TestContext) => guarded(t, { withoutToken: 'admin' });

  test('it may what the configuration says', async (t) => {
    assert.equal((await local(t).get('/api/v1/tokens')).status, 200);
    assert.equal((await guarded(t, { withoutToken: 'viewer' }).get('/api/v1/tokens')).status, 403);
  });

  for (const name of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']) {
    test(`a request with ${name} came from elsewhere`, async (t) => {
      assert.equal((await local(t).get('/api/v1/tokens', { [name]: '198.51.100.7' })).status, 401);
    });
  }

  const body = JSON.stringify({ name: 'x', role: 'viewer' });
  const json = { 'content-type': 'application/json' };
  for (const [headers, status] of [
    [{}, 201],
    [{ origin: 'http://localhost:80', host: 'localhost:80' }, 201],
    [{ 'sec-fetch-site': 'same-origin' }, 201],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
  ] as const) {
    test(`a change with ${JSON.stringify(headers)} is ${status}`, async (t) => {
      const { ask } = local(t);
      assert.equal((await ask('POST', '/api/v1/tokens', { ...json, ...headers }, body)).status, status);
    });
  }

  test('a wrong token is not better than none', async (t) => {
    assert.equal((await local(t).get('/api/v1/sessions', { authorization: 'Bearer x' })).status, 401);
  });
});

describe('tokens over REST', () => {
  test('made, used, listed, revoked, and each step in the audit log', async (t) => {
    const { ask, get, bearer } = guarded(t);
    const admin = bearer('admin');
    const json = { ...admin, 'content-type': 'application/json' };
    const made = await ask('POST', '/api/v1/tokens', json, '{"name":"noc","role":"viewer","expiresDays":1}');
    assert.equal(made.status, 201);
    const { id, token } = made.body as { id: string; token: string };
    assert.equal((await get('/api/v1/sessions', { authorization: `Bearer ${token}` })).status, 200);
    const listed = await get('/api/v1/tokens', admin);
    assert.doesNotMatch(listed.text, new RegExp(token.slice(-43)));
    assert.match(listed.text, /"name":"noc".*"expiresAt":"1970-01-02/);
    assert.equal((await ask('DELETE', `/api/v1/tokens/${id}`, admin)).status, 204);
    assert.equal((await get('/api/v1/sessions', { authorization: `Bearer ${token}` })).status, 401);
    assert.equal((await ask('DELETE', `/api/v1/tokens/${id}`, admin)).status, 404);
    const audit = await get('/api/v1/audit', admin);
    const { items } = audit.body as { items: Record<string, unknown>[] };
    assert.deepEqual(
      items.map(({ action, who, target, before, after }) => [action, who, target, before, after]),
      [
        ['token.revoke', 'token:admin', id, { name: 'noc', role: 'viewer' }, null],
        ['token.create', 'token:admin', id, null, { name: 'noc', role: 'viewer', expiresDays: 1 }],
      ],
    );
    assert.doesNotMatch(audit.text, new RegExp(token.slice(-43)));
  });

  test('listed in pages, newest first, each once', async (t) => {
    const clock = { ms: 0 };
    const { get, bearer, tokens } = guarded(t, {}, clock);
    const admin = bearer('admin');
    const made = ['a', 'b', 'c', 'd', 'e'].map((name) => {
      // Some in the same millisecond.
      if (name !== 'c') clock.ms += 1;
      return tokens.create({ name, role: 'viewer' }).id;
    });
    const page = async (query: string) => {
      const answer = await get(`/api/v1/tokens?${query}`, admin);
      assert.equal(answer.status, 200, answer.text);
      return (answer.body as { items: { id: string }[] }).items.map(({ id }) => id);
    };
    const seen: string[] = [];
    for (let next = await page('limit=2'); next.length > 0; ) {
      assert(next.length <= 2);
      seen.push(...next);
      next = await page(`limit=2&before=${String(seen.at(-1))}`);
    }
    assert.deepEqual([new Set(seen).size, seen.length], [6, 6]);
    assert.deepEqual([seen[0], seen[1], seen[4]], [made[4], made[3], made[0]]);
    assert.deepEqual(await page(''), seen);
    const unknown = await get('/api/v1/tokens?before=AAAAAAAAAAAA', admin);
    assert.deepEqual([unknown.status, (unknown.body as { parameter: string }).parameter], [400, 'before']);
    for (const bad of ['limit=0', 'limit=501', 'before=7', 'cursor=x'])
      assert.equal((await get(`/api/v1/tokens?${bad}`, admin)).status, 400, bad);
  });

  for (const bad of [
    '',
    '{',
    '[]',
    '{"name":"x"}',
    '{"name":"","role":"viewer"}',
    '{"name":"x","role":"root"}',
  ]) {
    test(`${JSON.stringify(bad)} makes no token`, async (t) => {
      const { ask, tokens, bearer } = guarded(t);
      const headers = { ...bearer('admin'), 'content-type': 'application/json' };
      const before = tokens.list().length;
      assert.equal((await ask('POST', '/api/v1/tokens', headers, bad)).status, 400);
      assert.equal(tokens.list().length, before);
    });
  }
});
