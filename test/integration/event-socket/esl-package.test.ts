/** The npm package `esl` as an independent client of our server. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FreeSwitchClient, type FreeSwitchResponse } from 'esl';
import { PASSWORD, type RigSwitchOptions, startSwitch } from './rig.ts';

const logger = { debug: () => undefined, info: () => undefined, error: () => undefined };

async function connectEsl(
  t: TestContext,
  options: RigSwitchOptions = {},
): Promise<{ call: FreeSwitchResponse; sw: Awaited<ReturnType<typeof startSwitch>> }> {
  const sw = await startSwitch(options);
  const client = new FreeSwitchClient({ host: '127.0.0.1', port: sw.port, password: PASSWORD, logger });
  t.after(async () => {
    client.end();
    await sw.stop();
  });
  const failed = new Promise<never>((_, reject) => client.on('error', reject));
  const connected = new Promise<FreeSwitchResponse>((resolve) => client.on('connect', resolve));
  client.connect();
  return { call: await Promise.race([connected, failed]), sw };
}

const SESSIONS = [
  { session: 'im-s-1', revision: 4, legs: 3, bound: 2 },
  { session: 'im-s-2', revision: 1, legs: 2, bound: 0 },
];
const LISTING = 'session,revision,legs,bound\nim-s-1,4,3,2\nim-s-2,1,2,0\n\n2 total.\n';
const withSessions: RigSwitchOptions = { handle: () => ({ ok: true, revision: 0, sessions: SESSIONS }) };

test('esl connects, authenticates, and runs api commands', async (t) => {
  const { call } = await connectEsl(t, withSessions);
  assert.equal((await call.api('im sessions')).body, LISTING);
  assert.match((await call.api('im status')).body, /^id: sw1\nepoch: e1\n[^]*msrp: tcp:127\.0\.0\.1:2855\n$/);
  assert.match((await call.api('status')).body, /^UP \d+ s, 0 session\(s\), 0 leg\(s\)\n$/);
  assert.match((await call.api('uptime')).body, /^\d+\n$/);
  assert.match((await call.api('im help')).body, /^im sessions +sessions of this switch/m);
  await assert.rejects(call.api('nope'));
});

test('esl runs bgapi and gets its BACKGROUND_JOB', async (t) => {
  const { call } = await connectEsl(t, withSessions);
  const job = await call.bgapi('im sessions', 5000);
  assert.equal(job.body['_body']?.replaceAll('\n', ''), LISTING.replaceAll('\n', ''));
  assert.equal(job.body['Job-Command'], 'im');
  assert.equal(job.body['Job-Command-Arg'], 'sessions');
});

test('esl subscribes to CUSTOM subclasses and hears events and hellos', async (t) => {
  const { call, sw } = await connectEsl(t);
  const heard = new Promise<Record<string, string | undefined>>((resolve) => {
    call.on('CUSTOM', ({ body }) => body['Event-Subclass'] === 'im::event' && resolve(body));
  });
  await call.send('event json CUSTOM im::hello im::event');
  sw.control.publish({ op: 'leg.bound', session: 'im-s-1', leg: 'l1', remote: '192.0.2.1:5000' });
  const event = await heard;
  assert.equal(event['im-op'], 'leg.bound');
  assert.deepEqual(JSON.parse(event['_body'] ?? ''), {
    session: 'im-s-1',
    leg: 'l1',
    remote: '192.0.2.1:5000',
  });
});

test('esl sends an event, and a forged one is refused', async (t) => {
  const { call } = await connectEsl(t);
  const heard = new Promise<Record<string, string | undefined>>((resolve) => {
    call.on('CUSTOM', ({ body }) => resolve(body));
  });
  await call.send('event json CUSTOM x::mine');
  await call.sendevent('CUSTOM', { 'Event-Subclass': 'x::mine', 'X-Note': 'hello' });
  assert.equal((await heard)['x-note'], 'hello');
  await assert.rejects(call.sendevent('CUSTOM', { 'Event-Subclass': 'im::hello' }));
  await call.nixevent('CUSTOM');
  await call.noevents();
  await call.exit();
});

test('esl with a wrong password is refused', async (t) => {
  const sw = await startSwitch();
  const client = new FreeSwitchClient({ host: '127.0.0.1', port: sw.port, password: 'wrong', logger });
  t.after(async () => {
    client.end();
    await sw.stop();
  });
  const failed = new Promise<unknown>((resolve) => client.on('error', resolve));
  client.connect();
  assert.match(JSON.stringify(await failed), /-ERR invalid/);
});
