/** CANCEL of a pending INVITE (RFC 3261 section 9), both ways, with the races that it has with a 200. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sdpBody } from '../../src/agents/sdp.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { UasInvite } from '../../src/agents/sip/uas-invite.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, plainSdp } from './support/ad-hoc.ts';
import { assertRefused, sessionOf } from './support/expect.ts';
import { scene } from './support/scene.ts';

/** The least that may be configured. */
const INVITE_TIMEOUT_S = 5;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { conference: { inviteTimeoutS: INVITE_TIMEOUT_S }, notify: { minIntervalMs: 0 } },
  });
});
after(() => stack.stop());

async function assertSessionGone(
  invite: UasInvite,
  caller: Parameters<typeof dialFactory>[0],
): Promise<void> {
  const identity = parseNameAddr(invite.request.header('Contact') ?? '').uri;
  assertRefused(await caller.sip.invite({ to: identity, body: sdpBody(plainSdp()) }).final(), 403, /./);
  assert.ok(!(await stack.sessions()).some(({ id }) => id === sessionOf(invite.request)));
}

describe('CANCEL by the inviter', { concurrency: 4 }, () => {
  test('RFC3261-9.2 200 to the CANCEL, 487 to the INVITE, CANCEL to all who ring, and the session is gone', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      toBen.ring();
      await call.provisional(180);
      // Cleo has not rung: her INVITE has had a 100 from Kamailio alone.
      toCleo.ring();
      const cancelled = await call.cancel();
      assert.equal(cancelled.status, 200);
      const final = await call.final();
      assert.equal(final.status, 487);
      assert.match(final.header('Server') ?? '', /^IM-serv/);
      for (const invite of [toBen, toCleo]) {
        const cancel = await invite.nextCancel();
        assert.equal(cancel.cseq, invite.request.cseq);
        assert.equal(invite.received.status, 487);
        await invite.acked;
      }
      await assertSessionGone(toBen, ada);
    }));

  test('RFC3261-9.2 one has refused already: no final response but the 487', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      toCleo.ring();
      await call.provisional(180);
      await toBen.reject(486);
      assert.equal((await call.cancel()).status, 200);
      await toCleo.nextCancel();
      assert.equal((await call.final()).status, 487);
      await ada.sip.sync();
      assert.deepEqual(
        call.responses.map(({ status }) => status).filter((status) => status >= 200),
        [487],
      );
    }));

  test('RFC3261-9.2 too late: after the 200 a CANCEL changes nothing', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const dialling = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
      const his = await ben.answerNext();
      const hers = await dialling.room();
      const response = await dialling.call.cancel();
      assert.ok([200, 481].includes(response.status), `${response.status}`);
      // Kamailio answers the CANCEL before it tells the focus: two more questions come surely later.
      await ada.sip.sync({ to: FACTORY });
      const roster = await hers.watch();
      await roster.next();
      assert.deepEqual(new Set(roster.connected), new Set([ada.uri, ben.uri]));
      assert.equal(await hers.say('still here'), 200);
      assert.equal((await his.hear()).text, 'still here');
      assert.equal(hers.dialog.state, 'confirmed');
    }));

  test('RFC3261-9.2 a CANCEL of no INVITE: 481', () =>
    scene(
      stack,
      ['Ada'],
      async (ada) => {
        const callId = 'cancel-of-nothing';
        const lines = [
          `CANCEL ${FACTORY} SIP/2.0`,
          `Via: ${ada.sip.newVia()}`,
          'Max-Forwards: 70',
          `From: <${ada.uri}>;tag=nothing`,
          `To: <${FACTORY}>`,
          `Call-ID: ${callId}`,
          'CSeq: 1 CANCEL',
          'Content-Length: 0',
          '',
          '',
        ];
        ada.sip.sendRaw(lines.join('\r\n'));
        const answer = await ada.sip.sees('an answer', (message) => message.callId === callId);
        assert.equal(answer.status, 481);
      },
      // An answer to raw bytes belongs to no request of the agent.
      { mayCross: /\(CANCEL\)$/ },
    ));

  test('RFC3261-15 an invitee answers after the CANCEL: its 200 is acknowledged, then BYE', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      const invite = await ben.sip.nextInvite();
      invite.answersCancel = false;
      invite.ring();
      await call.provisional(180);
      assert.equal((await call.cancel()).status, 200);
      assert.equal((await call.final()).status, 487);
      await invite.nextCancel();
      const dialog = await invite.accept({ body: sdpBody(plainSdp()) });
      const bye = await dialog.nextRequest('BYE');
      assert.equal(bye.status, 200);
      assert.ok(bye.request.cseq > invite.request.cseq);
      await assertSessionGone(invite, ada);
      // A repeated 200 is acknowledged again, and that is all: forks.test.ts.
    }));
});

describe('CANCEL by the server', { concurrency: 4 }, () => {
  test('7.2.2.2 nobody answers in time: CANCEL to who rings, 408 to the inviter', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      const invite = await ben.sip.nextInvite();
      invite.ring();
      const final = await call.final({ timeoutMs: 3 * INVITE_TIMEOUT_S * 1_000 });
      assertRefused(final, 408, /408/);
      await invite.nextCancel();
      await assertSessionGone(invite, ada);
    }));

  test('R-7.2.1.2-ok-1 one answers, the other does not in time: cancelled, shown as failed, the session goes on', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri, dan.uri] });
      const [his, toCleo, dans] = await Promise.all([
        ben.answerNext(),
        cleo.sip.nextInvite(),
        dan.answerNext(),
      ]);
      toCleo.ring();
      await call.answered();
      const roster = await his.watch();
      await toCleo.nextCancel({ timeoutMs: 3 * INVITE_TIMEOUT_S * 1_000 });
      const users = await roster.until((all) =>
        all.some(({ entity, status }) => entity === cleo.uri && status === 'disconnected'),
      );
      const late = users.find(({ entity }) => entity === cleo.uri);
      assert.equal(late?.disconnectionMethod, 'failed');
      assert.match(late?.disconnectionReason ?? '', /^SIP;cause=408/);
      assert.equal(await his.say('without Cleo'), 200);
      assert.equal((await dans.hear()).text, 'without Cleo');
    }));

  test('RFC3261-9.1 who joins by itself while its invitation rings: the invitation is cancelled', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [his, toCleo] = await Promise.all([ben.answerNext(), cleo.sip.nextInvite()]);
      toCleo.ring();
      await call.answered();
      const hers = await cleo.join(his.uri);
      await toCleo.nextCancel();
      assert.equal(await hers.say('by myself'), 200);
      assert.equal((await his.hear()).text, 'by myself');
    }));
});

describe('forks of an invitation', () => {
  test('RFC3261-13.2.2.4 two devices of one user answer: one stays, the other gets ACK and BYE', async () => {
    await scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      // The second device registers the same address.
      const tablet = await stack.subscriber('tablet', { uri: ben.uri, displayName: 'Ben' });
      try {
        const call = dialFactory(ada, { invite: [ben.uri] });
        const invites = await Promise.all([ben.sip.nextInvite(), tablet.sip.nextInvite()]);
        for (const invite of invites) {
          invite.answersCancel = false;
          invite.ring();
        }
        const [first, second] = invites;
        const kept = await first.accept({ body: sdpBody(plainSdp()) });
        assert.equal((await call.final()).status, 200);
        await second.nextCancel();
        const stray = await second.accept({ body: sdpBody(plainSdp()) });
        const bye = await stray.nextRequest('BYE');
        assert.equal(bye.status, 200);
        await ada.sip.sync({ to: FACTORY });
        assert.equal(kept.state, 'confirmed');
        const [session] = (await stack.sessions()).filter(({ id }) => id === sessionOf(first.request));
        assert.equal(session?.participants.connected, 2);
      } finally {
        await tablet.stop();
      }
    });
  });

  test('RFC3261-16.7 one device refuses and the other answers: the user is there', async () => {
    await scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const tablet = await stack.subscriber('tablet', { uri: ben.uri, displayName: 'Ben' });
      try {
        const dialling = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
        const [first, second] = await Promise.all([ben.sip.nextInvite(), tablet.sip.nextInvite()]);
        await first.reject(480);
        const his = await tablet.answer(second);
        const hers = await dialling.room();
        assert.equal(await hers.say('to the tablet'), 200);
        assert.equal((await his.hear()).text, 'to the tablet');
      } finally {
        await tablet.stop();
      }
    });
  });
});
