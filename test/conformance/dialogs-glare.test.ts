/** Requests that cross in a dialog, or come in the wrong order (RFC 3261 sections 12.2.2 and 14, RFC 3311, RFC 5407). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, gather } from './support/ad-hoc.ts';
import { invitedWith, script, timed } from './support/dialogs-script.ts';
import { assertRefused } from './support/expect.ts';
import { nextOffer, sameOffer } from './support/groups-reoffer.ts';
import { scene } from './support/scene.ts';

/** Refreshed by us at its half, and given up 2 s later. */
const REFRESHED_S = 12;
const WAIT_MS = 12_000;
const NO_UPDATE = { allow: 'INVITE, ACK, BYE, CANCEL, OPTIONS' };

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { session: { minSeS: 2 }, notify: { minIntervalMs: 0 } } });
});
after(() => stack.stop());

async function assertTalks(from: Room, to: Room): Promise<void> {
  const text = `after all that ${from.dialog.localTag}`;
  assert.equal(await from.say(text), 200);
  assert.equal((await to.hear()).text, text);
}

describe('glare', { concurrency: 4 }, () => {
  test('RFC3261-14.2 our re-INVITE has no answer yet: 491 to theirs and to an offer by UPDATE; afterwards 200', () =>
    scene(
      stack,
      ['Ada', 'Ben', 'Cleo'],
      async (ada, ben, cleo) => {
        const [, his, cleos] = await invitedWith(timed(REFRESHED_S, 'uac'), ada, ben, cleo);
        assert.ok(cleos !== undefined);
        script(his, 'withhold');
        const ours = await his.dialog.nextRequest('INVITE', { timeoutMs: WAIT_MS });
        assertRefused(await his.dialog.reinvite({ body: nextOffer(his) }).final(), 491, /offer of ours/);
        assertRefused(await his.dialog.update({ body: nextOffer(his) }), 491, /offer of ours/);
        assert.equal((await his.dialog.update()).status, 200, 'without an offer it may come at any time');
        ours.reply(200, 'OK', { headers: timed(60, 'uas'), body: sdpBody(his.dialog.localSdp ?? '') });
        await ours.acked;
        const again = await his.dialog.reinvite({ body: nextOffer(his) }).final();
        assert.equal(again.status, 200);
        await assertTalks(his, cleos);
      },
      NO_UPDATE,
    ));

  test('RFC3311-5.2 our UPDATE has no answer yet and has no offer: theirs and a re-INVITE are taken', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await invitedWith(timed(REFRESHED_S, 'uac'), ada, ben, cleo);
      assert.ok(cleos !== undefined);
      script(his, 'withhold');
      const ours = await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      assert.equal((await his.dialog.update()).status, 200);
      assert.equal((await his.dialog.reinvite({ body: nextOffer(his) }).final()).status, 200);
      ours.reply(200, 'OK', { headers: timed(60, 'uas') });
      await assertTalks(his, cleos);
    }));

  test('RFC3261-14.2 a second re-INVITE before the first has its answer: 500 with Retry-After', () =>
    scene(
      stack,
      ['Ada', 'Ben'],
      async (ada, ben) => {
        const [hers, his] = await gather(ada, ben);
        assert.ok(his !== undefined);
        // Both leave in one go: the switch is still being told of the first when the second arrives.
        const first = hers.dialog.reinvite({ body: nextOffer(hers, { acceptTypes: 'text/plain' }) });
        const second = hers.dialog.reinvite({ body: nextOffer(hers, { acceptTypes: 'message/cpim' }) });
        assert.equal((await first.final()).status, 200);
        const refused = await second.final();
        assertRefused(refused, 500, /no final response/);
        assert.ok(Number(refused.header('Retry-After') ?? Number.NaN) <= 10);
        assert.equal((await hers.dialog.reinvite({ body: nextOffer(hers) }).final()).status, 200);
      },
      { transport: 'tcp' },
    ));

  test('RFC5407-3.1.5 our offer in a 200 has no answer yet: 491', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      assert.ok(his !== undefined);
      const delayed = hers.dialog.reinvite({ autoAck: false });
      assert.equal((await delayed.final()).status, 200);
      assertRefused(await hers.dialog.reinvite({ body: nextOffer(hers) }).final(), 491, /offer of ours/);
      await delayed.ack({ body: sameOffer(hers) });
      await assertTalks(hers, his);
    }));

  test('RFC5407-3.1.4 a re-INVITE that overtakes the ACK is taken: the answer was in the 200', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      assert.ok(his !== undefined);
      const early = hers.dialog.reinvite({ body: sameOffer(hers), autoAck: false });
      assert.equal((await early.final()).status, 200);
      const next = await hers.dialog.reinvite({ body: nextOffer(hers) }).final();
      assert.equal(next.status, 200);
      await early.ack();
      await assertTalks(hers, his);
    }));

  test('RFC3261-14.2, RFC3311-5.2 in an early dialog: 500 with Retry-After to an offer, 200 to an UPDATE without', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      const invite = await ben.sip.nextInvite();
      invite.ring();
      const ringing = await call.provisional(180);
      const early = call.dialogs.get(ringing.toTag);
      assert.ok(early !== undefined);
      const offer = sdpBody('v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n');
      for (const refused of [
        await early.reinvite({ body: offer }).final(),
        await early.update({ body: offer }),
      ]) {
        assertRefused(refused, 500, /no final response/);
        assert.ok(Number(refused.header('Retry-After') ?? Number.NaN) <= 10);
      }
      assert.equal((await early.update()).status, 200);
      await ben.answer(invite);
      assert.equal((await call.final()).status, 200);
      assert.equal(call.dialog.state, 'confirmed');
    }));
});

describe('order', () => {
  test('RFC3261-12.2.2 a request whose CSeq is not above the last: 500, and nothing changes', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      assert.ok(his !== undefined);
      assert.equal((await hers.dialog.update()).status, 200);
      const reached = hers.dialog.localCseq;
      for (const method of ['BYE', 'UPDATE', 'OPTIONS'] as const) {
        for (const lower of [reached, reached - 1]) {
          hers.dialog.localCseq = lower - 1;
          assertRefused(await hers.dialog.request(method), 500, /CSeq/);
        }
      }
      hers.dialog.localCseq = reached - 1;
      assertRefused(await hers.dialog.reinvite({ body: nextOffer(hers) }).final(), 500, /CSeq/);
      hers.dialog.localCseq = reached + 40;
      assert.equal((await hers.dialog.update()).status, 200, 'gaps are allowed');
      await assertTalks(hers, his);
      assert.equal((await ada.sip.sync({ to: FACTORY })).status, 200);
    }));

  const counting: readonly (readonly [what: string, method: string, status: number, HeaderOverrides])[] = [
    ['OPTIONS', 'OPTIONS', 200, []],
    ['a method that is not served', 'INFO', 405, []],
    ['an option that is not known', 'UPDATE', 420, [['Require', 'nothing-known']]],
    ['a REFER that may not be', 'REFER', 403, [['Refer-To', `<${FACTORY};method=BYE>`]]],
    ['a REFER without Refer-To', 'REFER', 400, []],
    ['a SUBSCRIBE in the dialog of an INVITE', 'SUBSCRIBE', 403, [['Event', 'conference']]],
  ];
  for (const [what, method, status, headers] of counting) {
    test(`RFC3261-12.2.2 ${what}: ${status}, and its CSeq counts as the others do`, () =>
      scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
        const [hers, his] = await gather(ada, ben);
        assert.ok(his !== undefined);
        assert.equal((await hers.dialog.request(method, { headers })).status, status);
        const reached = hers.dialog.localCseq;
        hers.dialog.localCseq = reached - 1;
        assertRefused(await hers.dialog.update(), 500, /CSeq/);
        hers.dialog.localCseq = reached;
        assert.equal((await hers.dialog.update()).status, 200);
        await assertTalks(hers, his);
      }));
  }
});
