import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { ApiDescription, Operation } from '../../../src/admin/describe/openapi.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { createAdminServer } from '../../../src/admin/server.ts';
import { asking } from './asking.ts';
import { fakeControl } from './fake-control.ts';
import { fakeGroups } from './fake-groups.ts';
import { fakePolicies } from './fake-policies.ts';
import { fakeView, memoryLog } from './fake-view.ts';

async function described(t: TestContext): Promise<ApiDescription> {
  const { status, headers, body } = await asking(t).get('/openapi.json');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^application\/json/);
  return body as ApiDescription;
}

/** What the server itself says that it serves. */
async function routesOf(t: TestContext): Promise<{ key: string; role: string | undefined }[]> {
  const routes: { key: string; role: string | undefined }[] = [];
  const server = createAdminServer({
    host: '127.0.0.1',
    control: fakeControl(),
    view: fakeView(),
    groups: fakeGroups(),
    policies: fakePolicies(),
    records: openRecords(':memory:'),
    nowMs: () => 0,
    openProbes: true,
    log: memoryLog().log,
  });
  t.after(() => server.close());
  server.addHook('onRoute', ({ method, url, config, schema }) => {
    if ((schema as { hide?: boolean } | undefined)?.hide === true) return;
    for (const one of [method].flat()) {
      if (one !== 'HEAD') routes.push({ key: `${one.toLowerCase()} ${url}`, role: config?.role });
    }
  });
  await server.ready();
  return routes;
}

test('the description is valid OpenAPI 3.1', async (t) => {
  const result = await new Validator().validate({ ...(await described(t)) });
  assert.deepEqual(result.errors ?? [], []);
  assert(result.valid);
});

test('every route is described with its summary, its role, a tag that is explained, and its problems', async (t) => {
  const { paths, tags } = await described(t);
  const told = new Map<string, Operation>(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
    ),
  );
  const routes = await routesOf(t);
  assert(routes.length > 25);
  assert.equal(told.size, routes.length);
  for (const { key, role } of routes) {
    const operation = told.get(key.replace(/:(\w+)/g, '{$1}'));
    assert(operation !== undefined, `${key} is not described`);
    assert.match(operation.summary ?? '', /\S/, `${key} has no summary`);
    assert.equal(operation['x-role'], role, key);
    const [tag] = operation.tags;
    assert(
      tags.some(({ name }) => name === tag),
      `${key}: tag ${tag} is not explained`,
    );
    for (const status of ['4XX', '5XX']) {
      const types: string[] = Object.keys(operation.responses[status]?.content ?? {});
      assert.deepEqual(types, ['application/problem+json'], `${key} ${status}`);
    }
  }
  const ids = [...told.values()].map(({ operationId }) => operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test('bodies that a reader of their own checks are described by name: groups and policies', async (t) => {
  const { paths, components } = await described(t);
  const schemas = components.schemas as Readonly<Record<string, { readonly properties: object }>>;
  const bodyOf = (path: string) =>
    Object.values(paths[path] ?? {}).find(({ requestBody }) => requestBody !== undefined)?.requestBody
      ?.content['application/json']?.schema;
  const group = { $ref: '#/components/schemas/GroupDocument' };
  for (const path of ['/api/v1/groups', '/api/v1/groups/{uri}', '/api/v1/groups/validate']) {
    assert.deepEqual(bodyOf(path), group, path);
  }
  const candidate = bodyOf('/api/v1/policies/validate') as { properties: { policy: unknown } };
  assert.deepEqual(candidate.properties.policy, { $ref: '#/components/schemas/Policy' });
  const { GroupDocument, Policy } = schemas;
  assert(Object.keys(GroupDocument?.properties ?? {}).includes('members'));
  assert.deepEqual(Object.keys(Policy?.properties ?? {}), ['limit'], 'as the ports say');
});

test('the page for people has every operation, no script and nothing from outside', async (t) => {
  const { get } = asking(t);
  const { paths } = await described(t);
  const { status, headers, text } = await get('/docs');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/html/);
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
  assert.doesNotMatch(text, /<script|\bstyle=|\bon\w+=|(?:src|href)="(?!#|\/)/);
  for (const name of ['Problem', 'GroupDocument', 'Policy'])
    assert(text.includes(`id="schema-${name}"`), name);
  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    assert(text.includes(`id="${operation.operationId}"`), operation.operationId);
  }
});

test('both need a token where probes are closed', async (t) => {
  const { get } = asking(t, {}, { openProbes: false, withoutToken: undefined });
  for (const url of ['/openapi.json', '/docs']) assert.equal((await get(url)).status, 401, url);
});
