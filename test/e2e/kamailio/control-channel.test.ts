import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { KamailioRpcClient } from 'kamailio-jsonrpc';
import { eventually } from '../../support/eventually.ts';
import { DOMAIN, type KamailioFixture, log, startFixture } from '../../support/kamailio/kamailio-fixture.ts';
import { SECRET } from '../../support/kamailio/stub-service.ts';

let kam: KamailioFixture;

before(async () => {
  kam = await startFixture({ trustedPeers: ['127.0.0.1'], rpcAllow: ['127.0.0.1/32'] });
});
after(() => kam.stop());

interface Post {
  readonly path?: string;
  readonly secret?: string;
  readonly port?: number;
  readonly from?: string;
}

/** Status and body of a call made by hand. */
async function post(body: unknown, how: Post = {}): Promise<{ status: number; text: string }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const outgoing = request({
    host: '127.0.0.1',
    port: how.port ?? kam.options.rpc.port,
    localAddress: how.from ?? '127.0.0.1',
    method: 'POST',
    path: how.path ?? '/RPC',
    agent: false,
    timeout: 4000,
    headers: {
      'Content-Length': Buffer.byteLength(text),
      ...(how.secret === '' ? {} : { 'X-IM-Secret': how.secret ?? SECRET }),
    },
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
  outgoing.end(text);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

const call = (method: string, params: unknown[] = []) => ({ jsonrpc: '2.0', id: 1, method, params });

test('a call without the secret, or with a wrong one, is refused and does nothing', async () => {
  for (const secret of ['', 'wrong', `${SECRET}x`, SECRET.slice(1)]) {
    assert.equal((await post(call('im.node'), { secret })).status, 403);
    assert.equal(
      (await post(call('reply', [200, 'OK', '1:1', 't', '', '']), { secret, path: '/REPLY' })).status,
      403,
    );
  }
  assert.match(kam.kamailio.recentOutput(), /RPC with a wrong secret/);
  const client = new KamailioRpcClient({
    url: `http://127.0.0.1:${kam.options.rpc.port}`,
    secret: 'some-other-secret-1',
    log,
  });
  await assert.rejects(client.epoch(), { code: 'RPC_FORBIDDEN' });
  await client.close();
});

test('an address outside the list is refused, with the secret too', async () => {
  assert.equal((await post(call('im.node'), { from: '127.0.0.3' })).status, 403);
});

test('only the methods we use pass', async () => {
  for (const method of [
    'core.kill',
    'core.ps',
    'cfg.set_now_int',
    'tm.reply',
    'tm.t_uac_wait',
    'htable.dump',
    'htable.sets',
    'corex.debug',
    'ul.rm',
    'system.listMethods',
  ]) {
    assert.equal((await post(call(method))).status, 403, method);
  }
  assert.equal((await post(call('htable.get', ['imusers', 'alice']))).status, 403);
  assert.equal((await post(call('htable.delete', ['imnode', 'epoch']))).status, 403);
  assert.equal((await post(call('htable.reload', ['imusers']))).status, 200);
});

test('what was checked is what runs: a method named twice does not slip through', async () => {
  const twice = '{"jsonrpc":"2.0","id":1,"method":"core.ps","method":"im.node","params":[]}';
  assert.equal((await post(twice)).status, 400);
  const reverse = '{"jsonrpc":"2.0","id":1,"method":"im.node","method":"core.ps","params":[]}';
  assert.equal((await post(reverse)).status, 400);
  const batch = [call('core.ps'), call('im.node')];
  assert.equal((await post(batch)).status, 400);
});

test('malformed calls are answered, not dropped', async () => {
  for (const text of ['{', '[]', '{}', '"x"', '{"method":"im.node","id":"a\\",\\"x"}', '{"method":1}']) {
    const { status } = await post(text);
    assert.ok(status === 400 || status === 403, `${text}: ${status}`);
  }
  for (const params of [
    [],
    ['x'],
    [200],
    [200, 'OK'],
    [200, 'OK', 'x:y', 't', '', ''],
    [200, 'OK', '1:1; drop', 't', '', ''],
  ]) {
    assert.equal((await post(call('reply', params), { path: '/REPLY' })).status, 400);
  }
  assert.equal((await post(call('reply', [200, 'OK', '1:1', 't', '', '']), { path: '/OTHER' })).status, 404);
});

test('no HTTP on the SIP port, no SIP on the RPC port', async () => {
  assert.equal((await post(call('im.node'), { port: kam.sipPort })).status, 404);
  const socket = connect(kam.options.rpc.port, '127.0.0.1');
  await once(socket, 'connect');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString();
  });
  const uri = `sip:im-s-1@${DOMAIN}`;
  socket.write(
    `OPTIONS ${uri} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <${uri}>;tag=1\r\nTo: <${uri}>\r\n` +
      'Call-ID: on-rpc\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n',
  );
  await eventually('the log line', () =>
    kam.kamailio.recentOutput().includes('SIP refused on the RPC socket'),
  );
  socket.destroy();
  assert.equal(heard, '');
  assert.equal(kam.service.requests.length, 0);
});

test('the node says who it is and since when, as its calls do', async () => {
  const node = await kam.client.epoch();
  assert.equal(node.kam, 'kam-test');
  assert.match(node.epoch, /^\d{11,16}$/);
  const caller = await kam.udp('alice');
  const uri = `sip:im-s-1@${DOMAIN}`;
  await caller.transact({ method: 'OPTIONS', uri, to: uri });
  assert.equal(kam.service.requests[0]?.epoch, node.epoch);
  assert.equal(kam.service.requests[0]?.kam, node.kam);
  assert.equal(kam.service.requests[0]?.rcv, kam.udpSocket);
});

test('a Kamailio with another secret gets nothing decided', async () => {
  const odd = await startFixture({ trustedPeers: ['127.0.0.1'], secret: 'another-secret-0001' });
  try {
    const caller = await odd.udp('alice');
    const uri = `sip:im-s-1@${DOMAIN}`;
    assert.equal((await caller.transact({ method: 'OPTIONS', uri, to: uri })).status, 500);
    assert.equal(odd.service.requests.length, 0);
    assert.equal(odd.service.server.counters().wrongSecrets, 1);
  } finally {
    await odd.stop();
  }
});
