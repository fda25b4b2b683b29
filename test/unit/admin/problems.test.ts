import assert from 'node:assert/strict';
import test from 'node:test';
import { type Answer, asking } from './asking.ts';
import { session, sessionsOf, summary } from './fake-view.ts';

function assertProblem(answer: Answer, status: number, code: string, detail: RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  const problem = answer.body as Record<string, unknown>;
  assert.deepEqual(
    ['type', 'title', 'status', 'detail', 'code'].filter((name) => !(name in problem)),
    [],
  );
  assert.equal(problem['status'], status);
  assert.equal(problem['code'], code);
  assert.equal(problem['type'], `urn:parley:problem:${code}`);
  assert.match(String(problem['detail']), detail);
}

const BAD_PARAMETERS: readonly (readonly [url: string, parameter: string, detail: RegExp])[] = [
  ['/api/v1/sessions?limit=0', 'limit', /"limit" must be >= 1/],
  ['/api/v1/sessions?limit=501', 'limit', /"limit" must be <= 500/],
  ['/api/v1/sessions?limit=ten', 'limit', /"limit" must be integer/],
  ['/api/v1/sessions?limit=', 'limit', /"limit" must be integer/],
  ['/api/v1/sessions?limit=1&limit=2', 'limit', /"limit" must be integer/],
  ['/api/v1/sessions?kind=room', 'kind', /"kind" must be one of ad-hoc, group/],
  ['/api/v1/sessions?phase=gone', 'phase', /"phase" must be one of forming, active, ending/],
  ['/api/v1/sessions?user=', 'user', /"user" must NOT have fewer/],
  ['/api/v1/sessions?user=http://%5Bx', 'user', /"user" is no SIP or tel URI/],
  [`/api/v1/sessions?user=${'a'.repeat(513)}`, 'user', /"user" must NOT have more than 512/],
  ['/api/v1/sessions?users=sip:a@b', 'users', /"users" is not known here/],
  ['/api/v1/sessions?__proto__=1', '__proto__', /"__proto__" is not known here/],
  ['/api/v1/sessions?cursor=abc', 'cursor', /"cursor" is not a cursor/],
  ['/api/v1/sessions?cursor=WzEsMl0', 'cursor', /"cursor" is not a cursor/],
  ['/api/v1/sessions?cursor=WyJhIiwiYiIsImMiXQ', 'cursor', /"cursor" is not a cursor/],
  ['/api/v1/sessions/', 'id', /path parameter "id" must NOT have fewer/],
  ['/api/v1/sessions/a%2Fb', 'id', /path parameter "id" must match/],
  ['/api/v1/sessions/im-s-1?verbose=1', 'verbose', /"verbose" is not known here/],
  ['/api/v1/sessions/im-s-1/decisions?status=200', 'status', /"status" is not known here/],
  ['/api/v1/decisions?status=99', 'status', /"status" must be >= 100/],
  ['/api/v1/decisions?session=a/b', 'session', /"session" must match/],
  ['/api/v1/decisions?callId=', 'callId', /"callId" must NOT have fewer/],
  ['/api/v1/switches?limit=3', 'limit', /"limit" is not known here/],
  ['/api/v1/groups?members=3', 'members', /"members" is not known here/],
  ['/api/v1/groups?cursor=abc', 'cursor', /"cursor" is not a cursor/],
  ['/api/v1/groups?source=both', 'source', /"source" must be one of managed, file/],
  ['/api/v1/version?x=1', 'x', /"x" is not known here/],
];
for (const [url, parameter, detail] of BAD_PARAMETERS) {
  test(`400 names the parameter: ${url.slice(0, 60)}`, async (t) => {
    const answer = await asking(t, sessionsOf([session('im-s-1')])).get(url);
    assertProblem(answer, 400, 'ADMIN_BAD_PARAMETER', detail);
    assert.equal((answer.body as Record<string, unknown>)['parameter'], parameter);
  });
}

test('the name of an unknown parameter is repeated only in part', async (t) => {
  const { text } = await asking(t).get(`/api/v1/sessions?${'x'.repeat(1_000)}=1`);
  assert(text.length < 500, `${text.length} characters`);
});

for (const url of ['/nowhere', '/api/v1', '/api/v2/sessions', '/livez/x', '//livez']) {
  test(`404 for ${url}`, async (t) => {
    assertProblem(await asking(t).get(url), 404, 'ADMIN_NOT_FOUND', /nothing is served/);
  });
}

test('404 for a session that is not there', async (t) => {
  const answer = await asking(t).get('/api/v1/sessions/im-s-9');
  assertProblem(answer, 404, 'ADMIN_SESSION_NOT_FOUND', /im-s-9/);
});

for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
  test(`405 with Allow for ${method}, its body unread`, async (t) => {
    const answer = await asking(t).ask(
      method,
      '/api/v1/version?x=1',
      { 'content-type': 'text/odd' },
      method === 'TRACE' ? undefined : '{',
    );
    assertProblem(answer, 405, 'ADMIN_METHOD_NOT_ALLOWED', /GET, HEAD/);
    assert.equal(answer.headers['allow'], 'GET, HEAD');
    if (method !== 'TRACE') assert.equal(answer.headers['connection'], 'close');
  });
}

test('405 whatever the query', async (t) => {
  assertProblem(await asking(t).ask('DELETE', '/livez?x=1'), 405, 'ADMIN_METHOD_NOT_ALLOWED', /GET, HEAD/);
});

test('405 is for paths that exist: elsewhere POST is 404', async (t) => {
  assertProblem(await asking(t).ask('POST', '/nowhere', {}, 'x'), 404, 'ADMIN_NOT_FOUND', /nothing/);
});

test('414 for a long URL and for a long path parameter', async (t) => {
  const { get } = asking(t, {}, { limits: { maxUrlChars: 200, maxParamChars: 50 } });
  assert.equal((await get(`/api/v1/decisions?callId=${'x'.repeat(200 - 25)}`)).status, 200);
  assertProblem(await get(`/livez?${'x'.repeat(200)}`), 414, 'ADMIN_URL_TOO_LONG', /200 characters/);
  assertProblem(await get(`/nowhere/${'x'.repeat(200)}`), 414, 'ADMIN_URL_TOO_LONG', /200 characters/);
  assertProblem(
    await get(`/api/v1/sessions/${'x'.repeat(51)}`),
    414,
    'ADMIN_URL_TOO_LONG',
    /part of the path/,
  );
});

test('400 for a path that is not percent-encoded rightly', async (t) => {
  assertProblem(await asking(t).get('/api/v1/sessions/%zz'), 400, 'ADMIN_BAD_REQUEST', /could not be read/);
});

test('421 on loopback for a Host that a foreign web page could have made', async (t) => {
  const { get } = asking(t);
  assertProblem(
    await get('/api/v1/sessions', { host: 'evil.example' }),
    421,
    'ADMIN_HOST_REFUSED',
    /localhost/,
  );
  assert.equal((await get('/api/v1/sessions', { host: '127.0.0.1:8080' })).status, 200);
  const open = asking(t, {}, { host: '0.0.0.0' });
  assert.equal((await open.get('/api/v1/sessions', { host: 'focus-1.example' })).status, 200);
});

test('500 says nothing of what happened; the log does', async (t) => {
  const { get, lines } = asking(t, {
    switches: () => {
      throw Object.assign(new Error('SELECT secret FROM x'), { code: 'STORE_BROKEN' });
    },
  });
  const answer = await get('/api/v1/switches');
  assertProblem(answer, 500, 'ADMIN_INTERNAL', /the log says why/);
  assert.doesNotMatch(answer.text, /SELECT|STORE_|\.ts/);
  const line = lines.find(({ msg }) => msg === 'admin request failed');
  assert.match(JSON.stringify(line), /SELECT secret/);
});

test('a view that gives half an item is a 500, not half an answer', async (t) => {
  const { identity: _gone, ...half } = summary('im-s-1');
  const { get } = asking(t, {
    sessions: () => ({ items: [half as ReturnType<typeof summary>], nextCursor: null }),
  });
  const answer = await get('/api/v1/sessions');
  assertProblem(answer, 500, 'ADMIN_INTERNAL', /log/);
  assert.doesNotMatch(answer.text, /identity/);
});
