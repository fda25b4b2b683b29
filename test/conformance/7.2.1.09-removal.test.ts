/** 7.2.1.9 Removing a participant: the server's BYE, what its answer frees, and who is told. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { gather, plainSdp } from './support/ad-hoc.ts';
import { evidence, lastMsrpLine, rosterLine, wireLine } from './support/evidence.ts';
import { assertNotifies, assertRefused, sessionOf, stepOf, untilClosed } from './support/expect.ts';
import { scene } from './support/scene.ts';

/** A session that its client does not refresh is given up after two thirds of this, when everybody has long come. */
const SHORT_S = 5;

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { session: { minSeS: SHORT_S }, notify: { minIntervalMs: 0 } } });
});
after(() => stack.stop());

/** A session whose inviter will not refresh its timer and is removed for that. */
async function gatherWithSleeper(
  sleeper: Subscriber,
  ...invited: readonly Subscriber[]
): Promise<[Room, ...Room[]]> {
  const [room, ...rooms] = await Promise.all([
    sleeper.startAdHoc({
      factory: FACTORY,
      invite: invited.map(({ uri }) => uri),
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', String(SHORT_S)],
      ],
    }),
    ...invited.map((person) => person.answerNext()),
  ]);
  return [room, ...rooms];
}

// Most of them wait for the same session timer: side by side.
describe('7.2.1.9 removal', { concurrency: 4 }, () => {
  test('R-7.2.1.9-1 R-7.2.1.9-2 the BYE belongs to the dialog: ids, CSeq, route set, for caller and called', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await gather(ada, ben);
      await his?.leave();
      const toCaller = await hers.dialog.nextRequest('BYE');
      assert.equal(toCaller.request.cseq, 1, 'the first request of the server in this dialog');
      evidence('R-7.2.1.9-1', wireLine(toCaller.request, 'CSeq', 'User-Agent', 'Reason'));
      const [second, cleos] = await gather(ada, cleo);
      await second.leave();
      const toCalled = await cleos?.dialog.nextRequest('BYE');
      assert.equal(toCalled?.request.cseq, 2, 'one above the INVITE');
      assert.ok(toCalled);
      evidence('R-7.2.1.9-2', wireLine(toCalled.request, 'To', 'CSeq'));
      // The invitation was record-routed: the BYE took its way through Kamailio.
      assert.equal(toCalled?.request.values('Via').length, 2);
      for (const bye of [toCaller, toCalled]) {
        assert.equal(bye?.status, 200);
        assert.match(bye?.request.header('User-Agent') ?? '', /^IM-serv\/OMA1\.0/);
        assert.match(bye?.request.header('Reason') ?? '', /^SIP;cause=\d+;text="[^"]+"$/);
      }
      const { found } = await stepOf(stack, { session: sessionOf(hers.setUpBy) }, 'R-7.2.1.9-2');
      assert.match(found, new RegExp(hers.dialog.callId));
    }));

  test('R-7.2.1.9-ok-1 the 200 to the BYE frees the MSRP resources, and nothing before it', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const [hers, his, cleos] = await gatherWithSleeper(ada, ben, cleo, dan);
      assert.ok(his && cleos);
      hers.dialog.onRequest = () => 'withhold';
      const bye = await hers.dialog.nextRequest('BYE');
      // What follows in the same session is done after all that the BYE's decision asked for.
      const roster = await his.watch();
      await cleos.leave();
      await roster.until((users) => users.some(({ status }) => status === 'disconnected'));
      assert.equal(await hers.msrp.send('still bound'), 200, 'the BYE is not answered yet');
      assert.equal((await his.hear()).text, 'still bound');
      bye.reply(200);
      await untilClosed(hers.msrp);
    }));

  for (const status of [481, 500]) {
    test(`R-7.2.1.9-ok-1 R-7.2.1.9-ok-3 a ${status} to the BYE ends the dialog as well (A-42)`, () =>
      scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
        const [hers, his] = await gatherWithSleeper(ada, ben, cleo);
        assert.ok(his);
        hers.dialog.onRequest = () => ({ status });
        const roster = await his.watch();
        await hers.dialog.nextRequest('BYE');
        await untilClosed(hers.msrp);
        await roster.until((users) =>
          users.some(({ entity, status: shown }) => entity === ada.uri && shown === 'disconnected'),
        );
      }));
  }

  test('R-7.2.1.9-ok-1 the session-id of who was removed is dead: nothing is delivered, a new connection gets 481', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await gatherWithSleeper(ada, ben, cleo);
      const path = hers.msrp.remotePath;
      await untilClosed(hers.msrp);
      assert.equal(await his?.say('is Ada still here?'), 200);
      assert.equal((await cleos?.hear())?.text, 'is Ada still here?');
      assert.deepEqual(hers.msrp.waitingMessages, []);
      assert.equal(await hers.msrp.connect(path), 481);
      evidence('R-7.2.1.9-ok-1', lastMsrpLine(hers.msrp, 'To-Path', 'From-Path'));
    }));

  test('R-7.2.1.9-ok-2 R-7.2.1.9-ok-3 RFC3261-15 the subscribers learn who was removed, how and why', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await gatherWithSleeper(ada, ben, cleo);
      assert.ok(his);
      const roster = await his.watch();
      await roster.next();
      assert.equal(roster.documents[0]?.userCount, 3);
      await hers.dialog.nextRequest('BYE');
      await roster.next();
      assert.equal(roster.documents.length, 2, 'one change, one NOTIFY');
      assert.equal(roster.documents[1]?.userCount, 2);
      const gone = roster.users.find(({ entity }) => entity === ada.uri);
      assert.deepEqual(
        [gone?.status, gone?.disconnectionMethod, gone?.disconnectionReason],
        ['disconnected', 'booted', 'the session timer expired'],
      );
      assert.equal(roster.users.filter(({ status }) => status === 'connected').length, 2);
      evidence('R-7.2.1.9-ok-2 R-7.2.1.9-ok-3', rosterLine(roster.subscription.notifies.at(-1), ada.uri));
      assertNotifies(roster, hers.uri);
    }));

  test('R-7.2.1.9-ok-3 who is removed hears the end of its own subscription: terminated;reason=noresource', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers] = await gatherWithSleeper(ada, ben, cleo);
      const roster = await hers.watch();
      await hers.dialog.nextRequest('BYE');
      assert.equal(await roster.subscription.untilTerminated(), 'noresource');
    }));

  test('A-43 after a removal the release policy runs once: each of two gets one BYE, and the session is gone', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gatherWithSleeper(ada, ben);
      const roster = await his?.watch();
      await hers.dialog.nextRequest('BYE');
      await his?.dialog.nextRequest('BYE');
      assert.equal(await roster?.subscription.untilTerminated(), 'noresource');
      const back = await ben.sip.invite({ to: hers.uri, body: sdpBody(plainSdp()) }).final();
      assertRefused(back, 403, /./);
      for (const person of [ada, ben]) {
        await person.sip.sync();
        assert.equal(person.sip.received(({ isRequest, method }) => isRequest && method === 'BYE').length, 1);
      }
    }));

  test('R-7.2.1.5-2 who was removed, but not by a participant, may come back', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await gatherWithSleeper(ada, ben, cleo);
      await hers.dialog.nextRequest('BYE');
      await untilClosed(hers.msrp);
      const back = await ada.join(hers.uri);
      assert.equal(await back.say('here again'), 200);
      assert.equal((await his?.hear())?.text, 'here again');
    }));
});
