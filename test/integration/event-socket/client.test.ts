import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { EventSocketClient, type EventSocketClientOptions } from '../../../src/event-socket/client.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { EventSocketServer } from '../../../src/event-socket/server.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { PASSWORD, Seen } from './rig.ts';

interface ClientRig {
  readonly client: EventSocketClient;
  readonly log: Seen<string>;
  readonly news: Seen<string>;
}

function makeClient(
  t: TestContext,
  port: number,
  options: Partial<EventSocketClientOptions> = {},
): ClientRig {
  const log = new Seen<string>();
  const news = new Seen<string>();
  const client = new EventSocketClient({
    host: '127.0.0.1',
    port,
    password: PASSWORD,
    events: '',
    onEvent: () => undefined,
    onUp: () => news.push('up'),
    onDown: (error) => news.push(error.code),
    log: { ...silentLog, error: (_, message) => log.push(message) },
    ...options,
    limits: { reconnect: { minMs: 5, maxMs: 20 }, ...options.limits },
  });
  t.after(() => client.close());
  client.start();
  return { client, log, news };
}

/** A server of the test's own: what it writes is up to the test. */
async function serve(
  t: TestContext,
  onSocket: (socket: Socket, count: number) => void,
): Promise<Server & { port: number }> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket, count);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return Object.assign(server, { port: (server.address() as { port: number }).port });
}

/** Greets and says +OK to everything that `answer` does not take. */
function polite(socket: Socket, answer: (command: string) => boolean = () => false): void {
  socket.write('Content-Type: auth/request\n\n');
  socket.on('data', (chunk) => {
    for (const command of chunk.toString().split('\n\n')) {
      if (command !== '' && !answer(command))
        socket.write('Content-Type: command/reply\nReply-Text: +OK\n\n');
    }
  });
}

async function realServer(t: TestContext): Promise<{ server: EventSocketServer; port: number }> {
  const server = new EventSocketServer({
    port: 0,
    password: PASSWORD,
    log: silentLog,
    commands: { echo: { help: '', run: (argument) => argument } },
  });
  const { port } = await server.listen();
  t.after(() => server.close());
  return { server, port };
}

test('replies are matched to commands in order', async (t) => {
  const { port } = await realServer(t);
  const { client } = makeClient(t, port);
  await client.whenUp(5000);
  const outcome = await Promise.allSettled([
    client.api('echo 1'),
    client.command('nonsense'),
    client.api('echo a: b: c'),
    client.command('event json ALL'),
  ]);
  assert.deepEqual(
    outcome
      .map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as { code: string }).code))
      .slice(0, 3),
    ['1', 'ESL_REFUSED', 'a: b: c'],
  );
  assert.equal(outcome[3]?.status, 'fulfilled');
});

test('a wrong password is loud: an error line, ESL_AUTH, never up, and tried again', async (t) => {
  const { server, port } = await realServer(t);
  const { client, log, news } = makeClient(t, port, { password: 'wrong' });
  await assert.rejects(client.whenUp(5000), { code: 'ESL_AUTH' });
  await assert.rejects(client.api('echo'), { code: 'ESL_DOWN' });
  await log.until(() => log.items.length > 1);
  assert.equal(client.isUp, false);
  assert.deepEqual(news.items, []);
  assert.ok(server.counters.authFailures >= 2);
});

test('userauth is used when a user is named', async (t) => {
  const commands = new Seen<string>();
  const { port } = await serve(t, (socket) =>
    polite(socket, (command) => {
      commands.push(command);
      return false;
    }),
  );
  const { client } = makeClient(t, port, { user: 'im@example.com', events: 'CUSTOM im::hello' });
  await client.whenUp(5000);
  assert.deepEqual(commands.items, [`userauth im@example.com:${PASSWORD}`, 'event json CUSTOM im::hello']);
});

test('an address that FreeSWITCH denies is ESL_DENIED', async (t) => {
  const { port } = await serve(t, (socket) => {
    socket.end('Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n');
  });
  const { client } = makeClient(t, port);
  await assert.rejects(client.whenUp(5000), { code: 'ESL_DENIED' });
});

test('nobody listening: not up in time is ESL_DOWN, and it comes up when somebody does', async (t) => {
  const port = await freePort();
  const { client } = makeClient(t, port);
  await assert.rejects(client.whenUp(50), { code: 'ESL_DOWN', retryable: true });
  const second = new EventSocketServer({ port, password: PASSWORD, log: silentLog });
  await second.listen();
  t.after(() => second.close());
  await client.whenUp(5000);
});

test('a command without its reply drops the connection, for all that wait, and a new one follows', async (t) => {
  // Which connection is the first to be up: on a busy machine not each login has its replies in so short a time.
  let deaf: number | undefined;
  const { port } = await serve(t, (socket, count) =>
    polite(socket, (command) => {
      if (!command.startsWith('api')) return false;
      deaf ??= count;
      return deaf === count;
    }),
  );
  const { client, news } = makeClient(t, port, { limits: { replyDeadlineMs: 50 } });
  await client.whenUp(5000);
  const outcome = await Promise.allSettled([client.api('one'), client.api('two')]);
  for (const one of outcome) {
    assert.equal(one.status === 'rejected' && (one.reason as { code: string }).code, 'ESL_TIMEOUT');
  }
  await news.until(() => news.items.length === 3);
  assert.deepEqual(news.items, ['up', 'ESL_TIMEOUT', 'up']);
});

test('a long line of commands has time as long as replies keep coming', async (t) => {
  let answered = 0;
  const { port } = await serve(t, (socket) =>
    polite(socket, (command) => {
      if (!command.startsWith('api')) return false;
      answered += 1;
      setTimeout(() => socket.write('Content-Type: api/response\nContent-Length: 1\n\nx'), 300 * answered);
      return true;
    }),
  );
  // A second or so more than is between two replies, for a machine that is held up.
  const { client } = makeClient(t, port, { limits: { replyDeadlineMs: 1_300 } });
  await client.whenUp(5000);
  const outputs = await Promise.all(Array.from({ length: 5 }, () => client.api('x')));
  assert.deepEqual(
    outputs,
    Array.from({ length: 5 }, () => 'x'),
  );
  assert.equal(client.counters.timeouts, 0);
});

test('a server that says nothing is given up', async (t) => {
  const { port } = await serve(t, () => undefined);
  const { client } = makeClient(t, port, { limits: { handshakeDeadlineMs: 30 } });
  await assert.rejects(client.whenUp(200), { code: 'ESL_DOWN' });
  await eventually('another try', () => client.counters.connects > 1);
});

for (const [what, bytes] of [
  ['a frame that is no frame', 'nonsense\n\n'],
  ['a Content-Length over the limit', 'Content-Type: text/event-json\nContent-Length: 99999999\n\n'],
  ['a reply that nobody asked for', 'Content-Type: command/reply\nReply-Text: +OK\n\n'],
] as const) {
  test(`${what}: dropped and connected anew`, async (t) => {
    const { port } = await serve(t, (socket, count) =>
      polite(socket, (command) => {
        if (count > 1 || !command.startsWith('api')) return false;
        socket.write(`Content-Type: command/reply\nReply-Text: +OK\n\n${bytes}`);
        return true;
      }),
    );
    const { client, news } = makeClient(t, port);
    await client.whenUp(5000);
    await client.api('x');
    await news.until(() => news.items.length === 3);
    assert.deepEqual([news.items[0], news.items[2]], ['up', 'up']);
    assert.equal(client.counters.badFrames, 1);
  });
}

test('an event that is no JSON is counted and the connection goes on', async (t) => {
  const { port } = await serve(t, (socket) =>
    polite(socket, (command) => {
      if (command.startsWith('api')) socket.write('Content-Type: text/event-json\nContent-Length: 2\n\n{"');
      return false;
    }),
  );
  const { client } = makeClient(t, port);
  await client.whenUp(5000);
  await client.api('x');
  assert.equal(client.counters.badEvents, 1);
  assert.equal(client.isUp, true);
});

test('commands without reply are limited, and so is what cannot leave', async (t) => {
  const { port } = await serve(t, (socket) => polite(socket, (command) => command.startsWith('api')));
  const { client } = makeClient(t, port, { limits: { maxPendingCommands: 2, maxOutputBytes: 100_000 } });
  await client.whenUp(5000);
  const waiting = [client.api('1'), client.api('2')].map((one) =>
    one.catch((error: { code: string }) => error.code),
  );
  await assert.rejects(client.api('3'), { code: 'ESL_OVERFLOW', retryable: true });
  await client.close();
  assert.deepEqual(await Promise.all(waiting), ['ESL_DOWN', 'ESL_DOWN']);
});

test('a server that does not read is dropped when too much waits', async (t) => {
  const { port } = await serve(t, (socket) =>
    polite(socket, (command) => {
      if (command.startsWith('api')) socket.pause();
      return command.startsWith('api');
    }),
  );
  const { client, news } = makeClient(t, port, {
    limits: { maxOutputBytes: 1_000_000, replyDeadlineMs: 60_000 },
  });
  await client.whenUp(5000);
  const codes = new Set<string>();
  void client.api('stall').catch(() => undefined);
  const event = {
    name: 'CUSTOM',
    subclass: 'x',
    headers: new Map<string, string>(),
    body: 'x'.repeat(60_000),
  };
  for (let count = 0; count < 1000 && codes.size === 0; count += 1) {
    client.sendEvent(event).catch((error: { code: string }) => codes.add(error.code));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([...codes], ['ESL_OVERFLOW']);
  assert.equal(news.items[1], 'ESL_OVERFLOW');
});

test('a line break never leaves in a command', async (t) => {
  const { port } = await realServer(t);
  const { client } = makeClient(t, port);
  await client.whenUp(5000);
  await assert.rejects(client.api('echo\n\nexit'), { code: 'ESL_BAD_VALUE' });
  assert.equal(await client.api('echo still'), 'still');
});

test('closed is closed: no connection follows, and closing twice is fine', async (t) => {
  const { server, port } = await realServer(t);
  const { client } = makeClient(t, port);
  await client.whenUp(5000);
  await client.close();
  await client.close();
  await server.close();
  assert.equal(client.counters.connects, 1);
  await assert.rejects(client.api('x'), { code: 'ESL_DOWN' });
});
