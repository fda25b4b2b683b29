/** XCAP (RFC 4825) for whole group documents. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { etagOf } from '../../../src/admin/etag.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { readXml } from '../../../src/xml/reader.ts';
import { type Answer, asking } from './asking.ts';
import { CREW, CREW_PATH, crewXml, type FakeFile, fakeGroups } from './fake-groups.ts';
import { FILE, groupBench, XML } from './group-bench.ts';

const ROOT = '/xcap-root/org.openmobilealliance.groups';
const DOC = `${ROOT}/users/sip%3Aada%40example.net/crew.xml`;

function bench(t: TestContext, files: readonly FakeFile[] = []) {
  const room = groupBench(t, files);
  const put = (path: string, xml: string, headers: Record<string, string> = {}) =>
    room.ask('PUT', path, { 'content-type': XML, ...headers }, xml);
  /** Asserts a 409 with this element, and that nothing was changed. */
  const conflicts = async (element: string, run: () => Promise<Answer>, phrase = /./) => {
    const before = room.left();
    const answer = await run();
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.headers['content-type'], 'application/xcap-error+xml');
    const [why] = readXml(answer.text).children;
    assert.equal(why?.local, element, answer.text);
    assert.match(answer.text, phrase);
    assert.deepEqual(room.left(), before);
  };
  return { ...room, put, conflicts };
}

test('a document is put, read, replaced and deleted; the group is one of REST', async (t) => {
  const { put, get, ask } = bench(t);
  assert.equal((await get(DOC)).status, 404);
  const made = await put(DOC, crewXml());
  assert.deepEqual([made.status, made.text, made.headers['etag']], [201, '', etagOf(crewXml())]);
  const read = await get(DOC);
  assert.deepEqual([read.text, read.headers['content-type']], [crewXml(), XML]);
  assert.equal((await get(DOC, { 'if-none-match': etagOf(crewXml()) })).status, 304);
  assert.equal((await ask('HEAD', DOC)).status, 200);
  assert.equal(
    (await put(DOC, crewXml({ name: 'B' }))).status,
    200,
    'without a condition to whatever is there',
  );
  assert.equal(((await get(CREW_PATH)).body as { displayName: string }).displayName, 'B');
  const etag = etagOf(crewXml({ name: 'B' }));
  const edited = await ask(
    'PUT',
    CREW_PATH,
    { 'content-type': XML, 'if-match': etag },
    crewXml({ name: 'C' }),
  );
  assert.equal(edited.status, 200);
  assert.equal((await get(DOC)).text, crewXml({ name: 'C' }), 'an edit over REST stays at its place');
  assert.equal((await ask('DELETE', DOC)).status, 200);
  assert.equal((await get(DOC)).status, 404);
  assert.equal((await get(CREW_PATH)).status, 404);
});

test('conditions', async (t) => {
  const { put, ask, left } = bench(t);
  assert.equal((await put(DOC, crewXml(), { 'if-match': '*' })).status, 412);
  assert.equal((await put(DOC, crewXml(), { 'if-none-match': '*' })).status, 201);
  const before = left();
  assert.equal((await put(DOC, crewXml({ name: 'B' }), { 'if-none-match': '*' })).status, 412);
  assert.equal((await put(DOC, crewXml({ name: 'B' }), { 'if-match': '"other"' })).status, 412);
  assert.equal((await ask('DELETE', DOC, { 'if-match': '"other"' })).status, 412);
  assert.deepEqual(left(), before);
  assert.equal((await ask('DELETE', DOC, { 'if-match': etagOf(crewXml()) })).status, 200);
});

test('a group of REST or of a file is found by its address', async (t) => {
  const { put, get, conflicts, ask } = bench(t, [FILE]);
  const path = `${ROOT}/global/${encodeURIComponent(CREW)}`;
  assert.equal((await get(path)).text, FILE.xml);
  await conflicts('constraint-failure', () => put(path, crewXml({ name: 'B' })), /kept in/);
  await conflicts('constraint-failure', () => ask('DELETE', path), /kept in/);
  await conflicts('uniqueness-failure', () => put(DOC, crewXml()));
  await ask('POST', `${CREW_PATH}/adopt`);
  assert.equal((await put(path, crewXml({ name: 'B' }))).status, 200);
  assert.equal((await get(DOC)).status, 404);
});

test('the global tree, and one group at one place only', async (t) => {
  const { put, get, conflicts } = bench(t);
  assert.equal((await put(`${ROOT}/global/staff`, crewXml())).status, 201);
  assert.equal(
    (await get(`${ROOT}/global/${encodeURIComponent(CREW)}`)).status,
    404,
    'it has a place of its own',
  );
  await conflicts(
    'uniqueness-failure',
    () => put(DOC, crewXml({ name: 'B' })),
    /field="group\/list-service\/@uri"/,
  );
  await conflicts('constraint-failure', () =>
    put(`${ROOT}/global/staff`, crewXml({ uri: 'sip:b@example.net' })),
  );
  assert.equal((await put(DOC, crewXml({ uri: 'sip:b@example.net' }))).status, 201);
  const other = '/xcap-root/org.openmobilealliance.groups/users/sips:ada@EXAMPLE.net/crew.xml';
  assert.equal((await get(other)).status, 200, 'the same user');
});

test('by the address of the group: the same document as at its own place', async (t) => {
  const { put, get, ask, conflicts } = bench(t, [FILE]);
  const by = (uri: string) => `${ROOT}/global/byGroupID/${encodeURIComponent(uri)}`;
  assert.equal((await get(by(CREW))).text, FILE.xml, 'of a file');
  await conflicts('constraint-failure', () => put(by(CREW), crewXml({ name: 'B' })), /kept in/);

  const uri = 'sip:staff@example.net';
  const own = crewXml({ uri });
  assert.equal((await get(by(uri))).status, 404);
  await conflicts(
    'constraint-failure',
    () => put(by('sip:others@example.net'), own),
    /sip:staff@example\.net, not sip:others@example\.net/,
  );
  await conflicts('constraint-failure', () => put(by('others'), own));
  const made = await put(by(uri), own, { 'if-none-match': '*' });
  assert.deepEqual([made.status, made.headers['etag']], [201, etagOf(own)]);
  for (const path of [by(uri), by('sip:staff@EXAMPLE.net'), `${ROOT}/global/${encodeURIComponent(uri)}`]) {
    assert.equal((await get(path)).text, own, path);
  }
  assert.equal((await put(by(uri), own, { 'if-none-match': '*' })).status, 412);
  assert.equal((await ask('DELETE', by(uri), { 'if-match': '"other"' })).status, 412);
  assert.equal((await ask('DELETE', by(uri))).status, 200);
  assert.equal((await get(by(uri))).status, 404);
  assert.equal((await ask('DELETE', by(uri))).status, 404);
});

test('by its address, a document of a user keeps its place', async (t) => {
  const { put, get, ask } = bench(t);
  const by = `${ROOT}/global/byGroupID/${encodeURIComponent(CREW)}`;
  assert.equal((await put(DOC, crewXml())).status, 201);
  assert.equal((await get(by)).text, crewXml());
  assert.equal((await get(by, { 'if-none-match': etagOf(crewXml()) })).status, 304);
  assert.equal((await put(by, crewXml({ name: 'B' }), { 'if-match': etagOf(crewXml()) })).status, 200);
  assert.equal((await get(DOC)).text, crewXml({ name: 'B' }));
  assert.equal((await get(`${by}/~~/group/list-service`)).status, 501);
  assert.equal((await ask('DELETE', by)).status, 200);
  assert.equal((await get(DOC)).status, 404);
});

const CONFLICTS: readonly [what: string, element: string, xml: string][] = [
  ['no XML', 'not-well-formed', 'hello'],
  ['cut', 'not-well-formed', crewXml().slice(0, 400)],
  ['entities', 'constraint-failure', `<!DOCTYPE a [<!ENTITY b "c">]>${crewXml()}`],
  ['depth', 'constraint-failure', '<a>'.repeat(100)],
  ['against the schema', 'schema-validation-error', crewXml().replace('true<', 'perhaps<')],
  [
    'another document',
    'schema-validation-error',
    '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>',
  ],
  [
    'two groups',
    'constraint-failure',
    crewXml().replace('</g:group>', '<g:list-service uri="sip:b@h"><g:list/></g:list-service></g:group>'),
  ],
  ['a factory', 'constraint-failure', crewXml({ uri: 'sip:factory@example.net' })],
];
for (const [what, element, xml] of CONFLICTS) {
  test(`409 ${element}: ${what}`, async (t) => {
    const { put, conflicts } = bench(t);
    await conflicts(element, () => put(DOC, xml));
  });
}

test('409 not-utf-8', async (t) => {
  const { put, conflicts } = bench(t);
  await conflicts('not-utf-8', () => put(DOC, crewXml().replace('UTF-8', 'ISO-8859-1')));
});

test('what is refused otherwise', async (t) => {
  const { put, get, ask, left } = bench(t);
  const before = left();
  const many = 'x'.repeat(256);
  const answers: [string, number, Promise<Answer>][] = [
    ['JSON', 415, ask('PUT', DOC, { 'content-type': 'application/json' }, '{}')],
    ['plain XML', 415, ask('PUT', DOC, { 'content-type': 'application/xml' }, crewXml())],
    ['text', 415, ask('PUT', DOC, { 'content-type': 'text/plain' }, 'x')],
    ['no type', 415, ask('PUT', DOC)],
    ['an element', 501, get(`${DOC}/~~/group/list-service`)],
    ['an escaped element', 501, ask('PUT', `${DOC}/%7e%7e/group`, { 'content-type': XML }, '<a/>')],
    ['a folder', 404, get(`${DOC}/more`)],
    ['a slash in a name', 400, put(`${ROOT}/global/a%2Fb`, crewXml())],
    ['a slash back', 400, put(`${ROOT}/global/..%5C..%5Cb`, crewXml())],
    ['a null', 400, put(`${ROOT}/global/a%00b`, crewXml())],
    ['a long name', 400, put(`${ROOT}/global/${many}`, crewXml())],
    ['no user', 400, put(`${ROOT}/users/nobody/crew`, crewXml())],
    ['a user that is a path', 400, put(`${ROOT}/users/..%2F..%2Fetc/crew`, crewXml())],
    ['a query', 400, put(`${DOC}?x=1`, crewXml())],
    ['another usage', 404, put('/xcap-root/resource-lists/users/sip:a@h/index', crewXml())],
    ['POST', 405, ask('POST', DOC, { 'content-type': XML }, crewXml())],
  ];
  for (const [what, status, answer] of answers)
    assert.equal((await answer).status, status, `${what}: ${(await answer).text}`);
  assert.deepEqual(left(), before);
});

test('who may read may not put', async (t) => {
  const records = openRecords(':memory:');
  const { ask } = asking(t, {}, { records, groups: fakeGroups(), withoutToken: 'operator' });
  assert.equal((await ask('PUT', DOC, { 'content-type': XML }, crewXml())).status, 403);
  assert.equal((await ask('DELETE', DOC)).status, 403);
  assert.equal((await ask('GET', DOC)).status, 404);
});

test('it says what it can', async (t) => {
  const { get } = bench(t);
  const answer = await get('/xcap-root/xcap-caps/global/index');
  assert.equal(answer.headers['content-type'], 'application/xcap-caps+xml');
  assert.match(
    readXml(answer.text)
      .children[0]?.children.map(({ text }) => text)
      .join() ?? '',
    /org\.openmobilealliance\.groups/,
  );
});
