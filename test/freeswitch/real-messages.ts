/** What only a real FreeSWITCH can show: that the shipped chatplan leaves no way to its commands, and whom it believes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import { EventSocketClient } from '../../src/event-socket/client.ts';
import type { EslEvent } from '../../src/event-socket/event.ts';
import { eventually } from '../e2e/support/eventually.ts';
import type { FreeSwitch } from '../support/freeswitch/free-switch.ts';
import { startRealFreeSwitch } from '../support/freeswitch/real.ts';
import { freePort } from '../support/kamailio/free-port.ts';

const DOMAIN = 'example.net';
const PASSWORD = 'a-password-of-tests';
/** What FreeSWITCH says of a variable that there is not. */
const NOT_SET = '-ERR no reply';
const binary = process.env['PARLEY_FREESWITCH'] ?? assert.fail('PARLEY_FREESWITCH names no program');

let freeSwitch: FreeSwitch;
let kamailio: SipAgent;
let stranger: SipAgent;
let client: EventSocketClient;
const events: EslEvent[] = [];

before(async () => {
  const kamailioPort = await freePort();
  freeSwitch = await startRealFreeSwitch(binary, { domain: DOMAIN, kamailioPort, password: PASSWORD });
  const [host = '', port = ''] = freeSwitch.sip.replace('sip:', '').split(':');
  const proxy = { host, port: Number(port) };
  kamailio = await SipAgent.start({ uri: `sip:ada@${DOMAIN}`, proxy });
  stranger = await SipAgent.start({ uri: `sip:ada@${DOMAIN}`, proxy, localAddress: '127.0.0.9' });
  const [, eventSocketPort = ''] = freeSwitch.eventSocket.split(':');
  client = new EventSocketClient({
    host: '127.0.0.1',
    port: Number(eventSocketPort),
    user: 'parley@im.invalid',
    password: PASSWORD,
    events: 'CUSTOM im::freeswitch im::freeswitch-text',
    onEvent: (event) => {
      events.push(event);
      return undefined;
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  client.start();
  await client.whenUp(5_000);
});
after(async () => {
  await client?.close();
  await kamailio?.stop();
  await stranger?.stop();
  await freeSwitch?.stop();
});

function message(from: SipAgent, user: string, text: string, identity?: string) {
  return from.request('MESSAGE', {
    to: `sip:${user}@${DOMAIN}`,
    headers: identity === undefined ? [] : [['X-IM-Asserted', identity]],
    body: { contentType: 'text/plain', content: text },
  });
}

/** A message of whom FreeSWITCH believes; when its events are here, all before it was dealt with. */
async function marker(text: string): Promise<void> {
  assert.equal((await message(kamailio, 'im-g-crew', text, `"Ada" <sip:ada@${DOMAIN}>`)).status, 202);
  await eventually(
    () => events.some(({ body }) => body === text),
    () => `no event with ${text}`,
  );
}

test('a MESSAGE of Kamailio becomes a wish without its text, and its text for the switches', async () => {
  await marker('hello');
  const [wish, text] = events;
  assert.equal(wish?.subclass, 'im::freeswitch');
  assert.deepEqual(
    ['im-op', 'identity', 'group'].map((name) => wish?.headers.get(name)),
    ['message', `"Ada" <sip:ada@${DOMAIN}>`, `sip:im-g-crew@${DOMAIN}`],
  );
  assert.doesNotMatch(JSON.stringify([...(wish?.headers ?? [])]) + wish?.body, /hello/);
  assert.equal(text?.subclass, 'im::freeswitch-text');
});

test('a MESSAGE to the chat protocol api runs no command', async () => {
  for (const user of ['api+global_setvar%20im_abused=yes', 'event+x', 'sip+x', 'GLOBAL_SMS+x'])
    await message(kamailio, user, 'status', `<sip:ada@${DOMAIN}>`);
  await marker('after the abuse');
  // What it is set by, and would be read by, works.
  assert.equal(await freeSwitch.api('global_setvar im_probe=yes'), '+OK');
  assert.equal(await freeSwitch.api('global_getvar im_probe'), 'yes');
  assert.equal(await freeSwitch.api('global_getvar im_abused'), NOT_SET);
  assert.deepEqual(
    kamailio.received(({ method, isRequest }) => isRequest && method === 'MESSAGE'),
    [],
  );
});

test('nobody else is believed, and whom Kamailio does not vouch for is nobody', async () => {
  const before = events.length;
  await message(stranger, 'im-g-crew', 'from a stranger', `<sip:ada@${DOMAIN}>`);
  await message(kamailio, 'im-g-crew', 'without an identity');
  await marker('after the strangers');
  const texts = events.slice(before).map(({ body }) => body);
  assert.deepEqual(
    texts.filter((body) => body !== ''),
    ['after the strangers'],
  );
});

test('a call that has a hangup hook of its own keeps it, and leaves all the same', async () => {
  const call = randomUUID();
  await freeSwitch.api('load mod_loopback');
  const variables = [
    `origination_uuid=${call}`,
    "api_hangup_hook='global_setvar im_own_hook=ran'",
    'sip_network_ip=127.0.0.1',
    `sip_h_X-IM-Asserted=<sip:ada@${DOMAIN}>`,
  ];
  const join = `&lua('im_join.lua sip:im-g-crew@${DOMAIN}')`;
  await freeSwitch.api(`bgapi originate {${variables.join(',')}}null/ada ${join}`);
  const toldOf = (op: string) =>
    eventually(
      () =>
        events.find(({ headers }) => headers.get('im-op') === op && headers.get('call') === call)?.headers,
      () => `no ${op} of ${call}`,
    );
  const corr = (await toldOf('join')).get('im-corr') ?? '';
  const headers = new Map([
    ['im-op', 'join'],
    ['im-corr', corr],
    ['im-status', '200'],
  ]);
  await client.sendEvent({ name: 'CUSTOM', subclass: 'im::freeswitch-reply', headers, body: '' });
  // With its one application done the call is over.
  await toldOf('leave');
  assert.equal(await freeSwitch.api('global_getvar im_own_hook'), 'ran');
});

test('the user of the event socket may do what Parley does, and no more', async () => {
  assert.match(await client.api('uuid_exists 0b5e2c1e-0000-4000-8000-000000000000'), /false/);
  for (const line of [
    'status',
    'global_setvar im_abused=yes',
    'shutdown',
    'originate loopback/1 &park',
    'lua im.lua',
  ])
    await assert.rejects(client.api(line), /ESL_REFUSED|permission denied|-ERR/, line);
  assert.equal(await freeSwitch.api('global_getvar im_abused'), NOT_SET);
});
