/** Bytes that no sound peer sends: one answer, one counter, one line in the log, and nobody else notices. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../../../src/event-socket/log.ts';
import { RawClient, type RigSwitch, Seen, switchFor } from './rig.ts';

type Counters = Readonly<Record<'server' | 'control', Readonly<Record<string, number>>>>;

interface Line {
  readonly message: string;
  readonly reason: unknown;
}

interface Scene {
  readonly sw: RigSwitch;
  readonly log: Seen<Line>;
  /** Another, who has done nothing. */
  readonly bystander: RawClient;
  connect(): Promise<RawClient>;
}

async function scene(t: TestContext): Promise<Scene> {
  const log = new Seen<Line>();
  const noting = {
    ...silentLog,
    warn: (fields: object, message: string) =>
      log.push({ message, reason: (fields as Partial<Line>).reason }),
  };
  const sw = await switchFor(t, { log: noting, server: { log: noting } });
  const connect = async (): Promise<RawClient> => {
    const client = new RawClient(sw.port);
    t.after(() => client.socket.destroy());
    await client.login();
    return client;
  };
  return { sw, log, connect, bystander: await connect() };
}

const HEADERS =
  'Event-Subclass: im::request\nim-v: 1\nim-op: session.list\nim-corr: c1\nim-from: f1\nim-to: sw1\nim-seq: 1\nim-epoch: e1\nim-ttl-ms: 2000\n';
const frame = (body: Buffer | string, length = Buffer.byteLength(body)): Buffer =>
  Buffer.concat([
    Buffer.from(`sendevent CUSTOM\n${HEADERS}Content-Length: ${length}\n\n`),
    Buffer.from(body),
  ]);

/** The lines so far, as `message: reason`. */
const linesOf = ({ log }: Scene): string[] =>
  log.items.map(({ message, reason }) => `${message}: ${String(reason)}`);

/** What the switch says of itself to who asks there. */
async function told({ bystander }: Scene): Promise<Counters> {
  return JSON.parse(await bystander.ask('api im event-socket')) as Counters;
}

async function unharmed({ sw, bystander }: Scene, calls = 0): Promise<void> {
  assert.equal(sw.calls.length, calls);
  assert.match(await bystander.ask('api uptime'), /^\d+$/m);
}

for (const [what, body] of [
  ['nests four thousand deep', '['.repeat(4000)],
  ['is cut off', '{"session":"s'],
  ['is no object', '5'],
  ['names the prototype', '{"__proto__":{"session":"s"},"constructor":1}'],
] as const) {
  test(`a request whose body ${what} is answered, or not taken, and no command is carried out`, async (t) => {
    const all = await scene(t);
    const client = await all.connect();
    await client.ask('event json CUSTOM im::reply');
    client.socket.write(frame(body));
    assert.match((await client.next()).headers.get('reply-text') ?? '', /^\+OK/);
    const reply = JSON.parse((await client.next()).body) as { _body: string };
    const answer = JSON.parse(reply._body) as { ok: boolean; code?: string };
    // An empty object with odd members is as good as none for session.list.
    const isTaken = what === 'names the prototype';
    assert.deepEqual([answer.ok, answer.code], isTaken ? [true, undefined] : [false, 'invalid']);
    assert.equal(all.sw.control.counters.invalid, isTaken ? 0 : 1);
    const lines = linesOf(all);
    assert.equal(lines.length, isTaken ? 0 : 1, lines.join());
    if (!isTaken) assert.match(lines[0] ?? '', /^request refused: /);
    assert.equal((await told(all)).control['invalid'], isTaken ? 0 : 1);
    await unharmed(all, isTaken ? 1 : 0);
    assert.equal(({} as { session?: string }).session, undefined);
  });
}

test('a body that is no UTF-8 is refused, and the connection goes on', async (t) => {
  const all = await scene(t);
  const client = await all.connect();
  client.socket.write(frame(Buffer.from([0x7b, 0xff, 0xc0, 0x80, 0x7d])));
  assert.equal((await client.next()).headers.get('reply-text'), '-ERR the body is not UTF-8');
  assert.equal(all.sw.server.counters.refusedEvents, 1);
  assert.match(linesOf(all).join(), /^event socket event refused: [^,]*$/);
  assert.equal((await told(all)).server['refusedEvents'], 1);
  assert.match(await client.ask('api uptime'), /^\d+$/m);
  await unharmed(all);
});

test('a header block that is no UTF-8 ends the connection', async (t) => {
  const all = await scene(t);
  const client = await all.connect();
  client.socket.write(Buffer.concat([Buffer.from('sendevent CUSTOM\nX: '), Buffer.from([0xff, 0x0a, 0x0a])]));
  assert.equal((await client.next()).headers.get('reply-text'), '-ERR header block is not UTF-8');
  await client.closed;
  assert.equal(all.sw.server.counters.badFrames, 1);
  assert.match(linesOf(all).join(), /^event socket frame refused: [^,]*$/);
  assert.equal((await told(all)).server['badFrames'], 1);
  await unharmed(all);
});

test('a Content-Length that is too short: the rest is no command; without one the body is none', async (t) => {
  const all = await scene(t);
  const client = await all.connect();
  client.socket.write(Buffer.concat([frame('{}abc', 2), Buffer.from('\n\n')]));
  assert.match((await client.next()).headers.get('reply-text') ?? '', /^\+OK/);
  assert.equal((await client.next()).headers.get('reply-text'), '-ERR command not found');
  client.write(`sendevent CUSTOM\n${HEADERS.replace('c1', 'c2')}\n{"session":"s"}\n\n`);
  assert.match((await client.next()).headers.get('reply-text') ?? '', /^\+OK/);
  assert.equal((await client.next()).headers.get('reply-text'), '-ERR command not found');
  assert.equal(all.sw.control.counters.invalid, 1, 'an empty body is no command’s');
  await unharmed(all, 1);
});

test('a Content-Length that is too long waits for the rest and swallows what follows, for this peer alone', async (t) => {
  const all = await scene(t);
  const client = await all.connect();
  client.socket.write(frame('{}', 40));
  client.write('api uptime\n\n');
  await unharmed(all);
  client.write(`${' '.repeat(26)}api uptime\n\n`);
  assert.match((await client.next()).headers.get('reply-text') ?? '', /^\+OK/);
  assert.match((await client.next()).body, /^\d+\n$/);
  assert.equal(all.sw.control.counters.invalid, 1);
  await unharmed(all);
});

test('pages that never end are bounded, in number and in bytes', async (t) => {
  const all = await scene(t);
  const client = await all.connect();
  const page = (headers: string, body: string): Buffer =>
    Buffer.from(
      `sendevent CUSTOM\n${HEADERS.replace('im-corr: c1', headers)}Content-Length: ${body.length}\n\n${body}`,
    );
  client.socket.write(page('im-corr: p\nim-page: 1.65', 'x'));
  assert.match((await client.next()).headers.get('reply-text') ?? '', /^-ERR 65 pages, limit 64/);
  client.socket.write(page('im-corr: p\nim-page: 1.2', 'x'.repeat(65_537)));
  assert.match((await client.next()).headers.get('reply-text') ?? '', /^-ERR page over 65536 bytes/);
  for (let count = 0; count < 20; count += 1) {
    client.socket.write(page(`im-corr: p${count}\nim-page: 1.2`, 'x'));
    assert.match((await client.next()).headers.get('reply-text') ?? '', /^\+OK/);
  }
  client.socket.write(page('im-corr: p0\nim-page: 2.2', 'x'));
  assert.match((await client.next()).headers.get('reply-text') ?? '', /^-ERR page out of order/);
  assert.equal(all.sw.control.counters.refused, 3);
  assert.deepEqual(
    linesOf(all)
      .filter((line) => line.startsWith('event refused'))
      .map((line) => line.split(',')[0]),
    ['event refused: 65 pages', 'event refused: page over 65536 bytes', 'event refused: page out of order'],
  );
  await unharmed(all);
});

const LISTED = '{"ok":true,"revision":1}';
for (const [what, first, second, counter, answered, line] of [
  ['an op that is none', undefined, ['session.fly', '{}'], 'invalid', /unknown-command/, /no such command/],
  [
    'a body of another command',
    undefined,
    ['session.drop', '{"leg":1}'],
    'invalid',
    /"invalid"/,
    /does not match/,
  ],
  [
    'an im-corr that stood for another command',
    ['session.list', '{}'],
    ['session.drop', '{"session":"s","revision":1}'],
    'reused',
    /"invalid".*im-corr/,
    /im-corr/,
  ],
  [
    'an im-corr that stood for another body',
    ['session.drop', '{"session":"s","revision":1}'],
    ['session.drop', '{"session":"t","revision":9}'],
    'reused',
    /"invalid".*im-corr/,
    /im-corr/,
  ],
] as const) {
  test(`${what} is refused, counted and written down, and nothing is carried out`, async (t) => {
    const all = await scene(t);
    const client = await all.connect();
    await client.ask('event json CUSTOM im::reply');
    const say = async ([op, body]: readonly [string, string]): Promise<string> => {
      const headers = HEADERS.replace('session.list', op);
      client.write(`sendevent CUSTOM\n${headers}Content-Length: ${body.length}\n\n${body}`);
      assert.match((await client.next()).headers.get('reply-text') ?? '', /^\+OK/);
      return (JSON.parse((await client.next()).body) as { _body: string })._body;
    };
    if (first !== undefined) assert.equal(await say(first), LISTED);
    assert.match(await say(second), answered);
    if (first !== undefined) assert.equal(await say(first), LISTED, 'a repeat is answered as before');
    const lines = linesOf(all);
    assert.equal(lines.length, 1, lines.join());
    assert.match(lines[0] ?? '', line);
    const { control } = await told(all);
    assert.equal(control[counter], 1);
    assert.equal(control['repeated'], first === undefined ? 0 : 1);
    await unharmed(all, first === undefined ? 0 : 1);
  });
}

test('who may not come in, commands that are none, and a wrong password are counted where an operator can see it', async (t) => {
  const all = await scene(t);
  const client = await all.connect();
  assert.match(await client.ask('nonsense'), /^-ERR command not found/);
  const stranger = new RawClient(all.sw.port);
  await stranger.next();
  assert.match(await stranger.ask('auth wrong'), /^-ERR invalid/);
  await stranger.closed;
  const { server } = await told(all);
  assert.deepEqual([server['unknownCommands'], server['authFailures']], [1, 1]);
  await unharmed(all);
});
