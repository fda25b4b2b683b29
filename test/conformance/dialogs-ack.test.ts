/** The 200 until its ACK, and BYEs: what is repeated, what counts, and what is given up (RFC 3261 sections 13.3.1.4, 15). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { within } from '../../src/agents/waiting.ts';
import { Stack } from '../support/stack.ts';
import { dialFactory, gather } from './support/ad-hoc.ts';
import { requests, settled } from './support/dialogs-raw.ts';
import { nextOffer, sameOffer } from './support/groups-reoffer.ts';
import { scene } from './support/scene.ts';

/** 64 · T1 of the stack are 6.4 s: time enough for what is to happen before. */
const T1_MS = 100;
const WAIT_MS = 20_000;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { sip: { t1Ms: T1_MS }, notify: { minIntervalMs: 0 }, adHoc: { mayRemove: 'participants' } },
  });
});
after(() => stack.stop());

function arrivedMs(person: Subscriber, message: SipMessage): number {
  const entry = person.sip.trace.find((one) => one.message === message);
  assert.ok(entry !== undefined);
  return entry.at.getTime();
}

describe('the 200 until its ACK', { concurrency: 4 }, () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(`RFC3261-13.3.1.4 it is repeated, over ${transport} as well, with pauses that double`, () =>
      scene(
        stack,
        ['Ada', 'Ben'],
        async (ada, ben) => {
          const call = dialFactory(ada, { invite: [ben.uri], autoAck: false });
          await ben.answerNext();
          const copies = [await call.final()];
          for (let count = 0; count < 4; count += 1) copies.push(await call.nextFinal());
          for (const copy of copies) assert.deepEqual(copy.raw, copies[0]?.raw);
          await call.ack();
        },
        { transport },
      ));
  }

  test('RFC3261-13.3.1.4 no ACK: BYE after 64·T1, MSRP is closed, and everybody is told', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'], async (ada, ben, cleo, dan, eve) => {
      // Answered before and acknowledged: its time is over first, and nothing comes of it.
      const acked = dialFactory(dan, { invite: [eve.uri] });
      await eve.answerNext();
      const kept = await acked.answered();
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri], autoAck: false });
      const [his] = await Promise.all([ben.answerNext(), cleo.answerNext()]);
      const roster = await his.watch();
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === ada.uri && status === 'connected'),
      );
      const answered = await call.final();
      const bye = await call.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
      const [sinceMs = 0, untilMs = 0] = [answered, bye.request].map((message) => arrivedMs(ada, message));
      assert.ok(untilMs - sinceMs >= 40 * T1_MS, 'not at once');
      assert.match(bye.request.header('Reason') ?? '', /not acknowledged/);
      assert.equal(bye.request.fromTag, answered.toTag);
      await dan.sip.sync();
      assert.equal(kept.state, 'confirmed', 'an acknowledged one goes on');
      await roster.until((users) =>
        users.some(
          ({ entity, status, disconnectionMethod }) =>
            entity === ada.uri && status === 'disconnected' && disconnectionMethod === 'failed',
        ),
      );
    }));

  test('RFC3261-17.1.1.3 an ACK with another CSeq or another tag is not the one: BYE all the same', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri], autoAck: false });
      await Promise.all([ben.answerNext(), cleo.answerNext()]);
      await call.final();
      call.dialog.ack(call.request.cseq + 1, []);
      await call.nextFinal();
      const bye = await call.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
      assert.match(bye.request.header('Reason') ?? '', /not acknowledged/);
    }));

  for (const end of ['the ACK', '64·T1'] as const) {
    test(`RFC3261-15 no BYE before ${end}: who is removed meanwhile is gone for the others at once`, () =>
      scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
        const call = dialFactory(ada, { invite: [ben.uri, cleo.uri], autoAck: false });
        const [his, cleos] = await Promise.all([ben.answerNext(), cleo.answerNext()]);
        await call.final();
        const roster = await his.watch();
        await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 3);
        const told = roster.subscription.notifies.length;
        await his.dialog.refer(`<${ada.uri};method=BYE>`, { headers: [['Refer-Sub', 'false']] });
        await roster.until((users) =>
          users.some(
            ({ entity, status, disconnectionMethod }) =>
              entity === ada.uri && status === 'disconnected' && disconnectionMethod === 'booted',
          ),
        );
        assert.equal(await his.say('she hears this no more'), 200);
        await cleos.hear();
        await settled(ada);
        assert.deepEqual(requests(ada, 'BYE', call.request.callId), [], 'no BYE yet');
        const wait = (await stack.steps(his.dialog.callId)).find(({ id }) => id === 'RFC3261-15');
        assert.match(`${wait?.verdict} ${wait?.found}`, /^done .*waits for the ACK/);
        if (end === 'the ACK') await call.ack();
        const bye = await call.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
        assert.match(bye.request.header('Reason') ?? '', /removed by another participant/);
        await settled(ben);
        assert.equal(roster.subscription.notifies.length, told + 1, 'told once that she is gone');
      }));
  }

  test('RFC3261-14.2 the 200 to a re-INVITE: repeated until its ACK; without one BYE', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await gather(ada, ben, cleo);
      assert.ok(his !== undefined);
      const acked = hers.dialog.reinvite({ body: sameOffer(hers), autoAck: false });
      await acked.final();
      await acked.nextFinal();
      await acked.ack();
      const lost = his.dialog.reinvite({ body: nextOffer(his), autoAck: false });
      await lost.final();
      const bye = await his.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
      assert.match(bye.request.header('Reason') ?? '', /not acknowledged/);
      assert.equal(hers.dialog.state, 'confirmed', 'hers was acknowledged');
    }));
});

describe('a BYE that nobody answers', { concurrency: 4 }, () => {
  test('RFC3261-17.1.2.2, R-7.2.1.9-ok-3 after 64·T1 the leg is over: repeated until then, MSRP closed, everybody told', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await gather(ada, ben, cleo);
      assert.ok(his !== undefined && cleos !== undefined);
      const roster = await hers.watch();
      const asAlways = his.dialog.onRequest;
      his.dialog.onRequest = (received) => (received.method === 'BYE' ? 'withhold' : asAlways?.(received));
      await hers.dialog.refer(`<${ben.uri};method=BYE>`, { headers: [['Refer-Sub', 'false']] });
      const bye = await his.dialog.nextRequest('BYE');
      await within(his.msrp.closed, WAIT_MS, 'the MSRP connection closes', () => his.msrp.tail());
      await roster.until(
        (users) => users.some(({ entity, status }) => entity === ben.uri && status === 'disconnected'),
        { timeoutMs: WAIT_MS },
      );
      assert.ok(bye.transaction.retransmissions > 0);
      assert.equal(await hers.say('without Ben'), 200);
      assert.equal((await cleos.hear()).text, 'without Ben');
    }));
});
