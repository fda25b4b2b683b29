/** The shipped Lua scripts, run by Lua with a stub of FreeSWITCH: which events they fire, and what they do with the answer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPTS = fileURLToPath(new URL('../../../freeswitch/scripts', import.meta.url));
const STUB = fileURLToPath(new URL('../../support/freeswitch/stub.lua', import.meta.url));
const CALL = 'b5e2c1e0-0000-4000-8000-000000000001';
const LEAVE = `lua im_leave.lua ${CALL}`;
const GROUP = 'sip:im-g-crew@example.net';

interface Fired {
  readonly subclass: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function run(script: string, args: readonly string[], environment: Record<string, string>) {
  const output = execFileSync('lua5.4', [STUB, SCRIPTS, script, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  const lines = output.split('\n').map((line) => line.split('\t'));
  const of = (kind: string) => lines.filter(([first]) => first === kind).map(([, ...rest]) => rest);
  const events = of('EVENT').map(([name, subclass = '', headers = '', body = '']): Fired => {
    assert.equal(name, 'custom');
    const fields = headers.split(';').map((field) => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1)];
    });
    return { subclass, headers: Object.fromEntries(fields) as Record<string, string>, body };
  });
  return { events, set: Object.fromEntries(of('SET')) as Record<string, string>, of };
}

const caller = {
  CHANNEL_uuid: CALL,
  CHANNEL_sip_network_ip: '127.0.0.1',
  CHANNEL_sip_h_X_IM_Asserted: '"Ada" <sip:ada@example.net>',
};

test('every script can be read', () => {
  const names = readdirSync(SCRIPTS);
  assert.ok(names.length >= 8);
  for (const name of names)
    execFileSync('lua5.4', ['-e', `assert(loadfile("${SCRIPTS}/${name}"))`], { encoding: 'utf8' });
});

test('im_join.lua: who Kamailio says it is joins, and leaves with the call', () => {
  const { events, set, of } = run('im_join.lua', [GROUP, 'hangup'], { ...caller, REPLY: '200' });
  assert.deepEqual(events, [
    {
      subclass: 'im::freeswitch',
      headers: {
        'im-op': 'join',
        'im-corr': 'corr-1',
        Kind: 'channel',
        Call: CALL,
        Group: GROUP,
        Identity: '"Ada" <sip:ada@example.net>',
        'When-Removed': 'hangup',
      },
      body: '',
    },
  ]);
  assert.deepEqual(set, { api_reporting_hook: LEAVE, im_status: '200' });
  assert.deepEqual(of('BOUND'), [['CUSTOM', 'im::freeswitch-reply']]);
  assert.equal(of('UNBOUND').length, 1);
  assert.deepEqual(of('HANGUP'), []);
});

test('im_join.lua: hooks that the call has already are kept', () => {
  const answered = { ...caller, REPLY: '200' };
  const [own, other] = ['lua billing.lua', 'curl http://192.0.2.1/cdr'];
  const hangup = run('im_join.lua', [GROUP], { ...answered, CHANNEL_api_hangup_hook: own });
  assert.deepEqual(hangup.set, { api_reporting_hook: LEAVE, im_status: '200' });
  const reporting = run('im_join.lua', [GROUP], { ...answered, CHANNEL_api_reporting_hook: other });
  assert.deepEqual(reporting.set, { api_hangup_hook: LEAVE, im_status: '200' });
  const both = { CHANNEL_api_hangup_hook: own, CHANNEL_api_reporting_hook: other };
  const neither = run('im_join.lua', [GROUP], { ...answered, ...both });
  assert.deepEqual(neither.set, { im_status: '200' });
  assert.match(String(neither.of('LOG')), /^NOTICE,.*its end is noticed late/);
  // A second group of the same call.
  const again = run('im_join.lua', [GROUP], { ...answered, CHANNEL_api_reporting_hook: LEAVE });
  assert.deepEqual(again.set, { api_reporting_hook: LEAVE, im_status: '200' });
});

test('im_join.lua: a refusal ends the call if so wished; silence is none', () => {
  const refused = run('im_join.lua', [GROUP, 'hangup'], { ...caller, REPLY: '403' });
  assert.deepEqual([refused.set['im_status'], refused.of('HANGUP')], ['403', [['CALL_REJECTED']]]);
  const kept = run('im_join.lua', [GROUP], { ...caller, REPLY: '403' });
  assert.deepEqual([kept.set['im_status'], kept.of('HANGUP')], ['403', []]);
  const silent = run('im_join.lua', [GROUP, 'hangup'], caller);
  assert.deepEqual([silent.set['im_status'], silent.of('HANGUP')], ['pending', []]);
  assert.equal(silent.of('UNBOUND').length, 1);
});

test('im_join.lua, im_identity.lua: from anywhere else than Kamailio a call has no identity', () => {
  const stranger = { ...caller, CHANNEL_sip_network_ip: '192.0.2.66', REPLY: '200' };
  const { events, set, of } = run('im_join.lua', [GROUP, 'hangup'], stranger);
  assert.deepEqual([events, set['im_status'], of('HANGUP')], [[], '403', [['CALL_REJECTED']]]);
  assert.deepEqual(run('im_identity.lua', [], stranger).set, {});
  assert.deepEqual(run('im_identity.lua', [], caller).set, { im_identity: '"Ada" <sip:ada@example.net>' });
});

test('im_leave.lua', () => {
  const [event] = run('im_leave.lua', [CALL], {}).events;
  assert.deepEqual(event?.headers, { 'im-op': 'leave', 'im-corr': 'corr-1', Kind: 'channel', Call: CALL });
});

const page = {
  MESSAGE_from_sip_ip: '127.0.0.1',
  MESSAGE_to_proto: 'sip',
  MESSAGE_to_user: 'im-g-crew',
  MESSAGE_to_host: 'example.net',
  MESSAGE_type: 'text/plain',
  MESSAGE_sip_h_X_IM_Asserted: '<sip:ada@example.net>',
};

test('im_message.lua: a wish without the words, and the words for the switches', () => {
  const { events } = run('im_message.lua', [], { ...page, MESSAGE_BODY: 'hello' });
  const who = { Identity: '<sip:ada@example.net>', Group: GROUP };
  assert.deepEqual(events, [
    { subclass: 'im::freeswitch', headers: { 'im-op': 'message', 'im-corr': 'corr-1', ...who }, body: '' },
    { subclass: 'im::freeswitch-text', headers: { Type: 'text/plain', ...who }, body: 'hello' },
  ]);
  const leave = run('im_message.lua', [], { ...page, MESSAGE_BODY: ' /leave ' }).events;
  assert.deepEqual(
    leave.map(({ subclass, headers }) => [subclass, headers['im-op'], headers['Kind']]),
    [['im::freeswitch', 'leave', 'message']],
  );
  const join = run('im_message.lua', [], { ...page, MESSAGE_BODY: '/join' }).events;
  assert.deepEqual(
    join.map(({ headers }) => headers['im-op']),
    ['message'],
  );
});

test('im_message.lua: nothing is taken from elsewhere, for another protocol, or from nobody', () => {
  for (const change of [
    { MESSAGE_from_sip_ip: '192.0.2.66' },
    { MESSAGE_from_sip_ip: '' },
    { MESSAGE_to_proto: 'api' },
    { MESSAGE_sip_h_X_IM_Asserted: undefined },
  ]) {
    const environment = Object.fromEntries(
      Object.entries({ ...page, MESSAGE_BODY: 'hello', ...change }).filter(
        ([, value]) => value !== undefined,
      ),
    ) as Record<string, string>;
    const { events, of } = run('im_message.lua', [], environment);
    assert.deepEqual(events, [], JSON.stringify(change));
    assert.equal(of('LOG').length, 1);
  }
});

test('im_announce.lua, im_session.lua, im_user.lua', () => {
  const announce = run('im_announce.lua', [GROUP, 'dinner', 'is', 'ready'], { REPLY: '200' });
  assert.deepEqual(announce.events[0], {
    subclass: 'im::freeswitch',
    headers: { 'im-op': 'announce', 'im-corr': 'corr-1', Group: GROUP },
    body: 'dinner is ready',
  });
  assert.deepEqual(announce.of('OUT'), [['200']]);
  const who = { Kind: 'room', Group: GROUP, Identity: 'sip:desk@example.net' };
  for (const [verb, op] of [
    ['start', 'join'],
    ['end', 'leave'],
  ] as const) {
    const { events, set } = run('im_session.lua', [verb, GROUP, 'sip:desk@example.net'], {
      CHANNEL_uuid: CALL,
      REPLY: '200',
    });
    assert.deepEqual(events[0]?.headers, { 'im-op': op, 'im-corr': 'corr-1', ...who });
    assert.equal(set['im_status'], '200');
  }
  const user = run('im_user.lua', ['add', GROUP, 'sip:desk@example.net', 'sip:ben@example.net'], {
    REPLY: '202',
  });
  assert.deepEqual(user.events[0]?.headers, {
    'im-op': 'add',
    'im-corr': 'corr-1',
    Group: GROUP,
    Identity: 'sip:desk@example.net',
    User: 'sip:ben@example.net',
  });
});
