/** The two faces of a group over REST: whatever one is given comes back from it, and by way of the other. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import type { AdminServer } from '../../../src/admin/admin-server.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { createAdminServer } from '../../../src/admin/server.ts';
import { formatGroupDocument } from '../../../src/documents/group-document.ts';
import { groupToJson } from '../../../src/documents/group-json.ts';
import { fakeControl } from '../../unit/admin/fake-control.ts';
import { fakeGroups } from '../../unit/admin/fake-groups.ts';
import { fakePolicies } from '../../unit/admin/fake-policies.ts';
import { fakeView } from '../../unit/admin/fake-view.ts';
import { groupArbitrary } from '../documents/group-arbitrary.ts';

const XML = 'application/vnd.oma.poc.groups+xml';
const RUNS = 60;

describe('a group over REST', () => {
  let server: AdminServer;
  before(() => {
    server = createAdminServer({
      host: '127.0.0.1',
      control: fakeControl(),
      view: fakeView(),
      groups: fakeGroups([], { resolveList: () => [] }),
      policies: fakePolicies(),
      records: openRecords(':memory:'),
      nowMs: () => 0,
      log: pino({ enabled: false }),
      withoutToken: 'admin',
      openProbes: true,
      limits: { requestsPerS: 0 },
    });
  });

  const path = (uri: string) => `/api/v1/groups/${encodeURIComponent(uri)}`;
  async function put(uri: string, type: string, payload: string): Promise<void> {
    const { headers: now } = await server.inject({ url: path(uri) });
    const precondition =
      now['etag'] === undefined ? { 'if-none-match': '*' } : { 'if-match': String(now['etag']) };
    const headers = { 'content-type': type, ...precondition };
    const response = await server.inject({ method: 'PUT', url: path(uri), headers, payload });
    assert([200, 201].includes(response.statusCode), response.body);
  }
  const get = async (uri: string, accept: string) =>
    (await server.inject({ url: path(uri), headers: { accept } })).body;

  it('JSON → XML → JSON', async () => {
    await fc.assert(
      fc.asyncProperty(groupArbitrary, async (group) => {
        const json = JSON.stringify(groupToJson(group));
        await put(group.uri, 'application/json', json);
        assert.deepEqual(JSON.parse(await get(group.uri, 'application/json')), JSON.parse(json));
        const xml = await get(group.uri, XML);
        await put(group.uri, XML, xml);
        assert.equal(await get(group.uri, XML), xml);
        assert.deepEqual(JSON.parse(await get(group.uri, 'application/json')), JSON.parse(json));
      }),
      { numRuns: RUNS },
    );
  });

  it('XML → JSON → XML says the same, and as XML it is what was given', async () => {
    await fc.assert(
      fc.asyncProperty(
        groupArbitrary,
        fc.constantFrom('', '<!-- x -->', '\n\n', '<?pi?>'),
        async (group, more) => {
          const xml = `${formatGroupDocument(group)}${more}`;
          await put(group.uri, XML, xml);
          assert.equal(await get(group.uri, XML), xml);
          await put(group.uri, 'application/json', await get(group.uri, 'application/json'));
          assert.equal(await get(group.uri, XML), formatGroupDocument(group));
        },
      ),
      { numRuns: RUNS },
    );
  });
});
