/** Copies, loops, dialogs that nobody knows, and CANCEL before and after everything (RFC 3261 sections 8.2.2.2, 9, 12.2.2). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, gather, isInvite } from './support/ad-hoc.ts';
import { raw, settled } from './support/dialogs-raw.ts';
import { assertRefused } from './support/expect.ts';
import { assertNoSession } from './support/groups-outcomes.ts';
import { nextOffer } from './support/groups-reoffer.ts';
import { freshUri, scene } from './support/scene.ts';

const MEMBER = freshUri('member');
const GROUP = `sip:im-g-loop@${DOMAIN}`;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { notify: { minIntervalMs: 0 } },
    groups: [groupDocument({ uri: GROUP, members: [MEMBER], inviteMembers: false })],
  });
});
after(() => stack.stop());

/** Answers to bytes that no transaction of the agent sent. */
const TO_RAW = /^a response to no request of ours/;

describe('copies and loops', { concurrency: 4 }, () => {
  test('RFC3261-8.2.2.2 the same INVITE by another path: 482; the first goes on and can be cancelled', () =>
    scene(
      stack,
      ['Ada', 'Ben'],
      async (ada, ben) => {
        const call = dialFactory(ada, { invite: [ben.uri] });
        const invite = await ben.sip.nextInvite();
        invite.ring();
        await call.provisional(180);
        const { raw: bytes } = call.request;
        ada.sip.sendRaw(bytes.toString('latin1').replace(/;branch=z9hG4bK\w+/, ';branch=z9hG4bKanother'));
        const refused = await ada.sip.sees('the answer to the copy', ({ status }) => status === 482);
        assertRefused(refused, 482, /another path/);
        assert.deepEqual(ben.sip.received(isInvite).length, 1, 'invited once');
        assert.equal((await call.cancel()).status, 200);
        assert.equal((await call.final()).status, 487);
        await invite.nextCancel();
      },
      { mayCross: TO_RAW, transport: 'tcp' },
    ));

  test('RFC3261-8.2.2.2 a repeated INVITE by the same path is no copy: it is answered once', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      ada.sip.sendRaw(call.request.raw);
      await ben.answerNext();
      assert.equal((await call.final()).status, 200);
      ada.sip.sendRaw(call.request.raw);
      await settled(ada, ben);
      assert.equal(ben.sip.received(isInvite).length, 1, 'invited once');
      assert.equal(call.dialog.state, 'confirmed');
    }));

  test('RFC3261-16.3 Max-Forwards 0: 483, in and outside of a dialog, and the dialog stands', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const spent = [['Max-Forwards', '0']] as const;
      assert.equal((await dialFactory(ada, { invite: [ben.uri], headers: spent }).final()).status, 483);
      const [hers, his] = await gather(ada, ben);
      assert.ok(his !== undefined);
      assert.equal((await hers.dialog.request('BYE', { headers: spent })).status, 483);
      assert.equal(await hers.say('still here'), 200);
      assert.equal((await his.hear()).text, 'still here');
    }));

  test('RFC3261-16.6 an invitation that comes back to the focus is refused there: no loop', () =>
    scene(stack, ['Ada'], async (ada) => {
      const call = dialFactory(ada, { invite: [GROUP] });
      assertRefused(await call.final(), 403, /403/);
      await assertNoSession(stack, GROUP);
    }));
});

describe('dialogs that nobody knows', { concurrency: 4 }, () => {
  test('RFC3261-12.2.2 after its end every request in a dialog gets 481', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers] = await gather(ada, ben, cleo);
      assert.equal((await hers.leave()).status, 200);
      for (const method of ['BYE', 'UPDATE', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'OPTIONS', 'INFO'] as const) {
        const headers = [
          ['Refer-To', `<${cleo.uri}>`],
          ['Event', 'conference'],
          ['Subscription-State', 'active'],
        ] as const;
        assertRefused(await hers.dialog.request(method, { headers }), 481, /dialog/);
      }
      assertRefused(await hers.dialog.reinvite({ body: nextOffer(hers) }).final(), 481, /dialog/);
    }));

  test('RFC3261-12.2.2 another tag on either side: 481; an ACK for it is answered by nothing', () =>
    scene(
      stack,
      ['Ada', 'Ben'],
      async (ada, ben) => {
        const [hers, his] = await gather(ada, ben);
        assert.ok(his !== undefined);
        const { callId, localTag, remoteTag } = hers.dialog;
        for (const [from, to] of [
          ['strange', remoteTag],
          [localTag, 'strange'],
        ]) {
          for (const method of ['ACK', 'BYE']) {
            raw(ada, `${method} ${hers.uri} SIP/2.0`, [
              'Max-Forwards: 70',
              `From: <${ada.uri}>;tag=${from}`,
              `To: <${hers.uri}>;tag=${to}`,
              `Call-ID: ${callId}`,
              `CSeq: 77 ${method}`,
              `P-Asserted-Identity: <${ada.uri}>`,
            ]);
          }
          const answer = await ada.sip.sees(
            'the answer to the BYE',
            (message) => !message.isRequest && message.cseq === 77 && message.toTag === to,
          );
          assertRefused(answer, 481, /dialog/);
        }
        await settled(ada);
        assert.equal(await hers.say('still here'), 200);
        assert.equal((await his.hear()).text, 'still here');
      },
      { mayCross: TO_RAW },
    ));
});

describe('CANCEL before and after everything', { concurrency: 4 }, () => {
  test('RFC3261-9.2 at once, when nobody rings yet: 487, and who was reached is cancelled', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      assert.equal((await call.cancel()).status, 200);
      assert.equal((await call.final()).status, 487);
      // He has said nothing yet: his CANCEL leaves when he does (RFC 3261 section 9.1).
      const invite = await ben.sip.nextInvite();
      invite.ring();
      await invite.nextCancel();
      await invite.acked;
    }));

  test('RFC3261-9.2 after a final failure it changes nothing', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      await (await ben.sip.nextInvite()).reject(603);
      assert.equal((await call.final()).status, 603);
      const late = await call.cancel();
      assert.ok([200, 481].includes(late.status), `${late.status}`);
      assert.deepEqual(
        call.responses.map(({ status }) => status),
        [603],
      );
    }));

  test('RFC3261-9.2 of a re-INVITE that has its answer: nothing', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      assert.ok(his !== undefined);
      const call = hers.dialog.reinvite({ body: nextOffer(hers) });
      assert.equal((await call.final()).status, 200);
      assert.ok([200, 481].includes((await call.cancel()).status));
      await settled(ada);
      assert.equal(hers.dialog.state, 'confirmed');
      assert.equal((await ada.sip.sync({ to: FACTORY })).status, 200);
    }));
});
