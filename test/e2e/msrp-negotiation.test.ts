/** What offers and answers settle about MSRP, through a real Kamailio: who connects, to where, which line, under which names. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import type { Room } from '../../src/agents/room.ts';
import { type Setup, sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import { FACTORY, Stack } from '../support/stack.ts';

let stack: Stack;
let ben: Subscriber;
before(async () => {
  stack = await Stack.start();
  ben = await stack.subscriber('ben');
});
after(async () => assert.equal(await stack.stop(), 0));

async function assertTalking(hers: Room, his: Room): Promise<void> {
  assert.equal(await hers.say('to him'), 200);
  assert.equal((await his.hear()).text, 'to him');
  assert.equal(await his.say('and back'), 200);
  assert.equal((await hers.hear()).text, 'and back');
}

/** An ad-hoc session with Ben, of an offer that is changed before it leaves. */
async function withBen(
  ada: Subscriber,
  setup: Setup,
  change: (sdp: string) => string,
  answerSetup: 'active' | 'passive' = 'active',
): Promise<{ hers: Room; his: Room }> {
  const headers = [['Require', 'recipient-list-invite']] as const;
  const call = await ada.dial(FACTORY, { setup, headers }, (sdp) =>
    multipart([sdpBody(change(sdp)), resourceLists([ben.uri])]),
  );
  const his = await ben.answerNext({ setup: answerSetup });
  return { hers: await call.room(), his };
}

for (const [offered, change, answered] of [
  ['actpass', (sdp: string) => sdp, /^(?:active|passive)$/],
  ['active', (sdp: string) => sdp, /^passive$/],
  ['passive', (sdp: string) => sdp, /^active$/],
  // Without a=setup the offerer connects (RFC 4975 section 5.4).
  ['active', (sdp: string) => sdp.replace(/a=setup:.*\r\n/, ''), /^(?:passive|absent)$/],
] as const) {
  const name = change('a=setup:x\r\n') === '' ? 'no setup' : offered;
  test(`case 68: an offer of ${name} is answered ${answered.source}, and that side connects`, async () => {
    const ada = await stack.subscriber(`ada-${name.replace(' ', '-')}`);
    const { hers, his } = await withBen(ada, offered, change);
    assert.match(hers.peer.setup ?? 'absent', answered);
    await assertTalking(hers, his);
    assert.deepEqual(ada.violations, []);
  });
}

test('case 68: an invitation offers both roles, and the switch takes the one that is left', async () => {
  const ada = await stack.subscriber('ada-invites');
  for (const answer of ['active', 'passive'] as const) {
    const { hers, his } = await withBen(ada, 'actpass', (sdp) => sdp, answer);
    assert.equal(his.peer.setup, 'actpass');
    await assertTalking(hers, his);
  }
});

test('case 71: a file transfer beside the chat is refused with port 0 and the chat lives; alone it is 488', async () => {
  const ada = await stack.subscriber('ada-sends-a-file');
  const file = (sdp: string): string =>
    sdp.replace(
      /m=message/,
      [
        'm=message 7777 TCP/MSRP *',
        'a=accept-types:*',
        'a=path:msrp://127.0.0.1:7777/file;tcp',
        'a=file-selector:name:"picture.jpg" type:image/jpeg size:4092',
        'a=file-transfer-id:vBnG916bdberum2fFEABR1FR3ExZMUrd',
        'a=sendonly',
        'm=message',
      ].join('\r\n'),
    );
  const { hers, his } = await withBen(ada, 'actpass', file);
  const [refused, chat] = hers.peer.media;
  assert.deepEqual([refused?.port, refused?.kind, chat?.port === 0], [0, 'message', false]);
  await assertTalking(hers, his);

  const alone = (sdp: string): string => sdp.replace(/a=path/, 'a=file-selector:name:"x"\r\na=path');
  const call = await ada.dial(FACTORY, { headers: [['Require', 'recipient-list-invite']] }, (sdp) =>
    multipart([sdpBody(alone(sdp)), resourceLists([ben.uri])]),
  );
  await assert.rejects(call.room(), /488/);
});

test('case 69: with a=msrp-cema the switch connects to c= and m=, whatever host the path names', async () => {
  const ada = await stack.subscriber('ada-behind-a-middlebox');
  const cema = (sdp: string): string =>
    sdp.replace(/a=path:msrp:\/\/[^/]+/, 'a=msrp-cema\r\na=path:msrp://inside.invalid:1');
  const { hers, his } = await withBen(ada, 'passive', cema);
  await assertTalking(hers, his);
});

test('the session-ids that the switch is known by have at least 80 random bits each, and are never the same', async () => {
  const ada = await stack.subscriber('ada-collects');
  const ids = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const { hers, his } = await withBen(ada, 'actpass', (sdp) => sdp);
    for (const { setUpBy } of [hers, his]) {
      const id = /\/\/[^/]+\/([^;]+);/.exec(sdpOf(setUpBy)?.path[0] ?? '')?.[1] ?? '';
      // Of 32 characters each: five bits.
      assert.match(id, /^[a-z0-5]{16,}$/);
      ids.add(id);
    }
  }
  assert.equal(ids.size, 10);
  const places = Math.min(...[...ids].map((id) => id.length));
  // No place in them is the same in all of them: one in 32^9 that this happens by chance.
  for (let at = 0; at < places; at++)
    assert.ok(new Set([...ids].map((id) => id[at])).size > 1, `place ${at}`);
});
