/** `msrp.chatroom`: what the SDP says of nicknames and private messages, through a real Kamailio, is what the switch takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTORY, Stack } from '../support/stack.ts';

for (const [name, msrp, announced, statuses] of [
  ['by default', {}, ['chatroom:nickname private-messages'], { nickname: 200, privately: 200 }],
  ['switched off', { chatroom: false }, [], { nickname: 403, privately: 428 }],
] as const) {
  test(`case 56, 58: NICKNAME and private messages are taken where a=chatroom is said: ${name}`, async () => {
    const stack = await Stack.start({ config: { msrp } });
    try {
      const [ada, ben] = [await stack.subscriber('ada'), await stack.subscriber('ben')];
      const [hers, his] = await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite: [ben.uri] }),
        ben.answerNext(),
      ]);
      for (const { setUpBy } of [hers, his]) {
        const lines = setUpBy.bodyBytes.toString('utf8').split('\r\n');
        const said = lines.filter((line) => line.startsWith('a=chatroom')).map((line) => line.slice(2));
        assert.deepEqual(said, announced);
      }
      assert.equal(await hers.msrp.nickname('Ada the great'), statuses.nickname);
      assert.equal(await hers.say('to Ben alone', { to: ben.uri }), statuses.privately);
      assert.equal(await hers.say('to all'), 200);
      const heard = statuses.privately === 200 ? ['to Ben alone', 'to all'] : ['to all'];
      for (const text of heard) assert.equal((await his.hear()).text, text);
      assert.deepEqual([...ada.violations, ...ben.violations], []);
    } finally {
      assert.equal(await stack.stop(), 0);
    }
  });
}
