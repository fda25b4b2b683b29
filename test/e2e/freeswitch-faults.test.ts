/** What users of FreeSWITCH keep when a part dies: the focus, the switch, and the FreeSWITCH itself. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import type { Roster } from '../../src/agents/roster.ts';
import type { TextCall } from '../support/freeswitch/free-switch.ts';
import { startWithFreeSwitch, type WithFreeSwitch } from '../support/freeswitch/with-stack.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN } from '../support/stack.ts';
import { eventually } from './support/eventually.ts';
import { killPart, whileFocusIsDown } from './support/outage.ts';

const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const CREW = uriOf('im-g-crew');
const WAIT_MS = 10_000;

type Users = Parameters<Parameters<Roster['until']>[0]>[0];

let running: WithFreeSwitch | undefined;
let [ada, ben] = [] as unknown as [Subscriber, Subscriber];
let adas: Room;
let roster: Roster;
let call: TextCall;

const status = (name: string) => (users: Users) => users.find(({ entity }) => entity === uriOf(name))?.status;

async function page(text: string): Promise<void> {
  const body = { contentType: 'text/plain', content: text };
  assert.equal((await ben.sip.request('MESSAGE', { to: CREW, body })).status, 202);
}

/** Ada says it, and both users of FreeSWITCH read it. */
async function isHeard(text: string): Promise<void> {
  assert.equal(await adas.say(text), 200);
  assert.equal((await ben.sip.nextRequest('MESSAGE')).request.body, `Ada: ${text}`);
  assert.equal(await call.hear(), `Ada: ${text}`);
}

before(async () => {
  running = await startWithFreeSwitch(
    {
      groups: [
        groupDocument({ uri: CREW, members: ['ada', 'ben', 'caro'].map(uriOf), inviteMembers: false }),
      ],
    },
    { goneAfterS: 2, checkS: 1 },
  );
  const { stack, freeSwitch } = running;
  [ada, ben] = await Promise.all([stack.subscriber('ada'), stack.subscriber('ben')]);
  adas = await ada.join(CREW);
  roster = await adas.watch();
  await page('here is ben');
  assert.equal((await adas.hear()).text, 'here is ben');
  call = await freeSwitch.callWithText(uriOf('caro'), CREW);
  await roster.until((users) => status('caro')(users) === 'connected', { what: 'caro is not shown' });
});
after(() => running?.stop());

describe('with users of FreeSWITCH in a conversation', () => {
  test('the focus dies: they talk on, and it knows them again', async () => {
    const { stack } = running as WithFreeSwitch;
    await whileFocusIsDown(stack, () => isHeard('the focus is away'));
    await isHeard('the focus is back');
    await page('still here');
    assert.equal((await adas.hear()).text, 'still here');
    assert.deepEqual(
      ['ben', 'caro'].map((name) => status(name)(roster.users)),
      ['connected', 'connected'],
    );
  });

  test('the switch dies: they are connected to the new one', async () => {
    const { stack } = running as WithFreeSwitch;
    const moved = adas.nextMove({ timeoutMs: 2 * WAIT_MS });
    await killPart(stack, 'switch 0');
    assert.equal(await moved, 200);
    // The switch reaches FreeSWITCH a moment after its clients reach it.
    await eventually(
      async () => {
        await adas.say('anybody?');
        return ben.sip.nextRequest('MESSAGE', { timeoutMs: 500 }).catch(() => undefined);
      },
      () => 'ben reads nothing',
    );
    await eventually(
      async () => {
        await adas.say('and caro?');
        return (await call.hear().catch(() => '')) !== '';
      },
      () => 'caro reads nothing',
    );
  });

  test('the FreeSWITCH dies: its calls leave, its users of MESSAGE stay', async () => {
    const { freeSwitch } = running as WithFreeSwitch;
    await freeSwitch.kill();
    await roster.until((users) => status('caro')(users) === 'disconnected', {
      what: 'caro is still shown',
      timeoutMs: WAIT_MS,
    });
    assert.equal(status('ben')(roster.users), 'connected');
    assert.equal(await adas.say('caro is gone'), 200);
  });
});
