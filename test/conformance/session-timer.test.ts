/**
 * RFC 4028 as a client sees it: intervals that are too small, who refreshes, and what becomes of a client that does not
 * answer a refresh. What the change request itself says of it is in 7.2.1.11-refresh.test.ts.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import { sdpOf } from '../../src/agents/sdp.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory } from './support/ad-hoc.ts';
import { requests } from './support/dialogs-raw.ts';
import { agrees, invitedWith, script, timed } from './support/dialogs-script.ts';
import { assertRefused } from './support/expect.ts';
import { scene } from './support/scene.ts';

/** Of who is there all the time: three are in each session, so that it goes on with one of them given up. */
const EXPIRES_S = 90;
/** A session as short as this is given up after two thirds: time enough to answer in. */
const MIN_SE_S = 6;
/**
 * What clients agree to. It is refreshed at its half and given up after two thirds: the 2 s between are room for a
 * machine that is busy.
 */
const AGREED_S = 12;
/** What outlasts what comes after a refresh, by the same 2 s: 64 · T1, a wait after a glare, refusals one after another. */
const PATIENT_S = 36;
/** Of the stack, so that its time-outs of 64 · T1 take 4 s. */
const T1_MS = 60;
const WAIT_MS = 30_000;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: {
      sip: { t1Ms: T1_MS },
      session: { expiresS: EXPIRES_S, minSeS: MIN_SE_S },
      notify: { minIntervalMs: 0 },
    },
  });
});
after(() => stack.stop());

/** When this request came. */
function receivedMs(person: Subscriber, request: SipMessage): number {
  const entry = person.sip.trace.find(({ message }) => message === request);
  assert.ok(entry !== undefined);
  return entry.at.getTime();
}

/** When this request was refused. */
function refusedMs(person: Subscriber, request: SipMessage): number {
  const entry = person.sip.trace.find(
    ({ direction, message }) =>
      direction === 'sent' && message?.isRequest === false && message.transactionId === request.transactionId,
  );
  assert.ok(entry !== undefined);
  return entry.at.getTime();
}

const WE_REFRESH = [...timed(AGREED_S, 'uac'), ['Require', 'timer']] as const;

/** What was said reaches the other: the session is still there. */
async function assertStands(from: Room, to: Room): Promise<void> {
  const text = `still here ${from.dialog.localTag}`;
  assert.equal(await from.say(text), 200);
  assert.equal((await to.hear()).text, text);
}

/** The focus has ended the leg by BYE for this reason, and the roster of who stayed says so. */
async function assertGivenUp(
  room: Room,
  person: Subscriber,
  roster: Awaited<ReturnType<Room['watch']>>,
  why: RegExp,
) {
  const bye = await room.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
  assert.match(bye.request.header('Reason') ?? '', why);
  await roster.until(
    (users) => users.some(({ entity, status }) => entity === person.uri && status === 'disconnected'),
    { timeoutMs: WAIT_MS },
  );
}

describe('RFC 4028 section 9: the interval of a client', { concurrency: 4 }, () => {
  test('RFC4028-9 an initial INVITE with too small an interval: 422 with Min-SE; with that one it is accepted', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const refused = await dialFactory(ada, { invite: [ben.uri], headers: timed(1, 'uac') }).final();
      assertRefused(refused, 422, /at least 6 s/);
      const minSe = refused.header('Min-SE');
      assert.equal(minSe, String(MIN_SE_S));
      const call = dialFactory(ada, { invite: [ben.uri], headers: timed(Number(minSe), 'uac') });
      await ben.answerNext();
      const accepted = await call.final();
      assert.equal(accepted.header('Session-Expires'), `${MIN_SE_S};refresher=uac`);
      assert.ok(accepted.values('Require').includes('timer'));
    }));

  test('RFC4028-9 A-6: a client that does not know timers is not refused; its interval is raised', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri], headers: [['Session-Expires', '1']] });
      await ben.answerNext();
      const accepted = await call.final();
      assert.equal(accepted.header('Session-Expires'), `${MIN_SE_S};refresher=uac`);
      assert.equal(accepted.header('Require'), undefined);
    }));

  test('RFC4028-9 Min-SE of the client above our interval: theirs', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const headers = [...timed(200, 'uac'), ['Min-SE', '150']] as const;
      const call = dialFactory(ada, { invite: [ben.uri], headers });
      await ben.answerNext();
      assert.equal((await call.final()).header('Session-Expires'), '150;refresher=uac');
    }));
});

describe('RFC 4028 section 7.3: an invited client wants a longer interval', { concurrency: 4 }, () => {
  test('RFC4028-7.3 its 422: invited again with the interval of its Min-SE, in the same call', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const dialling = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
      const first = await ben.sip.nextInvite();
      assert.equal(first.request.header('Session-Expires'), `${EXPIRES_S};refresher=uas`);
      await first.reject(422, 'Session Interval Too Small', [['Min-SE', '900']]);
      const second = await ben.sip.nextInvite();
      assert.equal(second.request.header('Session-Expires'), '900;refresher=uas');
      assert.equal(second.request.header('Min-SE'), '900');
      assert.equal(second.request.callId, first.request.callId);
      assert.equal(second.request.fromTag, first.request.fromTag);
      assert.equal(second.request.cseq, first.request.cseq + 1);
      assert.equal(second.request.body, first.request.body);
      const [hers, his] = await Promise.all([dialling.room(), ben.answer(second)]);
      await assertStands(his, hers);
      assert.equal((await hers.leave()).status, 200);
      const bye = await his.dialog.nextRequest('BYE');
      assert.ok(bye.request.cseq > second.request.cseq);
    }));

  test('RFC4028-7.3 a second 422 asks for more again: again; one that asks for no more is a failure like another', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      for (const minSe of ['120', '240', '240']) {
        const invite = await ben.sip.nextInvite();
        await invite.reject(422, undefined, [['Min-SE', minSe]]);
      }
      assertRefused(await call.final(), 422, /422/);
      assert.deepEqual(ben.sip.waitingInvites, []);
    }));

  test('RFC4028-7.3 a CANCEL reaches the invitation that is pending', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      await (await ben.sip.nextInvite()).reject(422, undefined, [['Min-SE', '120']]);
      const second = await ben.sip.nextInvite();
      second.ring();
      await call.provisional(180);
      assert.equal((await call.cancel()).status, 200);
      const cancel = await second.nextCancel();
      assert.equal(cancel.cseq, second.request.cseq);
      assert.equal((await call.final()).status, 487);
    }));
});

describe('RFC 4028 section 7.4: an invited client leaves the refreshing to us', { concurrency: 8 }, () => {
  test('RFC4028-7.4 with UPDATE in Allow: UPDATE without a body, and the session outlives its interval', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await invitedWith(WE_REFRESH, ada, ben, cleo);
      assert.ok(cleos !== undefined);
      script(his, ...Array.from({ length: 9 }, () => agrees(AGREED_S, 'uac')));
      const first = await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      assert.equal(first.request.header('Session-Expires'), `${AGREED_S};refresher=uac`);
      assert.equal(first.request.header('Min-SE'), String(MIN_SE_S));
      assert.ok(first.request.values('Supported').includes('timer'));
      assert.match(first.request.header('Contact') ?? '', /isfocus/);
      assert.equal(first.request.bodyBytes.length, 0);
      // The second one comes when the interval that was agreed at first is over.
      const second = await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      assert.ok(second.request.cseq > first.request.cseq);
      assert.equal(his.dialog.state, 'confirmed');
      await assertStands(his, cleos);
    }));

  test('RFC4028-7.4 without UPDATE in Allow: re-INVITE with the offer that was made last', () =>
    scene(
      stack,
      ['Ada', 'Ben', 'Cleo'],
      async (ada, ben, cleo) => {
        const [, his, cleos] = await invitedWith(WE_REFRESH, ada, ben, cleo);
        assert.ok(cleos !== undefined);
        script(his, ...Array.from({ length: 9 }, () => agrees(AGREED_S, 'uac')));
        const refresh = await his.dialog.nextRequest('INVITE', { timeoutMs: WAIT_MS });
        assert.deepEqual(sdpOf(refresh.request), sdpOf(his.setUpBy), 'nothing of the offer is new');
        const ack = await refresh.acked;
        assert.equal(ack.cseq, refresh.request.cseq);
        const second = await his.dialog.nextRequest('INVITE', { timeoutMs: WAIT_MS });
        assert.ok(second.request.cseq > refresh.request.cseq);
        await second.acked;
        assert.equal(his.dialog.state, 'confirmed');
        await assertStands(cleos, his);
        await assertStands(his, cleos);
      },
      { allow: 'INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, SUBSCRIBE, REFER' },
    ));

  for (const [name, refusal] of [
    ['481', { status: 481 }],
    ['408', { status: 408 }],
  ] as const) {
    test(`RFC4028-7.4 ${name} to the refresh: BYE, and the roster tells`, () =>
      scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
        const [, his, cleos] = await invitedWith(WE_REFRESH, ada, ben, cleo);
        assert.ok(cleos !== undefined);
        const roster = await cleos.watch();
        script(his, refusal);
        await assertGivenUp(his, ben, roster, new RegExp(name));
      }));
  }

  test('RFC4028-7.4 nothing to the refresh: BYE after 64·T1, and the roster tells', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await invitedWith(timed(PATIENT_S, 'uac'), ada, ben, cleo);
      assert.ok(cleos !== undefined);
      const roster = await cleos.watch();
      script(his, 'withhold');
      await assertGivenUp(his, ben, roster, /not answered|408/);
    }));

  test('RFC3261-14.1 491 to the refresh: again after 2.1 s, because the Call-ID is ours', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await invitedWith(timed(PATIENT_S, 'uac'), ada, ben, cleo);
      assert.ok(cleos !== undefined);
      script(his, { status: 491 }, agrees(PATIENT_S, 'uac'));
      const first = await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      const second = await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      const waitedMs = receivedMs(ben, second.request) - refusedMs(ben, first.request);
      assert.ok(waitedMs >= 2_100, `${waitedMs} ms`);
      assert.ok(second.request.cseq > first.request.cseq);
      await assertStands(his, cleos);
    }));

  test('RFC4028-7.4 other refusals: 500 with Retry-After waits, 422 raises the interval, 405 leads to a re-INVITE', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await invitedWith(timed(PATIENT_S, 'uac'), ada, ben, cleo);
      assert.ok(cleos !== undefined);
      script(
        his,
        { status: 500, headers: [['Retry-After', '1']] },
        { status: 422, headers: [['Min-SE', '120']] },
        { status: 405, headers: [['Allow', 'INVITE, ACK, BYE, CANCEL']] },
        agrees(120, 'uac'),
      );
      await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      const again = await his.dialog.nextRequest('UPDATE');
      assert.equal(again.request.header('Session-Expires'), `${PATIENT_S};refresher=uac`);
      const longer = await his.dialog.nextRequest('UPDATE');
      assert.equal(longer.request.header('Session-Expires'), '120;refresher=uac');
      assert.equal(longer.request.header('Min-SE'), '120');
      const refresh = await his.dialog.nextRequest('INVITE');
      assert.equal(refresh.request.header('Session-Expires'), '120;refresher=uac');
      await refresh.acked;
      await assertStands(his, cleos);
    }));

  test('RFC4028-7.4 the client takes the refreshing over: it is not refreshed any more, and ended when it does not', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [, his, cleos] = await invitedWith(WE_REFRESH, ada, ben, cleo);
      assert.ok(cleos !== undefined);
      const roster = await cleos.watch();
      script(his, agrees(AGREED_S, 'uas'));
      await his.dialog.nextRequest('UPDATE', { timeoutMs: WAIT_MS });
      await assertGivenUp(his, ben, roster, /session timer/);
      assert.equal(requests(ben, 'UPDATE', his.dialog.callId).length, 1);
    }));
});
