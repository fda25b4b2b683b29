/** A focus that dies and comes back: its dialogs go on where they were, with numbers that only rise. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { killPart, whileFocusIsDown } from '../e2e/support/outage.ts';
import { Stack } from '../support/stack.ts';
import { dialFactory } from './support/ad-hoc.ts';
import { requests } from './support/dialogs-raw.ts';
import { agrees, invitedByWhoGoes, invitedWith, script, timed } from './support/dialogs-script.ts';
import { nextOffer } from './support/groups-reoffer.ts';
import { scene } from './support/scene.ts';

const WAIT_MS = 20_000;
/** Refreshed by us at its half and given up after two thirds: in the 8 s between a focus dies and comes back. */
const OUTLASTS_S = 48;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { session: { minSeS: 2 }, notify: { minIntervalMs: 0 }, adHoc: { mayRemove: 'participants' } },
  });
});
after(() => stack.stop());

function assertRising(cseqs: readonly number[]): void {
  for (const [index, cseq] of cseqs.entries())
    if (index > 0) assert.ok(cseq > (cseqs[index - 1] ?? 0), `${cseqs.join(', ')} only rise`);
}

describe('the focus is killed', () => {
  test('RFC3261-12.2.1.1 re-INVITE, UPDATE, refresh, NOTIFY and BYE go on in their dialogs, and CSeq only rises', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      // Long enough for a focus to die and come back.
      const [, his, cleos] = await invitedByWhoGoes(timed(30, 'uac'), ada, ben, cleo);
      assert.ok(cleos !== undefined);
      const roster = await cleos.watch();
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === ben.uri && status === 'connected'),
      );
      script(his, agrees(30, 'uac'), agrees(4, 'uac'), agrees(60, 'uas'));
      await killPart(stack, 'focus');
      assert.equal((await his.dialog.reinvite({ body: nextOffer(his) }).final()).status, 200);
      assert.equal((await cleos.dialog.update()).status, 200);
      assert.equal((await ben.sip.request('OPTIONS', { to: his.uri })).status, 200);
      assert.equal((await cleos.dialog.update()).status, 200);
      assert.equal(await his.say('still here'), 200);
      assert.equal((await cleos.hear()).text, 'still here');
      assert.equal((await his.leave()).status, 200);
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === ben.uri && status === 'disconnected'),
      );
      assert.deepEqual(roster.violations, []);
      assertRising(roster.subscription.notifies.map(({ cseq }) => cseq));
      await cleos.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
    }));

  test('RFC4028-7.4 while its refresh waits for an answer that nobody is there to hear: it is asked again, with a higher CSeq', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await invitedWith(timed(OUTLASTS_S, 'uac'), ada, ben, cleo);
      assert.ok(cleos !== undefined);
      script(his, 'withhold', agrees(60, 'uas'));
      const first = await his.dialog.nextRequest('UPDATE', { timeoutMs: 2 * WAIT_MS });
      await whileFocusIsDown(stack, async () => first.reply(200, 'OK', { headers: timed(60, 'uas') }));
      const second = await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      assert.ok(second.request.cseq > first.request.cseq);
      assert.equal(his.dialog.state, 'confirmed');
      assert.equal(await cleos.say('to Ben'), 200);
      assert.equal((await his.hear()).text, 'to Ben');
      assertRising(requests(ben, 'UPDATE', his.dialog.callId).map(({ cseq }) => cseq));
    }));

  test('RFC3261-15 while a BYE waits for the ACK: it leaves when the focus is back, for an ACK that came meanwhile', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri], autoAck: false });
      const [his] = await Promise.all([ben.answerNext(), cleo.answerNext()]);
      await call.final();
      await his.dialog.refer(`<${ada.uri};method=BYE>`, { headers: [['Refer-Sub', 'false']] });
      await whileFocusIsDown(stack, async () => {
        assert.deepEqual(requests(ada, 'BYE', call.request.callId), []);
        await call.ack();
      });
      const bye = await call.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
      assert.match(bye.request.header('Reason') ?? '', /removed by another participant/);
    }));
});
