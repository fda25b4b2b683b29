/** 7.2.1.10 BYE received: who leaves, what that frees, and when the session is released. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { ConferenceInfo } from '../../src/agents/documents.ts';
import type { Roster } from '../../src/agents/roster.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { Dialog } from '../../src/agents/sip/dialog.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, gather, plainSdp } from './support/ad-hoc.ts';
import { evidence, lastMsrpLine, wireLine } from './support/evidence.ts';
import { assertNotifies, assertRefused, sessionOf, stepOf, untilClosed } from './support/expect.ts';
import { scene } from './support/scene.ts';
import { outsider, userLine } from './support/users.ts';

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { notify: { minIntervalMs: 0 } },
    users: [userLine('olga'), userLine('mallory')],
  });
});
after(() => stack.stop());

describe('7.2.1.10 a participant leaves', () => {
  test('R-7.2.1.10-1 the BYE gets 200, of inviter and invitee; another in the same dialog 481', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const rooms = await gather(ada, ben, cleo, dan);
      for (const room of rooms.slice(0, 2)) {
        const response = await room.dialog.bye();
        assert.equal(response.status, 200);
        assert.match(response.header('Server') ?? '', /^IM-serv/);
        evidence('R-7.2.1.10-1', wireLine(response, 'CSeq', 'Server'));
        assertRefused(await room.dialog.bye(), 481, /no such dialog/);
      }
    }));

  test('R-7.2.1.10-2 the MSRP resources of that leg are freed, those of the others are not', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await gather(ada, ben, cleo);
      assert.ok(his && cleos);
      const path = his.msrp.remotePath;
      await his.dialog.bye();
      await untilClosed(his.msrp);
      assert.equal(await his.msrp.connect(path), 481);
      evidence('R-7.2.1.10-2', lastMsrpLine(his.msrp, 'To-Path', 'From-Path'));
      assert.equal(await hers.say('without Ben'), 200);
      assert.equal((await cleos.hear()).text, 'without Ben');
      assert.deepEqual(his.msrp.waitingMessages, []);
    }));

  test('R-7.2.1.10-3 two of three remain: the session goes on, also without its inviter', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await gather(ada, ben, cleo);
      const roster = await his?.watch();
      await hers.leave();
      // A NOTIFY leaves after the BYEs of the same decision.
      await roster?.until((users) => users.some(({ status }) => status === 'disconnected'));
      for (const person of [ben, cleo]) {
        await person.sip.sync();
        assert.equal(person.sip.received(({ isRequest, method }) => isRequest && method === 'BYE').length, 0);
      }
      assert.equal(await his?.say('she is gone'), 200);
      assert.equal((await cleos?.hear())?.text, 'she is gone');
      const { found } = await stepOf(
        stack,
        { callId: hers.dialog.callId, clause: '7.2.1.10' },
        'R-7.2.1.10-3',
      );
      assert.match(found, /goes on/);
    }));

  test('R-7.2.1.10-3 7.2.2.8 one of two remains: removed by 7.2.1.9, and the session is over', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      const roster = await hers.watch();
      await his?.leave();
      const bye = await hers.dialog.nextRequest('BYE');
      evidence('R-7.2.1.10-3', wireLine(bye.request, 'CSeq', 'Reason'));
      assert.equal(hers.dialog.state, 'terminated');
      await untilClosed(hers.msrp);
      assert.equal(await roster.subscription.untilTerminated(), 'noresource');
      const last = await lastOf(roster);
      assert.deepEqual(
        last.users.map(({ status, disconnectionMethod }) => [status, disconnectionMethod]),
        [
          ['disconnected', 'departed'],
          ['disconnected', 'departed'],
        ],
      );
      assertNotifies(roster, hers.uri);
      const back = await ada.sip.invite({ to: hers.uri, body: sdpBody(plainSdp()) }).final();
      assertRefused(back, 403, /./);
      const again = await ada.sip.subscribe({ to: hers.uri, event: 'conference' });
      assertRefused(again.response, 404, /./);
      const known = await stack.sessions();
      assert.ok(!known.some(({ id }) => id === sessionOf(hers.setUpBy)));
    }));

  test('R-7.2.1.10-3 who still rings counts as present; with nobody else the invitation is cancelled (7.2.2.8)', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [his, toCleo] = await Promise.all([ben.answerNext(), cleo.sip.nextInvite()]);
      toCleo.ring();
      const dialog = await call.answered();
      await his.leave();
      await ada.sip.sync({ to: FACTORY });
      assert.equal(dialog.state, 'confirmed', 'Cleo may still come');
      assert.equal((await dialog.bye()).status, 200);
      await toCleo.nextCancel();
      assert.equal(toCleo.received.status, 487);
    }));

  test('R-7.2.1.10-4 7.2.2.10 the leaver hears the end of its own subscription, the others that it has departed', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await gather(ada, ben, cleo);
      assert.ok(his);
      const [own, watching] = await Promise.all([his.watch(), hers.watch()]);
      await Promise.all([own.next(), watching.next()]);
      await his.leave();
      assert.equal(await own.subscription.untilTerminated(), 'noresource');
      const [last] = own.subscription.notifies.slice(-1);
      assert.ok(last);
      evidence('R-7.2.1.10-4', wireLine(last, 'Event', 'Subscription-State'));
      await watching.next();
      const gone = watching.users.find(({ entity }) => entity === ben.uri);
      assert.deepEqual([gone?.status, gone?.disconnectionMethod], ['disconnected', 'departed']);
      assert.equal(watching.documents.at(-1)?.userCount, 2);
      assert.equal(watching.subscription.state, 'active');
      assertNotifies(watching, hers.uri);
      assertNotifies(own, hers.uri);
      assertRefused(
        (await ben.sip.subscribe({ to: hers.uri, event: 'conference' })).response,
        403,
        /take part/,
      );
      await stepOf(stack, { callId: his.dialog.callId }, 'R-7.2.1.10-4');
    }));

  test('R-7.2.1.10-4 a refresh in the dialog of a subscription that has ended: 481', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his] = await gather(ada, ben, cleo);
      const own = await his?.watch();
      await his?.leave();
      await own?.subscription.untilTerminated();
      assertRefused((await own?.subscription.refresh(600)) as SipMessage, 481, /no such dialog/);
    }));

  test('R-7.2.1.10-1 a BYE before the final response: 200, and the INVITE gets its 487 (RFC 3261 15.1.2)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      const invite = await ben.sip.nextInvite();
      invite.ring();
      await call.provisional(180);
      const early = [...call.dialogs.values()][0];
      assert.equal((await early?.bye())?.status, 200);
      assert.equal((await call.final()).status, 487);
      await invite.nextCancel();
    }));

  test('R-7.2.1.10-1 both leave at once: each BYE is answered, and nothing is left', () =>
    scene(
      stack,
      ['Ada', 'Ben'],
      async (ada, ben) => {
        const [hers, his] = await gather(ada, ben);
        const answers = await Promise.all([hers.dialog.bye(), his?.dialog.bye()]);
        for (const response of answers) assert.ok([200, 481].includes(response?.status ?? 0));
        for (const room of [hers, his]) if (room !== undefined) await untilClosed(room.msrp);
        const known = await stack.sessions();
        assert.ok(!known.some(({ id }) => id === sessionOf(hers.setUpBy)));
      },
      { mayCross: /^BYE in no dialog of ours/ },
    ));
});

describe('7.2.1.10 a BYE by somebody else', () => {
  test('R-7.2.1.10-1 tags prove nothing: without digest from elsewhere, or with the digest of another, it is refused', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      const mallory = await outsider(stack, 'mallory', ada.uri);
      try {
        const bare = await byeOf(mallory, hers.dialog, 'bare-1');
        assertRefused(bare, 403, /other end/);
        const digest = await mallory.sip.request('BYE', {
          to: hers.uri,
          headers: stolen(hers.dialog, 1_000),
        });
        assertRefused(digest, 403, /other end/);
      } finally {
        await mallory.stop();
      }
      assert.equal(await hers.say('nothing happened'), 200);
      assert.equal((await his?.hear())?.text, 'nothing happened');
      assert.equal((await his?.leave())?.status, 200);
    }));

  test('R-7.2.1.10-1 a user outside the core leaves by digest, or from its own address without', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const olga = await outsider(stack, 'olga');
      try {
        const [first] = await gather(olga, ada, ben);
        assert.equal((await byeOf(olga, first.dialog, 'bare-2')).status, 200);
        await untilClosed(first.msrp);
        const [, , second] = await gather(ada, ben, olga);
        assert.ok(second);
        assert.equal((await second.leave()).status, 200);
        const [, , third] = await gather(ada, ben, olga);
        assert.ok(third);
        assert.equal((await byeOf(olga, third.dialog, 'bare-3')).status, 200);
      } finally {
        await olga.stop();
      }
    }));
});

/** A BYE in this dialog without credentials, as bytes of its own; resolves with the answer. */
async function byeOf(sender: Subscriber, dialog: Dialog, mark: string): Promise<SipMessage> {
  const cseq = dialog.localCseq + 1;
  const lines = [
    `BYE ${dialog.remoteTarget} SIP/2.0`,
    `Via: ${sender.sip.newVia().replace(/;branch=[^;]*/, `;branch=z9hG4bK${mark}`)}`,
    'Max-Forwards: 70',
    `P-Asserted-Identity: ${sender.options.assertedIdentity}`,
    ...stolen(dialog, cseq).map(([name, value]) => `${name}: ${value}`),
    'Content-Length: 0',
    '',
    '',
  ];
  const seen = sender.sip.sees(
    `the answer to BYE ${mark}`,
    (message) => message.method === 'BYE' && !message.isRequest && message.transactionId.includes(mark),
  );
  sender.sip.sendRaw(lines.join('\r\n'));
  return seen;
}

/** The header fields that put a request into this dialog. */
function stolen(dialog: Dialog, cseq: number): [string, string][] {
  return [
    ['From', `${dialog.localAddress};tag=${dialog.localTag}`],
    ['To', `${dialog.remoteAddress};tag=${dialog.remoteTag}`],
    ['Call-ID', dialog.callId],
    ['CSeq', `${cseq} BYE`],
  ];
}

async function lastOf(roster: Roster): Promise<ConferenceInfo> {
  const all = roster.subscription.notifies.length;
  while (roster.documents.length < all) await roster.next();
  const last = roster.documents.at(-1);
  assert.ok(last);
  return last;
}
