/** Every route, asked wrongly in every way that its own description rules out: the right 4xx, and nothing has changed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { Tokens } from '../../../src/admin/access/tokens.ts';
import type { AdminServer } from '../../../src/admin/admin-server.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { createAdminServer } from '../../../src/admin/server.ts';
import { fakeControl } from '../../unit/admin/fake-control.ts';
import { CREW_PATH, crewXml, fakeGroups } from '../../unit/admin/fake-groups.ts';
import { fakePolicies } from '../../unit/admin/fake-policies.ts';
import { fakeView, type LogLine, memoryLog, session } from '../../unit/admin/fake-view.ts';
import { CHECKED_POLICIES } from './checked-policies.ts';
import { HOSTILE_XML } from './hostile-xml.ts';
import { type Operation, operationsOf, pathWith, sampleOf, wrongBodies, wrongOf } from './operations.ts';

const GROUP_XML = 'application/vnd.oma.poc.groups+xml';
const MIB = 1_048_576;

let server: AdminServer;
let records: DatabaseSync;
let operations: readonly Operation[];
let lines: LogLine[];
let calls: unknown[];
const tokens = { viewer: '', operator: '', admin: '' };

before(async () => {
  records = openRecords(':memory:');
  calls = [];
  const called = (value: unknown) => {
    calls.push(value);
    return { kind: 'no-session' } as const;
  };
  const memory = memoryLog();
  lines = memory.lines;
  server = createAdminServer({
    host: '127.0.0.1',
    view: fakeView({ session: (id) => (id === 'im-s-1' ? session(id) : undefined) }),
    control: fakeControl({ order: called, announce: called, drain: (...order) => void called(order) }),
    groups: fakeGroups(),
    policies: fakePolicies({ ...CHECKED_POLICIES, changed: () => calls.push('policy') }),
    records,
    nowMs: () => Date.parse('2026-11-22T10:00:00Z'),
    openProbes: false,
    log: memory.log,
    limits: { requestsPerS: 0 },
  });
  const made = new Tokens(records, () => Date.now());
  for (const role of ['viewer', 'operator', 'admin'] as const)
    tokens[role] = made.create({ name: role, role }).text;
  await server.ready();
  operations = operationsOf(server);
});
beforeEach(() => {
  calls.length = 0;
});
after(() => server.close());

interface Asked {
  readonly role?: keyof typeof tokens;
  readonly headers?: Record<string, string>;
  readonly payload?: string | Buffer;
}

async function ask(method: string, url: string, { role = 'admin', headers = {}, payload }: Asked = {}) {
  const response = await server.inject({
    method: method as 'GET',
    url,
    headers: { authorization: `Bearer ${tokens[role]}`, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: response.statusCode, text: response.body, type: String(response.headers['content-type']) };
}

/** All that is kept, but for when a token was used last. */
function kept(): string {
  const hash = createHash('sha256');
  for (const { name } of records.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()) {
    for (const row of records.prepare(`SELECT * FROM "${String(name)}"`).all()) {
      hash.update(JSON.stringify({ ...row, last_used_ms: 0, hash: '' }));
    }
  }
  return hash.digest('hex');
}

const JSON_TYPE = { 'content-type': 'application/json' };
const EDITS = { 'if-match': '*' };

/** A refusal that says what it is, of a fault that is not ours. */
function assertRefused(answer: Awaited<ReturnType<typeof ask>>, what: string, statuses: readonly number[]) {
  assert(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
  if (answer.status >= 400) {
    assert.match(answer.type, /^application\/problem\+json/, what);
    assert.match((JSON.parse(answer.text) as { code: string }).code, /^ADMIN_/, what);
  }
}

function assertUnchanged(keptBefore: string, what: string) {
  assert.deepEqual(calls, [], `${what}: the focus was told`);
  assert.equal(kept(), keptBefore, `${what}: something has changed`);
  const faults = lines.filter(({ level }) => level >= 50);
  assert.deepEqual(faults, [], what);
}

const changes = ({ method }: Operation) => method !== 'GET' && method !== 'HEAD';

describe('each route of the description', () => {
  test('there are many, and each says who may ask', () => {
    assert(operations.length >= 60, String(operations.length));
    for (const { role, path } of operations) assert.match(role, /^(anybody|viewer|operator|admin)$/, path);
  });

  test('without a token, with a wrong one, and with one of too low a role: 401 and 403', async () => {
    const before = kept();
    for (const operation of operations) {
      const { method, path, role, body } = operation;
      if (role === 'anybody') continue;
      const what = `${method} ${path}`;
      const request = {
        headers: { ...EDITS, ...(body === undefined ? {} : JSON_TYPE) },
        ...(body === undefined ? {} : { payload: JSON.stringify(sampleOf(body)) }),
      };
      for (const authorization of ['', 'Bearer wrong', `Basic ${tokens.admin}`]) {
        const headers = { ...request.headers, authorization };
        assertRefused(await ask(method, pathWith(operation), { ...request, headers }), what, [401]);
      }
      for (const lower of role === 'admin'
        ? (['viewer', 'operator'] as const)
        : role === 'operator'
          ? (['viewer'] as const)
          : []) {
        assertRefused(await ask(method, pathWith(operation), { ...request, role: lower }), what, [403]);
      }
      assertUnchanged(before, what);
    }
  });

  test('bodies that the schema does not allow: 400', async () => {
    const before = kept();
    let count = 0;
    for (const operation of operations) {
      const { method, path, body } = operation;
      if (body === undefined) continue;
      // Of what has a reader of its own every part is tried where that is all that is asked.
      const depth = path.endsWith('/validate') ? 6 : 2;
      const { uri } = sampleOf(body) as { uri?: unknown };
      const url = pathWith(operation, typeof uri === 'string' ? { uri: encodeURIComponent(uri) } : {});
      for (const wrong of wrongBodies(body, depth)) {
        count += 1;
        const what = `${method} ${path} ${JSON.stringify(wrong).slice(0, 200)}`;
        const payload = JSON.stringify(wrong);
        const answer = await ask(method, url, { headers: { ...JSON_TYPE, ...EDITS }, payload });
        assertRefused(answer, what, [400, 422]);
        assertUnchanged(before, what);
      }
    }
    assert(count > 1_000, String(count));
  });

  test('bodies of another of the types that a route takes: 4xx', async () => {
    const before = kept();
    const several = operations.filter(({ bodyTypes }) => bodyTypes.length > 1);
    assert(several.length >= 3, String(several.length));
    for (const operation of several) {
      const { method, path, body, bodyTypes } = operation;
      for (const type of bodyTypes) {
        const what = `${method} ${path} as ${type}`;
        const payload = type === 'application/json' ? crewXml() : JSON.stringify(sampleOf(body ?? {}));
        const headers = { ...EDITS, 'content-type': type };
        assertRefused(await ask(method, pathWith(operation), { headers, payload }), what, [400, 422]);
        assertUnchanged(before, what);
      }
    }
  });

  test('what is no JSON, is too large, nested too deep, or of another type: 400, 413, 415', async () => {
    const before = kept();
    const broken = [
      '',
      '{',
      'null',
      '[]',
      '"text"',
      '{"__proto__":{"x":1}}',
      '\u0000',
      '{"a":1}{"b":2}',
      '[['.repeat(50_000),
    ];
    for (const operation of operations.filter(changes)) {
      const { method, path, bodyTypes } = operation;
      const what = `${method} ${path}`;
      const url = pathWith(operation);
      if (bodyTypes.includes('application/json')) {
        for (const payload of broken) {
          const answer = await ask(method, url, { headers: { ...JSON_TYPE, ...EDITS }, payload });
          assertRefused(answer, `${what} ${payload.slice(0, 40)}`, [400, 404, 413, 415, 422]);
        }
      }
      const huge = `{"text":"${'x'.repeat(2 * MIB)}"}`;
      assertRefused(
        await ask(method, url, { headers: { ...JSON_TYPE, ...EDITS }, payload: huge }),
        `${what} huge`,
        [413, 415],
      );
      const odd = { ...EDITS, 'content-type': 'application/x-www-form-urlencoded' };
      assertRefused(await ask(method, url, { headers: odd, payload: 'a=1' }), `${what} form`, [415]);
      assertUnchanged(before, what);
    }
  });

  test('parameters that are not known, given twice, or not allowed: 400', async () => {
    const before = kept();
    for (const operation of operations) {
      const { method, path, parameters } = operation;
      if (!path.startsWith('/api/v1/')) continue;
      const url = pathWith(operation);
      const headers = { ...EDITS, ...(operation.body === undefined ? {} : JSON_TYPE) };
      const payload =
        operation.body === undefined ? {} : { payload: JSON.stringify(sampleOf(operation.body)) };
      const refused = async (query: string) => {
        const answer = await ask(method, `${url}?${query}`, { headers, ...payload });
        assertRefused(answer, `${method} ${path}?${query.slice(0, 80)}`, [400, 414]);
        assertUnchanged(before, `${method} ${path}?${query.slice(0, 80)}`);
      };
      if (operation.bodyTypes.length <= 1) await refused('surprise=1');
      for (const { name, schema } of parameters.filter(
        (one) => one.in === 'query' && one.schema.type !== 'array',
      )) {
        const value = encodeURIComponent(String(sampleOf(schema)));
        await refused(`${name}=${value}&${name}=${value}`);
        for (const wrong of wrongOf(schema)) {
          // In a URL all is text; what reads as the right type is it.
          if (typeof wrong !== 'string' && typeof wrong !== 'number') continue;
          if (schema.type === 'string' && typeof wrong === 'number') continue;
          if (schema.type === 'integer' && wrong === '7') continue;
          if (schema.type === 'boolean' && wrong === 'true') continue;
          await refused(`${name}=${encodeURIComponent(String(wrong))}`);
        }
      }
    }
  });

  test('header fields of the description that are not as it says: 400', async () => {
    const before = kept();
    let count = 0;
    for (const operation of operations) {
      for (const { name, schema } of operation.parameters.filter((one) => one.in === 'header')) {
        for (const wrong of [...wrongOf(schema), 'x', '-1', '1 2', '9'.repeat(16)]) {
          // What is no text of a header field does not get this far.
          if (typeof wrong !== 'string' || !/^[ -~]+$/.test(wrong)) continue;
          if (new RegExp(schema.pattern ?? '', 'u').test(wrong)) continue;
          count += 1;
          const what = `${operation.path} ${name}: ${wrong}`;
          const headers = { [name]: wrong };
          assertRefused(await ask(operation.method, pathWith(operation), { headers }), what, [400]);
          assertUnchanged(before, what);
        }
      }
    }
    assert(count > 3, String(count));
  });

  test('paths with tricks in them lead nowhere: 4xx', async () => {
    const before = kept();
    const tricks = [
      '..',
      '%2e%2e',
      '..%2f..%2fetc%2fpasswd',
      '%00',
      'a%00b',
      '%0d%0aset-cookie:x',
      '__proto__',
      'constructor',
      '%ff%fe',
      '%',
      '%c0%ae',
      "' OR 1=1 --",
      'x'.repeat(1_100),
      '%F0%9F%92%A9'.repeat(80),
      '\u202e',
    ];
    for (const operation of operations) {
      const { method, path, parameters } = operation;
      for (const { name } of parameters.filter((one) => one.in === 'path')) {
        for (const trick of tricks) {
          const headers = { ...EDITS, ...(operation.body === undefined ? {} : JSON_TYPE) };
          const payload =
            operation.body === undefined ? {} : { payload: JSON.stringify(sampleOf(operation.body)) };
          const url = pathWith(operation, { [name]: trick.replaceAll(' ', '%20') });
          const answer = await ask(method, url, { headers, ...payload });
          const what = `${method} ${path} ${trick.slice(0, 40)}`;
          // A session or switch of that name is only a name; it is not there. Reading one that the view has is no harm.
          if (method === 'GET' && answer.status === 200) continue;
          assertRefused(answer, what, [400, 404, 405, 409, 412, 414, 415, 422, 428]);
          assert.equal(kept(), before, what);
          calls.length = 0;
        }
      }
    }
    assertUnchanged(before, 'tricks');
  });

  test('edits of what has changed meanwhile: 412, and without If-Match: 428', async () => {
    const at = '/api/v1/groups/sip%3Acrew%40example.net';
    const made = await ask('PUT', at, {
      headers: { 'content-type': GROUP_XML, 'if-none-match': '*' },
      payload: crewXml(),
    });
    assert.equal(made.status, 201, made.text);
    const hook = await ask('POST', '/api/v1/webhooks', {
      headers: JSON_TYPE,
      payload: '{"url":"https://hooks.example.net/"}',
    });
    const { id } = JSON.parse(hook.text) as { id: string };
    const before = kept();
    const edits: [string, string, string | undefined, string | undefined][] = [
      ['PUT', at, GROUP_XML, crewXml()],
      ['PATCH', at, 'application/merge-patch+json', '{"displayName":"x"}'],
      ['DELETE', at, undefined, undefined],
      ['PATCH', `/api/v1/webhooks/${id}`, 'application/json', '{"isEnabled":false}'],
      ['DELETE', `/api/v1/webhooks/${id}`, undefined, undefined],
      ['PATCH', '/api/v1/sessions/im-s-1', 'application/json', '{"muted":[]}'],
      ['POST', '/api/v1/policies/versions/0/activate', undefined, undefined],
      ['POST', '/api/v1/policies/rollback', undefined, undefined],
    ];
    for (const [method, url, type, payload] of edits) {
      const headers = type === undefined ? {} : { 'content-type': type };
      const body = payload === undefined ? {} : { payload };
      for (const [more, status] of [
        [{ 'if-match': '"stale"' }, 412],
        [{}, 428],
      ] as const) {
        const answer = await ask(method, url, { headers: { ...headers, ...more }, ...body });
        assertRefused(answer, `${method} ${url} ${JSON.stringify(more)}`, [status]);
      }
      assertUnchanged(before, `${method} ${url}`);
    }
  });
});

/** Of a processor, for an answer to the worst of it. */
const MAX_MICROS = 2_000_000;

describe('hostile XML', () => {
  for (const [what, payload] of HOSTILE_XML) {
    test(`${what}: 4xx at every route that takes XML, at once, and nothing is kept`, async () => {
      const before = kept();
      for (const [method, url] of [
        ['PUT', '/api/v1/groups/sip%3Aother%40example.net'],
        ['POST', '/api/v1/groups'],
        ['POST', '/api/v1/groups/validate'],
        ['PUT', CREW_PATH],
      ] as const) {
        const cpuBefore = process.cpuUsage();
        const headers = { 'content-type': GROUP_XML, 'if-none-match': '*' };
        const answer = await ask(method, url, { headers, payload });
        const isXcap = url === CREW_PATH;
        assert(
          answer.status >= 400 && answer.status < 500,
          `${method} ${url}: ${answer.status} ${answer.text.slice(0, 200)}`,
        );
        if (!isXcap) assertRefused(answer, `${method} ${url}`, [400, 413, 415, 422]);
        assert.doesNotMatch(answer.text, /root:|daemon:/);
        // Of this process alone: others may hold it up as long as they like.
        const { user, system } = process.cpuUsage(cpuBefore);
        assert(user + system < MAX_MICROS, `${method} ${url} took ${user + system} µs`);
      }
      assertUnchanged(before, what);
    });
  }
});

test('whatever comes as JSON: never a fault of ours', async () => {
  const bodies = operations.filter(({ bodyTypes }) => bodyTypes.includes('application/json'));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...bodies), fc.jsonValue({ maxDepth: 3 }), async (operation, value) => {
      const { method, path } = operation;
      const headers = { ...JSON_TYPE, 'if-match': '"stale"' };
      const { status, text } = await ask(method, pathWith(operation), {
        headers,
        payload: JSON.stringify(value),
      });
      assert(status < 500, `${method} ${path}: ${text}`);
    }),
    { numRuns: 200 },
  );
  assert.deepEqual(
    lines.filter(({ level }) => level >= 50),
    [],
  );
});

test('no token, and no secret, in what is logged or answered', () => {
  const logged = JSON.stringify(lines);
  for (const token of Object.values(tokens)) assert(!logged.includes(token));
});
