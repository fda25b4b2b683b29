/** Versions of managed groups: listed, read, compared, taken back to; and who may do what in a group. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { openRecords } from '../../../src/admin/records/database.ts';
import { asking } from './asking.ts';
import { CREW, CREW_JSON, CREW_PATH, crewXml, fakeGroups, fileGroup } from './fake-groups.ts';

const XML = 'application/vnd.oma.poc.groups+xml';

function bench(t: TestContext, own = {}) {
  const records = openRecords(':memory:');
  const { ask, get } = asking(t, {}, { records, groups: fakeGroups([], own) });
  let etag = '';
  /** Each call makes the next version. */
  const put = async (body: string | object, comment?: string) => {
    const isXml = typeof body === 'string';
    const answer = await ask(
      'PUT',
      `${CREW_PATH}${comment === undefined ? '' : `?comment=${comment}`}`,
      {
        'content-type': isXml ? XML : 'application/json',
        ...(etag === '' ? { 'if-none-match': '*' } : { 'if-match': etag }),
      },
      isXml ? body : JSON.stringify(body),
    );
    assert(answer.status < 300, answer.text);
    etag = String(answer.headers['etag']);
  };
  const remove = async () => {
    assert.equal((await ask('DELETE', CREW_PATH, { 'if-match': etag })).status, 204);
    etag = '';
  };
  return { ask, get, put, remove, etag: () => etag, records };
}

interface Version {
  version: number;
  who: string;
  comment: string | null;
  isDeletion: boolean;
}
interface DiffBody {
  from: number;
  to: number;
  unified: string | null;
  changes: { kind: string }[];
}

test('versions, newest first, those of a deleted group too', async (t) => {
  const { get, put, remove } = bench(t);
  await put(crewXml());
  await put(crewXml({ name: 'B' }), 'renamed');
  await remove();
  const { items } = (await get(`${CREW_PATH}/versions`)).body as { items: Version[] };
  assert.deepEqual(
    items.map(({ version, comment, isDeletion }) => [version, comment, isDeletion]),
    [
      [3, null, true],
      [2, 'renamed', false],
      [1, null, false],
    ],
  );
  assert.equal(items[0]?.who, 'loopback');
  const older = (await get(`${CREW_PATH}/versions?before=2`)).body as { items: Version[] };
  assert.deepEqual(
    older.items.map(({ version }) => version),
    [1],
  );
  assert.equal((await get(`${CREW_PATH}/versions/1`, { accept: XML })).text, crewXml());
  for (const path of ['/versions/3', '/versions/9', '/diff?from=9']) {
    assert.equal((await get(CREW_PATH + path)).status, 404, path);
  }
  for (const path of ['/versions/0', '/versions/x', '/versions/1e99', '/diff', '/diff?from=-1']) {
    assert.equal((await get(CREW_PATH + path)).status, 400, path);
  }
  assert.equal((await get('/api/v1/groups/sip%3Ab%40h/versions')).status, 404);
});

test('only so many versions are kept', async (t) => {
  const { get, put } = bench(t, { maxVersions: 2 });
  for (const name of ['A', 'B', 'C']) await put(crewXml({ name }));
  const { items } = (await get(`${CREW_PATH}/versions`)).body as { items: Version[] };
  assert.deepEqual(
    items.map(({ version }) => version),
    [3, 2],
  );
  assert.equal((await get(`${CREW_PATH}/versions/1`)).status, 404);
});

test('a diff says what changed, as text and as changes', async (t) => {
  const { get, put } = bench(t);
  await put(CREW_JSON);
  const [rule] = CREW_JSON.rules;
  await put({
    ...CREW_JSON,
    displayName: 'Band',
    members: [{ uri: 'sip:ada@example.net', name: 'Countess' }, { uri: 'sip:cy@example.net' }],
    rules: [
      { ...rule, grant: { initiate: true, join: false, expel: true } },
      { id: 'all', when: {}, grant: { join: true } },
    ],
  });
  const { from, to, unified, changes } = (await get(`${CREW_PATH}/diff?from=1`)).body as DiffBody;
  assert.deepEqual([from, to], [1, 2]);
  assert.match(unified ?? '', /^--- sip:crew@example\.net version 1\n\+\+\+ .* version 2\n@@ /);
  assert.match(unified ?? '', /^- +<entry uri="tel:\+46700000003"\/>$/m);
  assert.match(unified ?? '', /^\+ +<entry uri="sip:cy@example\.net"\/>$/m);
  assert.deepEqual(changes, [
    { kind: 'field-changed', field: 'displayName', from: 'Crew', to: 'Band' },
    { kind: 'member-removed', user: 'tel:+46700000003', name: null },
    {
      kind: 'member-changed',
      user: 'sip:ada@example.net',
      from: { uri: 'sip:ada@example.net', displayName: 'Ada' },
      to: { uri: 'sip:ada@example.net', displayName: 'Countess' },
    },
    { kind: 'member-added', user: 'sip:cy@example.net', name: null },
    { kind: 'right-changed', rule: 'members', right: 'join', from: true, to: false },
    { kind: 'right-changed', rule: 'members', right: 'expel', from: null, to: true },
    { kind: 'rule-added', rule: 'all', granted: ['join'] },
  ]);
  const back = (await get(`${CREW_PATH}/diff?from=2&to=1`)).body as DiffBody;
  assert(back.changes.some(({ kind }) => kind === 'rule-removed'));
});

test('what is only written differently is no difference; what is gone is one', async (t) => {
  const { get, put, remove } = bench(t);
  await put(crewXml());
  await put(crewXml().replace('<!-- by hand -->', ''));
  const same = (await get(`${CREW_PATH}/diff?from=1`)).body as DiffBody;
  assert.deepEqual([same.unified, same.changes], ['', []]);
  await remove();
  const gone = (await get(`${CREW_PATH}/diff?from=2`)).body as DiffBody;
  assert.deepEqual(gone.changes, [{ kind: 'deleted' }]);
});

test('two versions with nothing in common: no text, and no wait for it', async (t) => {
  const { get, put } = bench(t);
  const many = (prefix: string) =>
    crewXml({ members: Array.from({ length: 5_000 }, (_, n) => `${prefix}${n}`) });
  await put(many('a'));
  await put(many('b'));
  const { unified, changes } = (await get(`${CREW_PATH}/diff?from=1`)).body as DiffBody;
  assert.equal(unified, null);
  assert.equal(changes.length, 10_000);
});

test('a roll back is a new version, of a deleted group too', async (t) => {
  const { ask, get, put, remove, etag } = bench(t);
  await put(crewXml());
  await put(crewXml({ name: 'B' }));
  const back = (headers: Record<string, string>) => ask('POST', `${CREW_PATH}/versions/1/rollback`, headers);
  assert.equal((await back({})).status, 428);
  assert.equal((await back({ 'if-match': '"old"' })).status, 412);
  const done = await back({ 'if-match': etag() });
  assert.equal(done.status, 200, done.text);
  assert.equal((done.body as Version).version, 3);
  assert.equal((await get(CREW_PATH, { accept: XML })).text, crewXml());
  const { items } = (await get(`${CREW_PATH}/versions`)).body as { items: Version[] };
  assert.equal(items[0]?.comment, 'back to version 1');
  await ask('DELETE', CREW_PATH, { 'if-match': String(done.headers['etag']) });
  assert.equal((await back({ 'if-none-match': '*' })).status, 201);
  assert.equal((await get(CREW_PATH)).status, 200);
  assert.equal((await ask('POST', `${CREW_PATH}/versions/4/rollback`, { 'if-match': '*' })).status, 404);
  await remove().catch(() => undefined);
});

test('a list of managed groups and those of files, in pages, searched and counted', async (t) => {
  const records = openRecords(':memory:');
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const key = (name: string) => `sip:${name}@example.net`;
  const files = ['b', 'd', 'f'].map((name) => ({
    file: `/${name}.xml`,
    xml: crewXml({ uri: key(name) }),
    entry: fileGroup({ key: key(name), displayName: `File ${name.toUpperCase()}` }),
  }));
  const { ask, get } = asking(t, {}, { records, groups: fakeGroups(files) });
  for (const name of ['a', 'c', 'e', 'g']) {
    const path = `/api/v1/groups/${encodeURIComponent(key(name))}`;
    await ask(
      'PUT',
      path,
      { 'content-type': XML, 'if-none-match': '*' },
      crewXml({ uri: key(name), name: `Crew ${name}` }),
    );
  }
  assert.equal((await ask('POST', `/api/v1/groups/${encodeURIComponent(key('d'))}/adopt`)).status, 201);
  interface List {
    items: { uri: string; source: string }[];
    nextCursor: string | null;
    counts: object;
  }
  const list = async (query: string) => (await get(`/api/v1/groups?${query}`)).body as List;
  const all: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: List = await list(`limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    all.push(...page.items.map(({ uri }) => uri));
    assert.deepEqual(page.counts, { managed: 5, file: 2, matching: 7 });
    cursor = page.nextCursor;
  }
  assert.deepEqual(all, names.map(key));
  const sources = (await list('limit=100')).items.map(({ source }) => source[0]).join('');
  assert.equal(sources, 'mfmmmfm');
  const found = async (query: string) => (await list(query)).items.map(({ uri }) => uri[4]).join('');
  assert.equal(await found('q=CREW%20c'), 'c');
  assert.equal(await found('q=file'), 'bf');
  assert.equal(await found('q=g%40EXAMPLE'), 'g');
  assert.equal(await found('source=file'), 'bf');
  assert.equal(await found('source=managed'), 'acdeg');
  assert.equal(await found("q=%25' OR 1=1"), '');
});

test('ten thousand groups: a page is a page', async (t) => {
  const records = openRecords(':memory:');
  const insert = records.prepare(
    `INSERT INTO group_document VALUES (?, ?, NULL, 2, NULL, 1, NULL, NULL, 1, '"x"', 0, ?)`,
  );
  records.exec('BEGIN');
  for (let n = 0; n < 10_000; n += 1) {
    const uri = `sip:g${String(n).padStart(5, '0')}@example.net`;
    insert.run(uri, uri, uri);
  }
  records.exec('COMMIT');
  const { get } = asking(t, {}, { records });
  const { items, counts } = (await get('/api/v1/groups?limit=3&q=g0999')).body as {
    items: { uri: string }[];
    counts: object;
  };
  assert.deepEqual(
    items.map(({ uri }) => uri.slice(4, 10)),
    ['g09990', 'g09991', 'g09992'],
  );
  assert.deepEqual(counts, { managed: 10_000, file: 0, matching: 10 });
});

test('who may do what, by which rule', async (t) => {
  const { get, put } = bench(t);
  await put({
    ...CREW_JSON,
    rules: [
      ...CREW_JSON.rules,
      {
        id: 'boss',
        when: { uris: ['sip:ada@example.net'] },
        grant: { expel: true, addUsers: true, anonymity: true },
      },
      { id: 'guests', when: { domains: [{ domain: 'other.org' }] }, grant: { conferenceState: true } },
      {
        id: 'later',
        when: { members: true, validity: [{ from: '2030-01-01T00:00:00Z', until: '2031-01-01T00:00:00Z' }] },
        grant: { expel: true },
      },
    ],
  });
  interface Row {
    user: string;
    displayName: string | null;
    isMember: boolean;
    applied: string[];
    [right: string]: unknown;
  }
  const rights = async (query = '') =>
    (await get(`${CREW_PATH}/rights${query}`)).body as {
      items: Row[];
      total: number;
      nextCursor: string | null;
    };
  const granted = ({ applied: _applied, user: _user, ...row }: Row) =>
    Object.entries(row)
      .filter(([, value]) => (value as { allowed?: boolean } | null)?.allowed === true)
      .map(([right, value]) => `${right} by ${(value as { rules: string[] }).rules.join('+')}`);
  const { items, total, nextCursor } = await rights('?limit=1');
  assert.deepEqual([items.length, total, nextCursor], [1, 2, '1']);
  assert.deepEqual(granted(items[0] as Row), [
    'initiate by members',
    'join by members',
    'invite by boss',
    'expel by boss',
    'beAnonymous by boss',
  ]);
  assert.equal(items[0]?.displayName, 'Ada');
  assert.deepEqual(
    (await rights('?cursor=1')).items.map(({ user }) => user),
    ['tel:+46700000003'],
  );
  const asked = await rights('?user=eve%40other.org&user=sip:%2B46700000003%40example.net;user=phone');
  assert.deepEqual(asked.items.map(granted), [
    ['subscribe by guests'],
    ['initiate by members', 'join by members'],
  ]);
  assert.deepEqual(
    asked.items.map(({ isMember }) => isMember),
    [false, true],
  );
  const later = await rights('?at=2030-06-01T00:00:00Z&cursor=1');
  assert.deepEqual(later.items.map(granted), [['initiate by members', 'join by members', 'expel by later']]);
  for (const bad of ['?user=http://%5B', '?at=yesterday', '?cursor=-1', `?${'user=a&'.repeat(51)}`]) {
    assert.equal((await get(`${CREW_PATH}/rights${bad}`)).status, 400, bad);
  }
  assert.equal((await rights('?user=mallory')).items[0]?.applied.length, 0);
});

test(`a group in two spellings is one: ${CREW}`, async (t) => {
  const { put, ask } = bench(t);
  await put(crewXml());
  const other = await ask(
    'POST',
    '/api/v1/groups',
    { 'content-type': XML },
    crewXml({ uri: 'sips:crew@EXAMPLE.NET:5061' }),
  );
  assert.equal(other.status, 409);
});
