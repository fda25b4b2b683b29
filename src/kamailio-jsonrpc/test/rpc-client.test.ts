import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { KamailioRpcClient, type KamailioRpcClientOptions } from '../index.ts';

const SECRET = 'unit-secret-0123456789';
const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: unknown[];
}

type Answer = (call: Call, response: ServerResponse, request: IncomingMessage) => void;

/** An HTTP server in Kamailio's place, and a client of it. */
async function start(t: TestContext, answer: Answer, options: Partial<KamailioRpcClientOptions> = {}) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(JSON.parse(Buffer.concat(chunks).toString()) as Call, response, request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const client = new KamailioRpcClient({
    url: `http://127.0.0.1:${port}`,
    secret: SECRET,
    log: quiet,
    ...options,
  });
  t.after(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, server };
}

const result =
  (value: unknown): Answer =>
  ({ id }, response) => {
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: value }));
  };
const fault =
  (code: number): Answer =>
  ({ id }, response) => {
    response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'no' } }));
  };
const invite = {
  method: 'INVITE',
  requestUri: 'sip:a@b',
  sendSocket: 'udp:127.0.0.1:5060',
  headers: [['From', '<sip:a@b>;tag=1']] as const,
};
const reply = { code: 180, reason: 'Ringing', toTag: 't', headers: [] };

test('each call carries the secret, its length, and what Kamailio reads as SIP headers', async (t) => {
  let seen: IncomingMessage | undefined;
  let called: Call | undefined;
  const { client } = await start(t, (call, response, request) => {
    seen = request;
    called = call;
    result({})(call, response, request);
  });
  await client.startRequest({ ...invite, nextHop: 'sip:c' });
  assert.equal(seen?.url, '/RPC');
  assert.equal(seen?.headers['x-im-secret'], SECRET);
  assert.ok(Number(seen?.headers['content-length']) > 0);
  assert.ok(seen?.headers['call-id'] !== undefined && seen?.headers['cseq'] !== undefined);
  assert.deepEqual(called?.params, [
    'INVITE',
    'sip:a@b',
    'sip:c',
    'udp:127.0.0.1:5060',
    'From: <sip:a@b>;tag=1\r\nX-IM-Uac: plain\r\n',
  ]);
  await client.startRequest(invite);
  assert.equal(called?.params[2], '.');
});

test('a reply is sent, or not pending, or an error', async (t) => {
  let answer: Answer = result({});
  const { client } = await start(t, (...all) => answer(...all));
  assert.equal(await client.reply('1:2', reply), 'sent');
  answer = fault(481);
  assert.equal(await client.reply('1:2', reply), 'not-pending');
  answer = fault(500);
  await assert.rejects(client.reply('1:2', reply), { code: 'RPC_REFUSED', status: 500, retryable: true });
  answer = fault(400);
  await assert.rejects(client.cancel('c', 1), { code: 'RPC_NOT_FOUND' });
  await assert.rejects(client.startRequest(invite), { code: 'RPC_REFUSED', status: 400, retryable: false });
});

test('the inbox is listed page by page, and read', async (t) => {
  const { client } = await start(t, (call, response, request) => {
    if (call.method === 'im.inbox') {
      const skip = call.params[0];
      result(skip === 0 ? { keys: ['a', 'b'], next: 2 } : { keys: ['b', 'c'], next: -1 })(
        call,
        response,
        request,
      );
    } else if (call.params[1] === 'gone') fault(500)(call, response, request);
    else
      result({ item: { name: 'k', value: call.params[1] === 'mark' ? '1' : 'U0lQ' } })(
        call,
        response,
        request,
      );
  });
  assert.deepEqual(await client.inboxKeys(), ['a', 'b', 'c']);
  assert.equal(String(await client.inboxGet('k')), 'SIP');
  assert.equal((await client.inboxGet('mark'))?.length, 0);
  assert.equal(await client.inboxGet('gone'), undefined);
});

test('odd answers are refused by code', async (t) => {
  let answer: Answer = result({});
  const { client } = await start(t, (...all) => answer(...all));
  for (const text of ['', '{', '[]', '{"id":0,"result":{}}', '{"jsonrpc":"2.0","id":99,"result":{}}']) {
    answer = (_, response) => response.end(text);
    await assert.rejects(client.startRequest(invite), { code: 'RPC_BAD_ANSWER' }, text);
  }
  answer = (_, response) => {
    response.statusCode = 403;
    response.end('secret\n');
  };
  await assert.rejects(client.epoch(), { code: 'RPC_FORBIDDEN' });
  answer = (_, response) => {
    response.statusCode = 404;
    response.end();
  };
  await assert.rejects(client.epoch(), { code: 'RPC_BAD_ANSWER' });
  answer = result({ kam: 1 });
  await assert.rejects(client.epoch(), { code: 'RPC_BAD_ANSWER' });
  await assert.rejects(client.inboxKeys(), { code: 'RPC_BAD_ANSWER' });
});

test('a server that does not answer in time ends the call', async (t) => {
  const { client } = await start(t, () => undefined, { timeoutMs: 100 });
  for (let n = 0; n < 2; n++) await assert.rejects(client.epoch(), { code: 'RPC_TIMEOUT', retryable: true });
});

test('a server that hangs up, or is away, ends the call and not the client', async (t) => {
  let answer: Answer = (_, response) => response.destroy();
  const { client, server } = await start(t, (...all) => answer(...all));
  await assert.rejects(client.epoch(), { code: 'RPC_UNREACHABLE', retryable: true });
  answer = (_, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('{');
    setImmediate(() => response.destroy());
  };
  await assert.rejects(client.epoch(), { code: 'RPC_UNREACHABLE' });
  answer = result({ kam: 'k', epoch: '1' });
  assert.deepEqual(await client.epoch(), { kam: 'k', epoch: '1' });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(client.epoch(), { code: 'RPC_UNREACHABLE' });
});

test('at most so many connections and so many waiting calls', async (t) => {
  const open: (() => void)[] = [];
  const held = Promise.withResolvers<void>();
  const { client, server } = await start(
    t,
    (...all) => {
      open.push(() => result({ kam: 'k', epoch: '1' })(...all));
      if (open.length === 2) held.resolve();
    },
    { maxConnections: 2, maxQueued: 3 },
  );
  let sockets = 0;
  server.on('connection', () => sockets++);
  const calls = Array.from({ length: 5 }, () => client.epoch());
  await assert.rejects(client.epoch(), { code: 'RPC_OVERLOADED', retryable: true });
  await held.promise;
  const all = Promise.all(calls);
  const serve = setInterval(() => open.shift()?.(), 5);
  assert.equal((await all).length, 5);
  clearInterval(serve);
  assert.equal(sockets, 2);
});

test('what Kamailio would drop or mangle is refused before it is sent', async (t) => {
  let calls = 0;
  const { client } = await start(t, (...all) => {
    calls++;
    result({})(...all);
  });
  const body = (bytes: number) => ({
    headers: [...invite.headers, ['Content-Type', 'a/b'] as const],
    body: 'x'.repeat(bytes),
  });
  await assert.rejects(client.startRequest({ ...invite, ...body(30001) }), { code: 'RPC_TOO_LARGE' });
  await assert.rejects(client.startRequest({ ...invite, method: 'NOTIFY', ...body(65000) }), {
    code: 'RPC_TOO_LARGE',
  });
  await assert.rejects(client.reply('1:2', { ...reply, ...body(200000) }), { code: 'RPC_TOO_LARGE' });
  await assert.rejects(client.startRequest({ ...invite, method: '' }), { code: 'RPC_BAD_HEADER' });
  await assert.rejects(client.startRequest({ ...invite, nextHop: 'sip:a b' }), { code: 'RPC_BAD_HEADER' });
  await client.close();
  await assert.rejects(client.epoch(), { code: 'RPC_CLOSED' });
  assert.equal(calls, 0);
});
