/** 7.2.1.2 Ad-hoc IM group set-up: invited users who ring, refuse, or cannot be reached. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, plainSdp } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertRefused, stepOf } from './support/expect.ts';
import { freshUri, scene } from './support/scene.ts';

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { notify: { minIntervalMs: 0 } } });
});
after(() => stack.stop());

describe('7.2.1.2 invitees refuse', () => {
  test('R-7.2.1.2-fail-1 R-7.2.1.2-fail-1s all fail: one final response after the last, the lowest code', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      toCleo.ring();
      await call.provisional(180);
      await toBen.reject(486);
      await ada.sip.sync({ to: FACTORY });
      assert.deepEqual(call.statuses, [180], 'none while one still rings');
      await toCleo.reject(603);
      assertRefused(await call.final(), 486, /486, 603/, 'R-7.2.1.2-fail-1 R-7.2.1.2-fail-1s');
      const identity = parseNameAddr(toBen.request.header('Contact') ?? '').uri;
      const back = await ada.sip.invite({ to: identity, body: sdpBody(plainSdp()) }).final();
      assertRefused(back, 403, /./);
    }));

  test('R-7.2.1.2-fail-1 a list of one that refuses, and one that nobody knows', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const busy = dialFactory(ada, { invite: [ben.uri] });
      await (await ben.sip.nextInvite()).reject(600);
      assertRefused(await busy.final(), 600, /600/);
      const unknown = dialFactory(ada, { invite: [freshUri('Nobody')] });
      assertRefused(await unknown.final(), 404, /404/);
    }));

  test('R-7.2.1.2-fail-1s a redirection is a failure, and no code of the inviter (A-15)', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      await (await ben.sip.nextInvite()).reject(302, 'Moved', [['Contact', `<${cleo.uri}>`]]);
      await (await cleo.sip.nextInvite()).reject(603);
      const { status } = await call.final();
      assert.equal(status, 480);
    }));

  test('R-7.2.1.2-fail-1 7.2.2.2-fail 7.2.2.2-2xx one fails, one answers: the session comes up without the one', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      await (await ben.sip.nextInvite()).reject(603, 'Decline');
      const room = await cleo.answerNext();
      assert.equal((await call.final()).status, 200);
      const roster = await room.watch();
      await roster.next();
      const declined = roster.users.find(({ entity }) => entity === ben.uri);
      assert.deepEqual([declined?.status, declined?.disconnectionMethod], ['disconnected', 'failed']);
      assert.match(declined?.disconnectionReason ?? '', /^SIP;cause=603;text="Decline"$/);
    }));

  test('R-7.2.1.2-fail-2 all that came have left or failed: the inviter gets BYE', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [his, toCleo] = await Promise.all([ben.answerNext(), cleo.sip.nextInvite()]);
      toCleo.ring();
      const dialog = await call.answered();
      await his.leave();
      await ada.sip.sync({ to: FACTORY });
      assert.equal(dialog.state, 'confirmed', 'one may still come');
      await toCleo.reject(603);
      const bye = await dialog.nextRequest('BYE');
      assert.equal(bye.status, 200);
      assert.match(bye.request.header('Reason') ?? '', /none of the invited users joined/);
      evidence('R-7.2.1.2-fail-2', wireLine(bye.request, 'CSeq', 'Reason'));
      const { verdict } = await stepOf(stack, { callId: toCleo.request.callId }, 'R-7.2.1.2-fail-2');
      assert.equal(verdict, 'done');
    }));

  test('R-7.2.1.2-fail-1 7.2.2.2-1xx ringing is forwarded and shown: dialing-out, pending, connected', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri, dan.uri] });
      const [his, toCleo] = await Promise.all([
        ben.answerNext(),
        cleo.sip.nextInvite(),
        dan.sip.nextInvite(),
      ]);
      await call.final();
      const roster = await his.watch();
      await roster.next();
      const statusOf = (person: Subscriber) =>
        roster.users.find(({ entity }) => entity === person.uri)?.status;
      assert.deepEqual([statusOf(cleo), statusOf(dan)], ['dialing-out', 'dialing-out']);
      toCleo.ring();
      await roster.until(() => statusOf(cleo) === 'pending');
      await cleo.answer(toCleo);
      await roster.until(() => statusOf(cleo) === 'connected');
      assert.equal(statusOf(dan), 'dialing-out');
    }));
});

describe('7.2.1.2 policy', () => {
  let lenient: Stack;
  before(async () => {
    lenient = await Stack.start({
      config: { adHoc: { failureCode: 'highest-class', allowEmptyList: true } },
    });
  });
  after(() => lenient.stop());

  test('R-7.2.1.2-fail-1s with adHoc.failureCode highest-class a 6xx wins over a 4xx (A-16)', () =>
    scene(lenient, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      await toBen.reject(603);
      await toCleo.reject(486);
      assertRefused(await call.final(), 603, /./);
    }));

  test('A-11 with adHoc.allowEmptyList an empty list makes a room with its creator, answered at once', () =>
    scene(lenient, ['Ada', 'Ben'], async (ada) => {
      const hers = await ada.startAdHoc({ factory: FACTORY, invite: [] });
      const roster = await hers.watch();
      await roster.next();
      assert.deepEqual(roster.connected, [ada.uri]);
      assert.equal(await hers.say('anybody here?'), 200);
    }));
});
