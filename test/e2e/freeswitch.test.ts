/**
 * Users of FreeSWITCH in conversations, with a real Kamailio. The FreeSWITCH is played (test/support/freeswitch), and real
 * where PARLEY_FREESWITCH names one: `npm run test:freeswitch`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { FreeSwitch } from '../support/freeswitch/free-switch.ts';
import { startWithFreeSwitch, type WithFreeSwitch } from '../support/freeswitch/with-stack.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, type Stack } from '../support/stack.ts';

const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const CREW = uriOf('im-g-crew');
/** With a voice room that may invite and remove, and whose end ends the session. */
const TALK = uriOf('im-g-talk');
const ROOM = uriOf('room-talk');
/** With a voice room whose callers stay when they leave the voice. */
const STAY = uriOf('im-g-stay');
const STAY_ROOM = uriOf('room-stay');
const rightsOf = (room: string, ...names: readonly string[]) =>
  `<cr:rule id="room"><cr:conditions><cr:identity><cr:one id="${room}"/></cr:identity></cr:conditions><cr:actions>${names
    .map((name) => `<${name}>true</${name}>`)
    .join('')}</cr:actions></cr:rule>`;

let running: WithFreeSwitch | undefined;
let freeSwitch: FreeSwitch;
let stack: Stack;
let [ada, ben, eve] = [] as unknown as [Subscriber, Subscriber, Subscriber];

before(async () => {
  running = await startWithFreeSwitch(
    {
      groups: [
        groupDocument({ uri: CREW, members: ['ada', 'ben', 'caro'].map(uriOf), inviteMembers: false }),
        groupDocument({
          uri: TALK,
          members: [...['ada', 'ben'].map(uriOf), ROOM],
          inviteMembers: false,
          rules: rightsOf(ROOM, 'allow-invite-users-dynamically', 'allow-expelling', 'is-key-participant'),
        }),
        groupDocument({
          uri: STAY,
          members: [...['ada', 'ben'].map(uriOf), STAY_ROOM],
          inviteMembers: false,
          rules: rightsOf(STAY_ROOM, 'allow-invite-users-dynamically', 'allow-expelling'),
        }),
      ],
    },
    {
      rooms: [
        { name: 'room-talk', group: TALK, identity: ROOM },
        { name: 'room-stay', group: STAY, identity: STAY_ROOM, whenCallerLeaves: 'stay' },
      ],
    },
  );
  ({ stack, freeSwitch } = running);
  [ada, ben, eve] = await Promise.all([
    stack.subscriber('ada'),
    stack.subscriber('ben'),
    stack.subscriber('eve'),
  ]);
});
after(() => running?.stop());

function write(from: Subscriber, text: string, headers: readonly (readonly [string, string])[] = []) {
  const body = { contentType: 'text/plain', content: text };
  return from.sip.request('MESSAGE', { to: CREW, headers, body });
}

async function receives(to: Subscriber): Promise<{ from: string; text: string }> {
  const { request } = await to.sip.nextRequest('MESSAGE');
  return { from: request.header('From') ?? '', text: request.body };
}

const isThere =
  (name: string, wanted = 'connected') =>
  (users: readonly { entity: string; status: string }[]) =>
    users.some(({ entity, status }) => entity === uriOf(name) && status === wanted);

describe('a user of SIP MESSAGE', () => {
  test('joins by a message, is shown, talks with MSRP participants, and leaves', async () => {
    const adas = await ada.join(CREW);
    const roster = await adas.watch();
    assert.equal((await write(ben, 'hello from a pager')).status, 202);
    const heard = await adas.hear();
    assert.equal(heard.text, 'hello from a pager');
    assert.equal(heard.from, uriOf('ben'));
    await roster.until(isThere('ben'), { what: 'ben is not shown' });

    assert.equal(await adas.say('Grüße, two lines:\nsecond'), 200);
    const page = await receives(ben);
    assert.equal(page.text, 'Ada: Grüße, two lines:\r\nsecond');
    assert.match(page.from, /sip:im-g-crew@example\.net/);

    assert.equal((await write(ben, '/leave')).status, 202);
    await roster.until(isThere('ben', 'disconnected'), { what: 'ben is still shown' });
    await adas.leave();
  });

  test('who may not join is told so, and nobody hears them', async () => {
    const adas = await ada.join(CREW);
    const spoofed = [['X-IM-Asserted', `<${uriOf('ben')}>`]] as const;
    assert.equal((await write(eve, 'let me in', spoofed)).status, 202);
    assert.match(
      (await receives(eve)).text,
      /^Not delivered: the user is not allowed to join this group \(403\)$/,
    );
    const [decision] = await stack.decisions({ clause: '7.2.1.4' });
    assert.equal(decision?.status, 403);
    await write(ben, 'only ben');
    assert.equal((await adas.hear()).text, 'only ben');
    await write(ben, '/leave');
    await adas.leave();
  });
});

describe('a call with text', () => {
  test('takes part with its lines, and leaves when it is hung up', async () => {
    const adas = await ada.join(CREW);
    const roster = await adas.watch();
    const call = await freeSwitch.callWithText(uriOf('caro'), CREW);
    await roster.until(isThere('caro'), { what: 'caro is not shown' });

    await call.say('hello from a call');
    const heard = await adas.hear();
    assert.deepEqual([heard.text, heard.from], ['hello from a call', uriOf('caro')]);
    assert.equal(await adas.say('Grüße, zwei Zeilen:\nzweite'), 200);
    assert.equal(await call.hear(), 'Ada: Grüße, zwei Zeilen:\u2028zweite');

    await call.hangUp();
    await roster.until(isThere('caro', 'disconnected'), { what: 'caro is still shown' });
    await adas.leave();
  });

  test('is hung up when its user is removed', async () => {
    const adas = await ada.join(CREW);
    const call = await freeSwitch.callWithText(uriOf('caro'), CREW);
    const [session] = await stack.sessions();
    const path = `/api/v1/sessions/${session?.id}/participants/${encodeURIComponent(uriOf('caro'))}`;
    const response = await fetch(new URL(path, stack.ready.admin), { method: 'DELETE' });
    assert.equal(response.status, 204);
    await call.hungUp();
    await adas.leave();
  });

  test('who may not join is refused', async () => {
    await assert.rejects(freeSwitch.callWithText(uriOf('eve'), CREW));
    const [decision] = await stack.decisions({ clause: '7.2.1.3' });
    assert.equal(decision?.status, 403);
  });
});

describe('a voice room with a conversation', () => {
  test('its callers are invited and removed, and the session ends with it', async () => {
    const adaCalls = await freeSwitch.callRoom(uriOf('ada'), 'room-talk');
    const adas = await ada.answerNext();
    const roster = await adas.watch();
    await roster.until(isThere('room-talk'), { what: 'the room is not shown' });

    const [benCalls, bens] = await Promise.all([
      freeSwitch.callRoom(uriOf('ben'), 'room-talk'),
      ben.answerNext(),
    ]);
    assert.equal(await bens.say('can you hear me?'), 200);
    assert.equal((await adas.hear()).text, 'can you hear me?');

    await benCalls.hangUp();
    await bens.dialog.nextRequest('BYE');
    await roster.until(isThere('ben', 'disconnected'), { what: 'ben is still shown' });

    await adaCalls.hangUp();
    await adas.dialog.nextRequest('BYE');
  });

  test('whenCallerLeaves stay: who hangs up goes on in the conversation, also when the room is over', async () => {
    const adaCalls = await freeSwitch.callRoom(uriOf('ada'), 'room-stay');
    const adas = await ada.answerNext();
    const roster = await adas.watch();
    const [benCalls, bens] = await Promise.all([
      freeSwitch.callRoom(uriOf('ben'), 'room-stay'),
      ben.answerNext(),
    ]);
    await roster.until(isThere('ben'), { what: 'ben is not shown' });
    await benCalls.hangUp();
    await adaCalls.hangUp();
    // In the order in which they happened: that ben has left the voice is known by then.
    await roster.until(isThere('room-stay', 'disconnected'), { what: 'the room is still shown' });
    assert.equal(await bens.say('still here'), 200);
    assert.equal((await adas.hear()).text, 'still here');
    for (const room of [adas, bens]) await room.leave();
  });
});

describe('scripts of a dialplan', () => {
  test('begin a session, add a user, announce, remove the user, and leave', async () => {
    assert.match(await freeSwitch.runScript('im_session.lua', 'start', TALK, ROOM), /200/);
    const [status, adas] = await Promise.all([
      freeSwitch.runScript('im_user.lua', 'add', TALK, ROOM, uriOf('ada')),
      ada.answerNext(),
    ]);
    assert.match(status, /20[02]/);
    assert.match(await freeSwitch.runScript('im_announce.lua', TALK, 'dinner', 'is', 'ready'), /200/);
    assert.equal((await adas.hear()).text, 'dinner is ready');
    assert.match(await freeSwitch.runScript('im_announce.lua', CREW, 'nobody', 'is', 'there'), /404/);
    await freeSwitch.runScript('im_user.lua', 'remove', TALK, ROOM, uriOf('ada'));
    await adas.dialog.nextRequest('BYE');
    await freeSwitch.runScript('im_session.lua', 'end', TALK, ROOM);
    assert.match(await freeSwitch.runScript('im_announce.lua', TALK, 'too', 'late'), /404/);
  });
});
