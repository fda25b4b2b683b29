import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ApiCommandTable } from '../../../src/event-socket/api-commands.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { EventSocketServer, type EventSocketServerOptions } from '../../../src/event-socket/server.ts';
import { eventually } from '../../support/eventually.ts';
import { PASSWORD, RawClient } from './rig.ts';

async function start(
  t: TestContext,
  options: Partial<EventSocketServerOptions> = {},
): Promise<{ server: EventSocketServer; port: number }> {
  const server = new EventSocketServer({ port: 0, password: PASSWORD, log: silentLog, ...options });
  const { port } = await server.listen();
  t.after(() => server.close());
  return { server, port };
}

async function connect(t: TestContext, port: number, isLogin = true): Promise<RawClient> {
  const client = new RawClient(port);
  t.after(() => client.socket.destroy());
  if (isLogin) await client.login();
  return client;
}

test('greeting, auth, exit: the bytes that FreeSWITCH sends', async (t) => {
  const { port } = await start(t);
  const socket = createConnection({ host: '127.0.0.1', port });
  let seen = '';
  socket.on('data', (chunk) => {
    seen += chunk.toString();
  });
  socket.write(`auth ${PASSWORD}\n\nexit\n\n`);
  await once(socket, 'close');
  assert.equal(
    seen,
    'Content-Type: auth/request\n\n' +
      'Content-Type: command/reply\nReply-Text: +OK accepted\n\n' +
      'Content-Type: command/reply\nReply-Text: +OK bye\n\n' +
      'Content-Type: text/disconnect-notice\nContent-Length: 23\n\nDisconnected, goodbye.\n',
  );
});

test('a wrong password: -ERR invalid, notice, closed', async (t) => {
  const { server, port } = await start(t);
  for (const login of ['auth wrong', 'auth', 'userauth a@b:wrong', `auth ${PASSWORD}x`]) {
    const client = await connect(t, port, false);
    await client.next();
    assert.equal(await client.ask(login), '-ERR invalid');
    assert.equal((await client.next()).headers.get('content-type'), 'text/disconnect-notice');
    await client.closed;
  }
  assert.equal(server.counters.authFailures, 4);
});

test('userauth takes the same password, whoever the user is', async (t) => {
  const { port } = await start(t);
  const client = await connect(t, port, false);
  await client.next();
  assert.equal(await client.ask(`userauth someone@example.com:${PASSWORD}`), '+OK accepted');
});

test('before auth nothing works, not even a body', async (t) => {
  const { server, port } = await start(t);
  const client = await connect(t, port, false);
  await client.next();
  assert.equal(await client.ask('api im help'), '-ERR command not found');
  assert.equal(await client.ask('sendevent CUSTOM\nEvent-Subclass: x'), '-ERR command not found');
  assert.match(await client.ask('sendevent CUSTOM\nContent-Length: 2'), /^-ERR body of 2 bytes/);
  await client.closed;
  assert.equal(server.counters.eventsIn, 0);
});

test('who does not authenticate in time is cut off', async (t) => {
  const { server, port } = await start(t, { limits: { authDeadlineMs: 50 } });
  const client = await connect(t, port, false);
  await client.closed;
  assert.equal(server.counters.authTimeouts, 1);
});

test('an address outside the list is cut off before a byte', async (t) => {
  const { server, port } = await start(t, { allow: ['192.0.2.0/24'] });
  const client = await connect(t, port, false);
  await client.closed;
  assert.equal(client.frames.items.length, 0);
  assert.equal(server.counters.deniedByAddress, 1);
  assert.equal(server.counters.connections, 0);
});

test('connections are limited, guests more so, and room that is free again is given again', async (t) => {
  const { server, port } = await start(t, { limits: { maxConnections: 3, maxGuests: 1 } });
  const guest = await connect(t, port, false);
  await guest.next();
  await (await connect(t, port, false)).closed;
  assert.equal(await guest.ask(`auth ${PASSWORD}`), '+OK accepted');
  await connect(t, port);
  const third = await connect(t, port);
  await (await connect(t, port, false)).closed;
  assert.equal(server.counters.deniedByLimit, 2);
  await third.ask('exit');
  await third.closed;
  // The server's own socket may close a turn later than the client's.
  await eventually('the third to be gone', () => server.peers().length <= 2);
  await connect(t, port);
});

test('commands: unknown, log, plain events', async (t) => {
  const { server, port } = await start(t);
  const client = await connect(t, port);
  assert.equal(await client.ask('nonsense'), '-ERR command not found');
  assert.equal(await client.ask('linger'), '-ERR command not found');
  assert.match(await client.ask('log debug'), /^-ERR /);
  assert.match(await client.ask('nolog'), /^-ERR /);
  assert.match(await client.ask('event plain ALL'), /^-ERR /);
  assert.match(await client.ask('event ALL'), /^-ERR /);
  assert.equal(await client.ask('event json'), '-ERR no keywords supplied');
  assert.equal(await client.ask('noevents'), '-ERR not listening for events');
  assert.equal(server.counters.unknownCommands, 2);
});

test('events reach those who asked for their class, senders included', async (t) => {
  const { port } = await start(t);
  const a = await connect(t, port);
  const b = await connect(t, port);
  assert.equal(await a.ask('event json CUSTOM x::one'), '+OK event listener enabled json');
  assert.equal(await b.ask('event json ALL'), '+OK event listener enabled json');
  assert.match(await a.ask('sendevent CUSTOM\nEvent-Subclass: x::two'), /^\+OK [0-9a-f-]{36}$/);
  a.write('sendevent CUSTOM\nEvent-Subclass: x::one\nContent-Length: 3\n\nabc');
  const toA = [await a.next(), await a.next()];
  assert.match(toA[0]?.headers.get('reply-text') ?? '', /^\+OK/);
  assert.equal(JSON.parse(toA[1]?.body ?? '')['_body'], 'abc');
  const toB = [await b.next(), await b.next()].map(
    ({ body }) => JSON.parse(body)['Event-Subclass'] as string,
  );
  assert.deepEqual(toB, ['x::two', 'x::one']);
});

test('nixevent and noevents take back', async (t) => {
  const { server, port } = await start(t);
  const client = await connect(t, port);
  await client.ask('event json CUSTOM x::one x::two');
  assert.equal(await client.ask('nixevent CUSTOM x::one'), '+OK events nixed');
  const publish = (subclass: string): void =>
    server.publish({ name: 'CUSTOM', subclass, headers: new Map(), body: '' });
  publish('x::one');
  publish('x::two');
  assert.match((await client.next()).body, /x::two/);
  assert.equal(await client.ask('noevents'), '+OK no longer listening for events');
  publish('x::two');
  assert.match(await client.ask('api nope'), /^-ERR nope Command not found!/);
});

test('sendevent refuses bad headers and other names, and goes on', async (t) => {
  const { server, port } = await start(t);
  const client = await connect(t, port);
  assert.match(await client.ask('sendevent CUSTOM\nim-op: a b'), /^-ERR im-\* header/);
  assert.match(await client.ask('sendevent HEARTBEAT'), /^-ERR only CUSTOM/);
  assert.match(await client.ask('sendevent'), /^-ERR event without/);
  assert.equal(server.counters.refusedEvents, 3);
  assert.match(await client.ask('sendevent CUSTOM'), /^\+OK/);
});

const slow = Promise.withResolvers<string>();
const COMMANDS: ApiCommandTable = {
  echo: { help: 'says it again', run: (argument) => `${argument}\n` },
  slow: { help: 'waits', run: () => slow.promise },
};

test('replies keep the order of the commands though a slow one is first', async (t) => {
  const { port } = await start(t, { commands: COMMANDS });
  const client = await connect(t, port);
  client.write('api slow\n\napi echo 2\nconsole_execute: true\n\nnoevents\n\n');
  setImmediate(() => slow.resolve('1\n'));
  assert.equal((await client.next()).body, '1\n');
  assert.equal((await client.next()).body, '2\n');
  assert.equal((await client.next()).headers.get('reply-text'), '-ERR not listening for events');
});

test('bgapi answers with the job and tells its subscribers the outcome', async (t) => {
  const { port } = await start(t, { commands: COMMANDS });
  const client = await connect(t, port);
  await client.ask('event json BACKGROUND_JOB');
  assert.equal(await client.ask('bgapi echo a b\nJob-UUID: my-job'), '+OK Job-UUID: my-job');
  const event = JSON.parse((await client.next()).body) as Record<string, string>;
  assert.equal(event['Event-Name'], 'BACKGROUND_JOB');
  assert.equal(event['Job-UUID'], 'my-job');
  assert.equal(event['Job-Command'], 'echo');
  assert.equal(event['Job-Command-Arg'], 'a b');
  assert.equal(event['_body'], 'a b\n');
  assert.match(await client.ask('bgapi echo\nJob-UUID: not a job id'), /^\+OK Job-UUID: [0-9a-f-]{36}$/);
});

test('jobs are limited', async (t) => {
  const { port } = await start(t, {
    commands: { never: { help: '', run: () => new Promise(() => undefined) } },
    limits: { maxJobs: 1 },
  });
  const client = await connect(t, port);
  assert.match(await client.ask('bgapi never'), /^\+OK/);
  assert.equal(await client.ask('bgapi never'), '-ERR too many jobs');
});

for (const [what, bytes, reply] of [
  ['a huge header block', `api ${'x'.repeat(20_000)}`, /^-ERR header block over/],
  ['too many lines', `api x\n${'a: b\n'.repeat(70)}\n`, /^-ERR more than 64/],
  ['a body over the limit', 'sendevent CUSTOM\nContent-Length: 262145\n\n', /^-ERR body of/],
  ['a Content-Length that is none', 'sendevent CUSTOM\nContent-Length: many\n\n', /^-ERR Content-Length/],
  ['a line without a name', 'sendevent CUSTOM\nnonsense\n\n', /^-ERR header line/],
] as const) {
  test(`${what} ends this connection and no other`, async (t) => {
    const { server, port } = await start(t, { commands: COMMANDS });
    const other = await connect(t, port);
    const client = await connect(t, port);
    client.write(bytes);
    assert.match((await client.next()).headers.get('reply-text') ?? '', reply);
    await client.closed;
    assert.equal(server.counters.badFrames, 1);
    assert.equal(await other.ask('api echo still here'), 'still here\n');
  });
}

test('half a frame holds nobody up, and its other half completes it', async (t) => {
  const { port } = await start(t, { commands: COMMANDS });
  const other = await connect(t, port);
  const client = await connect(t, port);
  client.write('api ec');
  assert.equal(await other.ask('api echo 1'), '1\n');
  assert.equal(await client.ask('ho 2'), '2\n');
});

test('a peer that does not read is dropped alone, with a bound on what waits for it', async (t) => {
  const { server, port } = await start(t, { commands: COMMANDS, limits: { maxOutputBytes: 262_144 } });
  const reader = await connect(t, port);
  const stalled = await connect(t, port);
  await reader.ask('event json CUSTOM x::tick');
  await stalled.ask('event json CUSTOM x::flood');
  stalled.socket.pause();
  const body = 'x'.repeat(60_000);
  const gone = once(stalled.socket, 'close');
  for (let count = 0; server.counters.overflows === 0 && count < 10_000; count += 1) {
    server.publish({ name: 'CUSTOM', subclass: 'x::flood', headers: new Map(), body });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(server.counters.overflows, 1);
  server.publish({ name: 'CUSTOM', subclass: 'x::tick', headers: new Map(), body: '' });
  assert.match((await reader.next()).body, /x::tick/);
  stalled.socket.resume();
  await gone;
});

test('a flood of commands whose replies cannot leave is cut off', async (t) => {
  const { server, port } = await start(t, {
    commands: { never: { help: '', run: () => new Promise(() => undefined) } },
    limits: { maxPendingReplies: 100 },
  });
  const client = await connect(t, port);
  client.write('api never\n\n'.repeat(101));
  await client.closed;
  assert.equal(server.counters.overflows, 1);
});

test('close says goodbye to all and leaves no socket', async (t) => {
  const { server, port } = await start(t);
  const client = await connect(t, port);
  const isClosed = server.close();
  assert.equal((await client.next()).headers.get('content-type'), 'text/disconnect-notice');
  await isClosed;
  await client.closed;
});

test('a taken port and bad options are named', async (t) => {
  const { port } = await start(t);
  const second = new EventSocketServer({ port, password: PASSWORD, log: silentLog });
  await assert.rejects(second.listen(), { code: 'ESL_LISTEN' });
  for (const password of ['', 'a b', 'a\n', 'x'.repeat(129)]) {
    assert.throws(() => new EventSocketServer({ port: 0, password, log: silentLog }), {
      code: 'ESL_BAD_OPTION',
    });
  }
  const allow = ['nonsense'];
  assert.throws(() => new EventSocketServer({ port: 0, password: PASSWORD, allow, log: silentLog }), {
    code: 'ESL_BAD_OPTION',
  });
});
