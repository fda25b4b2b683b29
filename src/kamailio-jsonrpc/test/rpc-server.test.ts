import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  encodeNetstring,
  type KamailioHandlers,
  KamailioRpcServer,
  type KamailioRpcServerOptions,
  NetstringDecoder,
} from '../index.ts';

const SECRET = 'unit-secret-0123456789';
const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
const params = {
  secret: SECRET,
  kam: 'k',
  epoch: '1',
  tid: '1:2',
  src: 'udp:127.0.0.1:1',
  rcv: 'udp:127.0.0.1:2',
  asserted: [],
  trust: 'none',
  msg: Buffer.from('INVITE').toString('base64'),
};

interface Answer {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number };
}

class Peer {
  readonly socket: Socket;
  readonly #decoder = new NetstringDecoder(10000000);
  readonly #answers: Answer[] = [];
  readonly closed: Promise<unknown>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.closed = once(socket, 'close');
    socket.on('data', (chunk) => {
      for (const frame of this.#decoder.push(chunk))
        this.#answers.push(JSON.parse(frame.toString()) as Answer);
      socket.emit('answer');
    });
  }

  send(method: string, given: object, id?: number): void {
    const call = { jsonrpc: '2.0', method, params: given, ...(id === undefined ? {} : { id }) };
    this.socket.write(encodeNetstring(JSON.stringify(call)));
  }

  async answer(): Promise<Answer> {
    while (this.#answers.length === 0) await once(this.socket, 'answer');
    return this.#answers.shift() as Answer;
  }

  async ask(method: string, given: object, id = 1): Promise<Answer> {
    this.send(method, given, id);
    return this.answer();
  }
}

async function start(
  t: TestContext,
  handlers: Partial<KamailioHandlers> = {},
  options: Partial<KamailioRpcServerOptions> = {},
) {
  const server = new KamailioRpcServer({
    host: '127.0.0.1',
    port: 0,
    secret: SECRET,
    log: quiet,
    handlers: {
      request: () => ({ pending: true }),
      ack: () => undefined,
      cancel: () => undefined,
      uacReply: () => undefined,
      ...handlers,
    },
    ...options,
  });
  const { port } = await server.listen();
  t.after(() => server.close());
  const dial = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    t.after(() => socket.destroy());
    return new Peer(socket);
  };
  return { server, port, dial };
}

test('a request is answered at once, pending or with the whole reply', async (t) => {
  const { dial } = await start(t, {
    request: (call) =>
      call.message.toString() === 'INVITE'
        ? { pending: true }
        : { reply: { code: 200, reason: 'OK', toTag: 't', headers: [['A', 'b']], body: '' } },
  });
  const peer = await dial();
  assert.deepEqual((await peer.ask('sip.request', params, 3)).result, { pending: true });
  const bye = { ...params, msg: Buffer.from('BYE').toString('base64') };
  assert.deepEqual((await peer.ask('sip.request', bye, 4)).result, {
    reply: [200, 'OK', '1:2', 't', 'A: b\r\n', ''],
  });
});

test('asked again, it gives the answer that it gave; of another process it asks its handler, else answers 503', async (t) => {
  let decisions = 0;
  const request = () => ({ reply: { code: 200, reason: 'OK', toTag: `t${++decisions}`, headers: [] } });
  const again = ({ tid }: { tid: string }) =>
    tid === '7:7' ? ({ pending: true } as const) : assert.fail('asked for what it has answered itself');
  const { dial, server } = await start(t, { request, again }, { maxGivenAnswers: 2 });
  const peer = await dial();
  const first = (await peer.ask('sip.request', params)).result;
  const asked = { secret: SECRET, kam: 'k', epoch: '1', tid: '1:2' };
  assert.deepEqual((await peer.ask('sip.again', asked)).result, first);
  assert.equal(decisions, 1);
  assert.deepEqual((await peer.ask('sip.again', { ...asked, tid: '7:7' })).result, { pending: true });
  assert.equal((await peer.ask('sip.again', { ...asked, tid: 'x' })).error?.code, -32602);
  assert.equal((await peer.ask('sip.again', { ...asked, secret: 'x' })).error?.code, -32001);
  // the oldest is forgotten, and the same id at another start of Kamailio is another request
  for (const tid of ['2:2', '3:3']) await peer.ask('sip.request', { ...params, tid });
  for (const other of [asked, { ...asked, tid: '3:3', epoch: '2' }])
    assert.equal((await peer.ask('sip.again', other)).error?.code, -32603);
  assert.equal(server.counters().askedAgain, 5);

  const { dial: dialBare } = await start(t);
  const bare = await dialBare();
  const { reply } = (await bare.ask('sip.again', asked)).result as { reply: unknown[] };
  assert.deepEqual([reply[0], reply[2], reply[4]], [503, '1:2', 'Retry-After: 5\r\n']);
});

test('notices reach their handlers in order, and are not answered', async (t) => {
  const heard: string[] = [];
  const { dial } = await start(t, {
    ack: () => heard.push('ack'),
    cancel: (notice) => heard.push(`cancel ${notice.tid}`),
    uacReply: () => heard.push('reply'),
  });
  const peer = await dial();
  peer.send('sip.ack', params);
  peer.send('sip.cancel', params);
  peer.send('uac.reply', params);
  assert.equal((await peer.ask('sip.request', params, 9)).id, 9);
  assert.deepEqual(heard, ['ack', 'cancel 1:2', 'reply']);
});

test('a wrong or missing secret gets -32001 and no handler runs; the connection stays', async (t) => {
  let runs = 0;
  const { server, dial } = await start(t, {
    request: () => {
      runs++;
      return { pending: true };
    },
    ack: () => {
      runs++;
    },
  });
  const peer = await dial();
  for (const secret of [undefined, '', 'x', `${SECRET} `, 5, null, { length: 1 }]) {
    assert.equal((await peer.ask('sip.request', { ...params, secret })).error?.code, -32001);
    peer.send('sip.ack', { ...params, secret });
  }
  assert.equal((await peer.ask('sip.request', params)).error, undefined);
  assert.equal(runs, 1);
  assert.equal(server.counters().wrongSecrets, 14);
});

test('malformed calls get their JSON-RPC error, and the next call is served', async (t) => {
  const { server, dial } = await start(t);
  const peer = await dial();
  assert.equal((await peer.ask('sip.request', { ...params, tid: 'x' })).error?.code, -32602);
  assert.equal((await peer.ask('sip.ack', { ...params, msg: '' })).error?.code, -32602);
  assert.equal((await peer.ask('core.kill', params)).error?.code, -32601);
  assert.equal((await peer.ask('__proto__', params)).error?.code, -32601);
  peer.socket.write(encodeNetstring('{nonsense'));
  assert.deepEqual((await peer.answer()).error?.code, -32700);
  peer.socket.write(encodeNetstring('[1]'));
  assert.deepEqual((await peer.answer()).error?.code, -32600);
  assert.deepEqual((await peer.ask('sip.request', params)).result, { pending: true });
  assert.equal(server.counters().badCalls, 6);
});

test('a handler that throws, or answers with what cannot be sent, costs its own call only', async (t) => {
  const { server, dial } = await start(t, {
    request: (call) => {
      if (call.tid === '1:1') throw new Error('bug');
      return { reply: { code: 200, reason: 'OK', toTag: 't', headers: [['A', 'b\r\nX: y']] } };
    },
    ack: () => {
      throw new Error('bug');
    },
    connected: () => {
      throw new Error('bug');
    },
  });
  const peer = await dial();
  peer.send('sip.ack', params);
  assert.equal((await peer.ask('sip.request', { ...params, tid: '1:1' })).error?.code, -32603);
  assert.equal((await peer.ask('sip.request', params)).error?.code, -32603);
  assert.equal(server.counters().handlerErrors, 4);
});

test('a peer that sends no netstrings, or too long ones, is cut off; another is not touched', async (t) => {
  const { server, dial } = await start(t, {}, { maxFrameBytes: 2000 });
  const good = await dial();
  for (const text of ['GET / HTTP/1.1\r\n\r\n', '2001:', '{"jsonrpc":"2.0"}']) {
    const bad = await dial();
    bad.socket.write(text);
    await bad.closed;
  }
  assert.deepEqual((await good.ask('sip.request', params)).result, { pending: true });
  assert.equal(server.counters().badFrames, 3);
});

test('a frame that is begun and not ended is given up', async (t) => {
  const { server, dial } = await start(t, {}, { frameTimeoutMs: 50 });
  const slow = await dial();
  slow.socket.write('100:{"json');
  await slow.closed;
  assert.equal(server.counters().badFrames, 1);
  // a peer that is silent between frames stays
  const idle = await dial();
  await idle.ask('sip.request', params);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual((await idle.ask('sip.request', params)).result, { pending: true });
});

test('a peer that does not read its answers is cut off', async (t) => {
  const body = 'x'.repeat(30000);
  const { server, dial } = await start(
    t,
    {
      request: () => ({
        reply: { code: 200, reason: 'OK', toTag: 't', headers: [['Content-Type', 'a/b']], body },
      }),
    },
    { maxUnreadBytes: 100000 },
  );
  const peer = await dial();
  peer.socket.pause();
  while (server.counters().slowPeers === 0) {
    for (let n = 0; n < 20; n++) peer.send('sip.request', params, n);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(server.counters().slowPeers, 1);
});

test('addresses outside the list, and connections above the limit, are refused', async (t) => {
  const seen: string[] = [];
  const closed = await start(t, { connected: (peer) => seen.push(peer) }, { allow: ['10.0.0.0/8', '::1'] });
  await (await closed.dial()).closed;
  assert.deepEqual(seen, []);
  assert.equal(closed.server.counters().connectionsRefused, 1);
  const few = await start(t, {}, { maxConnections: 1 });
  const first = await few.dial();
  await first.ask('sip.request', params);
  await (await few.dial()).closed;
  assert.deepEqual((await first.ask('sip.request', params)).result, { pending: true });
});

test('peers are announced when they come and go, and close ends all', async (t) => {
  const events: string[] = [];
  const gone = Promise.withResolvers<void>();
  const { server, dial } = await start(t, {
    connected: () => events.push('came'),
    disconnected: () => {
      events.push('went');
      gone.resolve();
    },
  });
  const peer = await dial();
  await peer.ask('sip.request', params);
  await server.close();
  await peer.closed;
  await gone.promise;
  assert.deepEqual(events, ['came', 'went']);
  assert.equal(server.counters().open, 0);
});

test('a secret that could not stand in a script is refused', () => {
  for (const secret of ['', 'short', 'has space 0123456789', 'quote"0123456789abc', 'x'.repeat(129)]) {
    assert.throws(
      () =>
        new KamailioRpcServer({
          host: '127.0.0.1',
          port: 0,
          secret,
          log: quiet,
          handlers: {
            request: () => ({ pending: true }),
            ack: () => undefined,
            cancel: () => undefined,
            uacReply: () => undefined,
          },
        }),
      { code: 'RPC_BAD_SECRET' },
    );
  }
});
