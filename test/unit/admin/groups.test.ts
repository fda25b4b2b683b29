/** Groups over REST: both faces, and edits with their preconditions. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { etagOf } from '../../../src/admin/etag.ts';
import { CREW, CREW_JSON, CREW_PATH, crewXml } from './fake-groups.ts';
import { FILE, groupBench, NEW, refused, XML } from './group-bench.ts';

test('XML comes back as it was given, byte for byte, and as JSON', async (t) => {
  const { putXml, get, told } = groupBench(t);
  const xml = crewXml();
  const made = await putXml(xml);
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers['location'], CREW_PATH);
  assert.equal(told(), 1);
  const asXml = await get(CREW_PATH, { accept: XML });
  assert.equal(asXml.text, xml);
  assert.equal(asXml.headers['content-type'], XML);
  assert.equal(asXml.headers['etag'], etagOf(xml));
  assert.equal(asXml.headers['etag'], made.headers['etag']);
  assert.equal(asXml.headers['parley-version'], '1');
  const asJson = await get(CREW_PATH);
  assert.match(String(asJson.headers['content-type']), /^application\/json/);
  assert.deepEqual(asJson.body, {
    uri: CREW,
    displayName: 'Crew',
    members: [{ uri: 'sip:ada@example.net' }, { uri: 'sip:ben@example.net' }],
    inviteMembers: true,
    rules: [{ id: 'members', when: { members: true }, grant: { initiate: true, join: true } }],
  });
});

test('JSON comes back as it was given', async (t) => {
  const { putJson, get } = groupBench(t);
  assert.equal((await putJson(CREW_JSON)).status, 201);
  assert.deepEqual((await get(CREW_PATH)).body, CREW_JSON);
  assert.match((await get(CREW_PATH, { accept: 'text/xml' })).text, /<max-participant-count>5</);
});

for (const [accept, type] of [
  ['*/*', 'application/json; charset=utf-8'],
  ['application/xml', XML],
  [`${XML};q=0.5, application/json`, 'application/json; charset=utf-8'],
  [`${XML}, application/json;q=0.5`, XML],
  ['text/html', 'application/json; charset=utf-8'],
] as const) {
  test(`Accept: ${accept} is answered with ${type}`, async (t) => {
    const { get } = groupBench(t, [FILE]);
    assert.equal((await get(CREW_PATH, { accept })).headers['content-type'], type);
  });
}

test('any spelling of the address finds the group', async (t) => {
  const { putXml, get } = groupBench(t);
  await putXml(crewXml({ uri: 'sip:crew@Example.NET' }));
  for (const uri of [
    'crew@example.net',
    'sips:crew@example.net',
    'sip:crew@EXAMPLE.net:5060',
    'sip:%63rew@example.net',
  ]) {
    assert.equal((await get(`/api/v1/groups/${encodeURIComponent(uri)}`)).status, 200, uri);
  }
});

test('what one has already is 304', async (t) => {
  const { putXml, get } = groupBench(t);
  const { headers } = await putXml(crewXml());
  const again = await get(CREW_PATH, { 'if-none-match': String(headers['etag']) });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('the example of the description is a good document', async (t) => {
  const { get, ask } = groupBench(t);
  interface Description {
    components: { schemas: Record<string, { examples: readonly object[] }> };
  }
  const { components } = (await get('/openapi.json')).body as Description;
  const [example] = components.schemas['GroupDocument']?.examples ?? [];
  const json = { 'content-type': 'application/json' };
  const checked = await ask('POST', '/api/v1/groups/validate', json, JSON.stringify(example));
  assert.equal(checked.status, 200, checked.text);
  assert.deepEqual((checked.body as { json: unknown; warnings: string[] }).warnings, []);
});

test('POST makes a group, and one only', async (t) => {
  const room = groupBench(t);
  const { ask } = room;
  const post = () =>
    ask(
      'POST',
      '/api/v1/groups?comment=first',
      { 'content-type': 'application/json' },
      JSON.stringify(CREW_JSON),
    );
  const made = await post();
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers['location'], CREW_PATH);
  const body = made.body as Record<string, unknown>;
  assert.deepEqual(
    [body['source'], body['version'], body['members'], body['inForce']],
    ['managed', 1, 2, true],
  );
  await refused(room, 'ADMIN_CONFLICT', post);
});

test('an edit is made to the version that the editor saw', async (t) => {
  const room = groupBench(t);
  const { putXml, putJson, ask } = room;
  const first = String((await putXml(crewXml())).headers['etag']);
  await refused(room, 'ADMIN_PRECONDITION_NEEDED', () => putXml(crewXml({ name: 'B' }), {}));
  await refused(room, 'ADMIN_PRECONDITION_FAILED', () => putXml(crewXml({ name: 'B' }), NEW));
  const second = await putJson(CREW_JSON, { 'if-match': first });
  assert.equal(second.status, 200);
  const patch = (headers: Record<string, string>) =>
    ask(
      'PATCH',
      CREW_PATH,
      { 'content-type': 'application/merge-patch+json', ...headers },
      '{"displayName":"C"}',
    );
  for (const edit of [
    () => putXml(crewXml(), { 'if-match': first }),
    () => patch({ 'if-match': first }),
    () => ask('DELETE', CREW_PATH, { 'if-match': first }),
  ]) {
    await refused(room, 'ADMIN_PRECONDITION_FAILED', edit);
  }
  await refused(room, 'ADMIN_PRECONDITION_NEEDED', () => patch({}));
  await refused(room, 'ADMIN_PRECONDITION_NEEDED', () => ask('DELETE', CREW_PATH));
  await refused(room, 'ADMIN_PRECONDITION_FAILED', () =>
    putXml(
      crewXml({ uri: 'sip:b@example.net' }),
      { 'if-match': '*' },
      '/api/v1/groups/sip%3Ab%40example.net',
    ),
  );
});

test('the same document again is no new version', async (t) => {
  const { putXml, left } = groupBench(t);
  const { headers } = await putXml(crewXml());
  const before = left();
  const again = await putXml(crewXml(), { 'if-match': String(headers['etag']) });
  assert.equal(again.status, 200);
  assert.deepEqual(left(), before);
});

test('a merge patch changes what it names and removes what is null', async (t) => {
  const { putJson, ask, get } = groupBench(t);
  const etag = String((await putJson(CREW_JSON)).headers['etag']);
  const patch = { displayName: 'New', maxParticipants: null };
  const answer = await ask(
    'PATCH',
    `${CREW_PATH}?comment=fewer`,
    { 'content-type': 'application/merge-patch+json', 'if-match': etag },
    JSON.stringify(patch),
  );
  assert.equal(answer.status, 200, answer.text);
  const { maxParticipants: _gone, ...rest } = CREW_JSON;
  assert.deepEqual((await get(CREW_PATH)).body, { ...rest, displayName: 'New' });
});

test('a patch is not put over an edit that came while it was applied', async (t) => {
  let meanwhile = () => {};
  const { putJson, ask, left, db } = groupBench(t, [], {
    resolveList: () => {
      meanwhile();
      return [];
    },
  });
  await putJson({ ...CREW_JSON, externalLists: ['list'] });
  meanwhile = () => {
    db.exec(`UPDATE group_document SET etag = '"another"'`);
  };
  const headers = { 'content-type': 'application/merge-patch+json', 'if-match': '*' };
  const answer = await ask('PATCH', CREW_PATH, headers, '{"displayName":"One"}');
  assert.equal(answer.status, 412, answer.text);
  assert.equal(left().versions.length, 1);
});

test('DELETE removes it; its file, where there is one, counts again', async (t) => {
  const { putXml, ask, get } = groupBench(t);
  const etag = String((await putXml(crewXml())).headers['etag']);
  assert.equal((await ask('DELETE', CREW_PATH, { 'if-match': etag })).status, 204);
  assert.equal((await get(CREW_PATH)).status, 404);
  const kept = groupBench(t, [FILE]);
  const adopted = await kept.ask('POST', `${CREW_PATH}/adopt`);
  assert.equal(adopted.status, 201);
  assert.equal((await kept.get(CREW_PATH)).headers['parley-source'], 'managed');
  await kept.ask('DELETE', CREW_PATH, { 'if-match': String(adopted.headers['etag']) });
  assert.equal((await kept.get(CREW_PATH)).headers['parley-source'], 'file');
});

test('a group of a file is read, not edited; adopted it is', async (t) => {
  const room = groupBench(t, [FILE]);
  const { ask, get, putXml } = room;
  const read = await get(CREW_PATH, { accept: XML });
  assert.equal(read.text, FILE.xml);
  const etag = String(read.headers['etag']);
  const merge = { 'content-type': 'application/merge-patch+json', 'if-match': etag };
  for (const edit of [
    () => putXml(crewXml({ name: 'B' }), { 'if-match': etag }),
    () => putXml(crewXml({ name: 'B' })),
    () => ask('POST', '/api/v1/groups', { 'content-type': XML }, crewXml({ name: 'B' })),
    () => ask('PATCH', CREW_PATH, merge, '{"displayName":"B"}'),
    () => ask('DELETE', CREW_PATH, { 'if-match': etag }),
  ]) {
    const { detail } = await refused(room, 'ADMIN_GROUP_IN_FILE', edit);
    assert.match(detail, /kept in \/etc\/groups\/crew\.xml: edit that file, or .*\/adopt/);
  }
  const adopted = await ask('POST', `${CREW_PATH}/adopt`);
  assert.equal((adopted.body as Record<string, unknown>)['origin'], 'file:/etc/groups/crew.xml');
  assert.equal(adopted.headers['etag'], etag, 'the same bytes');
  assert.equal((await putXml(crewXml({ name: 'B' }), { 'if-match': etag })).status, 200);
  await refused(room, 'ADMIN_CONFLICT', () => ask('POST', `${CREW_PATH}/adopt`));
});

test('of a file with two groups one is adopted alone', async (t) => {
  const two = crewXml().replace(
    '</g:group>',
    '<g:list-service uri="sip:b@example.net"><g:list/></g:list-service></g:group>',
  );
  const { ask, get } = groupBench(t, [{ ...FILE, xml: two }]);
  assert.equal((await ask('POST', `${CREW_PATH}/adopt`)).status, 201);
  const { text } = await get(CREW_PATH, { accept: XML });
  assert.doesNotMatch(text, /sip:b@/);
  assert.match(text, /sip:ada@/);
});

test('who changed what is in the audit log', async (t) => {
  const { putXml, ask, audit } = groupBench(t);
  const first = String((await putXml(crewXml())).headers['etag']);
  const second = String((await putXml(crewXml({ members: ['ada'] }), { 'if-match': first })).headers['etag']);
  await ask('DELETE', CREW_PATH, { 'if-match': second });
  const told = audit
    .find({ limit: 10 })
    .map(({ who, action, target, before, after }) => ({ who, action, target, before, after }));
  const one = { version: 1, etag: first, members: 2 };
  const two = { version: 2, etag: second, members: 1 };
  const of = { who: 'loopback', target: CREW };
  assert.deepEqual(told, [
    { ...of, action: 'group.delete', before: two, after: null },
    { ...of, action: 'group.replace', before: one, after: two },
    { ...of, action: 'group.create', before: null, after: one },
  ]);
});

for (const [what, changed] of [
  [
    'does not answer',
    () => {
      throw new Error('busy');
    },
  ],
  ['cannot take it', () => [CREW]],
] as const) {
  test(`a focus that ${what}: it is saved, and said not to be in force`, async (t) => {
    const { putXml, get } = groupBench(t, [], { changed });
    const made = await putXml(crewXml());
    assert.deepEqual([made.status, (made.body as Record<string, unknown>)['inForce']], [201, false]);
    assert.equal((await get(CREW_PATH)).status, 200);
  });
}

test('the warnings of a document that nobody can use', async (t) => {
  const { putXml } = groupBench(t);
  const made = await putXml(
    crewXml({ uri: 'sip:crew@elsewhere.org', rights: 'false' }),
    NEW,
    '/api/v1/groups/crew%40elsewhere.org',
  );
  const { warnings } = made.body as { warnings: string[] };
  assert.equal(warnings.length, 2);
  assert.match(warnings.join(), /not in sip\.domain.*nobody can set the group up/);
});
