import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import {
  faultLine,
  formatTable,
  RestClient,
  type RestError,
  type RestOptions,
  restOptionsOf,
  withRest,
} from '../../../src/cli/rest.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { folder } from '../config/config-folder.ts';
import { captured } from './run-command.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An interface that answers everything the same; keeps what it was asked. */
async function serving(
  t: TestContext,
  answer: (response: ServerResponse) => void,
  options: Partial<RestOptions> = {},
) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, url, rest: new RestClient({ url, ...options }) };
}

const ok = (response: ServerResponse) => response.end('{"items":[1]}');

function problem(status: number, body: object) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
  };
}

test('asks with its token, its query and JSON', async (t) => {
  const { rest, asked } = await serving(t, ok, { token: 'parley_a_b' });
  const body = await rest.json('POST', '/api/v1/groups', {
    query: { q: 'a b&c', n: 1, none: undefined },
    body: { a: 1 },
  });
  assert.deepEqual(body, { items: [1] });
  const [one] = asked;
  assert.equal(one?.method, 'POST');
  assert.equal(one?.url, '/api/v1/groups?q=a+b%26c&n=1');
  assert.equal(one?.headers['authorization'], 'Bearer parley_a_b');
  assert.equal(one?.headers['content-type'], 'application/json');
  assert.equal(one?.body, '{"a":1}');
});

test('text is sent as it is; without a token there is no authorization', async (t) => {
  const { rest, asked } = await serving(t, ok);
  await rest.ask('PUT', '/x', { body: '<group/>', headers: { 'content-type': 'application/xml' } });
  assert.equal(asked[0]?.body, '<group/>');
  assert.equal(asked[0]?.headers['content-type'], 'application/xml');
  assert.equal(asked[0]?.headers['authorization'], undefined);
});

test('the path of a proxy before the interface is kept', async (t) => {
  const { url, asked } = await serving(t, ok);
  await new RestClient({ url: `${url}/parley/` }).ask('GET', '/api/v1/version');
  assert.equal(asked[0]?.url, '/parley/api/v1/version');
});

test('a problem is one line with its code, and its faults', async (t) => {
  const errors = [{ path: '/group/list-service', line: 3, column: 5, message: 'no uri' }];
  const { rest, url } = await serving(
    t,
    problem(422, { detail: 'one\nfault', code: 'ADMIN_INVALID', errors }),
  );
  await assert.rejects(rest.ask('PUT', '/x'), (error: RestError) => {
    assert.equal(error.message, 'one fault (ADMIN_INVALID)');
    assert.deepEqual([error.status, error.code, error.faults], [422, 'ADMIN_INVALID', errors]);
    return true;
  });
  const run = () =>
    withRest('group put', new Map([['url', url]]), async (client) => {
      await client.ask('PUT', '/x');
      return 0;
    });
  const told = await captured(t, run);
  assert.equal(told.status, 1);
  assert.equal(
    told.err,
    'parley: group put: one fault (ADMIN_INVALID)\n  3:5: /group/list-service: no uri\n',
  );
});

test('who has no token is told where commands take it from', async (t) => {
  const { rest } = await serving(
    t,
    problem(401, { code: 'ADMIN_TOKEN_NEEDED', detail: 'a token is needed' }),
  );
  await assert.rejects(rest.ask('GET', '/x'), {
    message: 'a token is needed (ADMIN_TOKEN_NEEDED); PARLEY_TOKEN gives one to commands',
  });
});

test('where nobody listens it is asked whether the focus runs', async () => {
  const gone = new RestClient({ url: `http://127.0.0.1:${await freePort()}` });
  await assert.rejects(gone.ask('GET', '/x'), /does not answer: nobody listens there\. Is the focus running/);
});

test('an answer that is not of an admin interface is said to be none', async (t) => {
  const html = await serving(t, (response) =>
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>'),
  );
  await assert.rejects(html.rest.ask('GET', '/x'), /the answer is 404, and not of an admin interface/);
  const text = await serving(t, (response) => response.end('hello'));
  await assert.rejects(text.rest.json('GET', '/x'), /what is no JSON/);
  const broken = await serving(t, (response) =>
    response.writeHead(400, { 'content-type': 'application/problem+json' }).end('null'),
  );
  await assert.rejects(broken.rest.ask('GET', '/x'), /the answer is 400/);
});

test('a redirect is not followed: another would get the token', async (t) => {
  const target = await serving(t, ok);
  const { rest } = await serving(t, (response) => response.writeHead(302, { location: target.url }).end(), {
    token: 'parley_a_b',
  });
  await assert.rejects(rest.ask('GET', '/x'), /the answer is 302/);
  assert.equal(target.asked.length, 0);
});

test('an endless answer and none at all end', async (t) => {
  const long = await serving(t, (response) => response.end('x'.repeat(2_000)), { maxBytes: 1_000 });
  await assert.rejects(long.rest.ask('GET', '/x'), /longer than 1000 bytes/);
  const silent = await serving(t, () => undefined, { timeoutMs: 50 });
  await assert.rejects(silent.rest.ask('GET', '/x'), /does not answer: nothing came in 0.05 s/);
});

test('nobody there: one line, status 1', async (t) => {
  const { url } = await serving(t, ok);
  const free = new URL(url);
  free.port = '1';
  const told = await captured(t, () =>
    withRest('groups', new Map([['url', free.origin]]), async (client) => {
      await client.ask('GET', '/x');
      return 0;
    }),
  );
  assert.equal(told.status, 1);
  assert.match(told.err, /^parley: groups: http:\/\/127\.0\.0\.1:1 does not answer: .+\n$/);
});

for (const url of ['127.0.0.1:8085', 'ftp://h', '', 'http://u:p@h', 'http://h/?a', 'http://h/#a']) {
  test(`--url ${JSON.stringify(url)} is refused`, () => {
    assert.throws(() => new RestClient({ url }), /--url (must be like|may have)/);
  });
}

test('the address is that of the configuration, the token that of the flag or PARLEY_TOKEN', (t) => {
  const options = (yaml: string, env = {}, flags: [string, string][] = []) =>
    restOptionsOf(new Map([['config', folder(t, yaml)], ...flags]), env);
  assert.deepEqual(options('{}'), { url: 'http://127.0.0.1:8085' });
  assert.deepEqual(options('admin: { listen: "0.0.0.0:9" }'), { url: 'http://127.0.0.1:9' });
  assert.deepEqual(options('admin: { listen: "[::]:9" }'), { url: 'http://[::1]:9' });
  assert.deepEqual(options('{}', { PARLEY_TOKEN: 't' }), { url: 'http://127.0.0.1:8085', token: 't' });
  assert.equal(options('{}', { PARLEY_TOKEN: 't' }, [['token', 'u']])?.token, 'u');
  assert.equal(options('{}', { PARLEY_TOKEN: '' })?.token, undefined);
  assert.throws(() => options('admin: { listen: "127.0.0.1:0" }'), /say with --url/);
});

test('a table: titles, numbers to the right, no command to the terminal', () => {
  const rows = [
    { name: 'a', count: 5 },
    { name: 'bcd\u001b[2J\u202e', count: 10 },
  ];
  const table = formatTable(rows, [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'COUNT', of: ({ count }) => count, isRight: true },
    { title: 'LAST', of: () => null },
  ]);
  assert.equal(
    table,
    ['NAME      COUNT  LAST', 'a             5', 'bcd\u{fffd}[2J\u{fffd}     10', ''].join('\n'),
  );
  assert.equal(formatTable([], []), '');
});

test('a fault of JSON has no line', () => {
  assert.equal(faultLine({ path: '/members/0/uri', message: 'not a URI' }), '/members/0/uri: not a URI');
});
