/** Groups over REST: what is refused, and then changes nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { openRecords } from '../../../src/admin/records/database.ts';
import { asking } from './asking.ts';
import { CREW_JSON, CREW_PATH, crewXml } from './fake-groups.ts';
import { groupBench, NEW, refused, XML } from './group-bench.ts';

const INVALID: readonly [what: string, type: string, body: string, path: string, line?: number][] = [
  ['a bad count', XML, crewXml().replace('true<', 'perhaps<'), '/group/list-service/invite-members', 8],
  ['another group', XML, crewXml({ uri: 'sip:b@example.net' }), '/uri'],
  ['a factory', XML, crewXml({ uri: 'sip:factory@example.net' }), '/group/list-service/@uri'],
  ['a session', XML, crewXml({ uri: 'sip:im-s-1@example.net' }), '/group/list-service/@uri'],
  [
    'two groups',
    XML,
    crewXml().replace('</g:group>', '<g:list-service uri="sip:b@h"><g:list/></g:list-service></g:group>'),
    '/group',
  ],
  [
    'a list that is not there',
    XML,
    crewXml().replace('</g:list>', '<g:external anchor="x"/></g:list>'),
    '/group/list-service/list/external',
    7,
  ],
  ['no XML', XML, 'hello', '/', 1],
  ['entities', XML, `<!DOCTYPE g [<!ENTITY a "b">]>${crewXml()}`, '/', 1],
  ['depth', XML, '<a>'.repeat(100), '/a/a', 1],
  ['not UTF-8', XML, '<group>\u0000</group>', '/group', 1],
  ['no members', 'application/json', '{"uri":"sip:crew@example.net","inviteMembers":true,"rules":[]}', '/'],
  [
    'a wrong type',
    'application/json',
    JSON.stringify({ ...CREW_JSON, inviteMembers: 'true' }),
    '/inviteMembers',
  ],
  ['an unknown field', 'application/json', JSON.stringify({ ...CREW_JSON, admin: true }), '/'],
  [
    'a list that is not there, as JSON',
    'application/json',
    JSON.stringify({ ...CREW_JSON, externalLists: ['x'] }),
    '/group/list-service/list/external',
  ],
  ['no object', 'application/json', '[]', '/'],
  ['null', 'application/json', 'null', '/'],
];
for (const [what, type, body, path, line] of INVALID) {
  test(`422 names path and line: ${what}`, async (t) => {
    const room = groupBench(t);
    const { ask } = room;
    const { errors } = await refused(room, 'ADMIN_INVALID', () =>
      ask('PUT', CREW_PATH, { 'content-type': type, ...NEW }, body),
    );
    const found = errors?.find((error) => error.path.startsWith(path));
    assert(found !== undefined, JSON.stringify(errors));
    assert.equal(found.line, line);
  });
}

test('every fault is told, not the first alone', async (t) => {
  const { ask } = groupBench(t);
  const bad = crewXml({ members: ['a', 'b c', 'd'] }).replace('>true</g:join', '>maybe</g:join');
  const answer = await ask('POST', '/api/v1/groups/validate', { 'content-type': XML }, bad);
  assert.equal(answer.status, 422);
  assert.equal((answer.body as { errors: unknown[] }).errors.length, 2, answer.text);
});

test('validate shows both faces, and saves nothing', async (t) => {
  const { ask, left } = groupBench(t);
  const before = left();
  const answer = await ask(
    'POST',
    '/api/v1/groups/validate',
    { 'content-type': 'application/json' },
    JSON.stringify(CREW_JSON),
  );
  assert.equal(answer.status, 200, answer.text);
  const { json, xml, members } = answer.body as { json: unknown; xml: string; members: number };
  assert.deepEqual(json, CREW_JSON);
  assert.match(xml, /^<\?xml/);
  assert.equal(members, 2);
  assert.deepEqual(left(), before);
});

test('bodies that are no document at all', async (t) => {
  const room = groupBench(t);
  const { ask } = room;
  const put = (type: string, body?: string) => () =>
    ask('PUT', CREW_PATH, { ...NEW, ...(type === '' ? {} : { 'content-type': type }) }, body);
  await refused(room, 'ADMIN_MEDIA_TYPE', put('text/plain', 'x'));
  await refused(room, 'ADMIN_BAD_REQUEST', put('application/json', '{'));
  await refused(room, 'ADMIN_BAD_REQUEST', put('application/json', '{"__proto__":{"uri":1}}'));
  await refused(room, 'ADMIN_INVALID', put('', undefined));
  await refused(room, 'ADMIN_BODY_TOO_LARGE', put('application/xml', 'x'.repeat(2_097_153)));
  await refused(room, 'ADMIN_MEDIA_TYPE', () =>
    ask('POST', '/api/v1/tokens', { 'content-type': XML }, '<a/>'),
  );
});

for (const uri of ['tel:+4670', 'http://x', 'sip:', 'sip:@', '../../etc/passwd', 'a b', '<x>']) {
  test(`400 or 404 for the group ${JSON.stringify(uri)}`, async (t) => {
    const { get } = groupBench(t);
    const answer = await get(`/api/v1/groups/${encodeURIComponent(uri)}`);
    assert([400, 404].includes(answer.status), answer.text);
    assert.match(answer.text, /ADMIN_(BAD_PARAMETER|GROUP_NOT_FOUND)/);
  });
}

test('who may read may not edit', async (t) => {
  const records = openRecords(':memory:');
  const { ask } = asking(t, {}, { records, withoutToken: 'operator' });
  const json = { 'content-type': 'application/json', ...NEW };
  for (const [method, path] of [
    ['PUT', CREW_PATH],
    ['POST', '/api/v1/groups'],
    ['PATCH', CREW_PATH],
    ['DELETE', CREW_PATH],
    ['POST', `${CREW_PATH}/adopt`],
    ['POST', `${CREW_PATH}/versions/1/rollback`],
  ] as const) {
    const answer = await ask(method, path, json, JSON.stringify(CREW_JSON));
    assert.equal(answer.status, 403, `${method} ${path}`);
  }
  assert.equal(records.prepare('SELECT count(*) AS n FROM group_version').get()?.['n'], 0);
});
