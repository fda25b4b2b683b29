/** 7.2.1.3 Pre-defined IM group session set-up: nobody comes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { evidence, wireLine } from './support/evidence.ts';
import { audioOnly, offer } from './support/groups-offers.ts';
import {
  assertClosed,
  assertEnded,
  assertNoSession,
  assertRefused,
  assertSessionContact,
  assertSteps,
  foundAt,
} from './support/groups-outcomes.ts';
import { Stage } from './support/groups-stage.ts';

const stage = new Stage();

describe('7.2.1.3 INVITE to an idle group: nobody comes', { concurrency: 4 }, () => {
  const failed = stage.cast('failed', { members: ['ada', 'ben', 'cyd'] });
  it('R-7.2.1.3-fail-1, -fail-1s: the initiator gets the lowest code, after the last member has failed', async () => {
    const [ada, ben, cyd] = await failed.come('ada', 'ben', 'cyd');
    const call = ada.sip.invite({ to: failed.group, body: offer() });
    const [toBen, toCyd] = await Promise.all([ben.sip.nextInvite(), cyd.sip.nextInvite()]);
    toCyd.ring();
    await call.provisional(180);
    await toBen.reject(603);
    await ben.sip.sync();
    assert.deepEqual(call.statuses, [180], 'nothing final while one rings');
    await toCyd.reject(486);
    assertRefused(
      await call.final(),
      486,
      /none of the invited users joined/,
      'R-7.2.1.3-fail-1 R-7.2.1.3-fail-1s',
    );
    await assertSteps(stage.stack, toBen.request.callId, ['7.2.2.2-fail done', 'R-7.2.1.3-fail-1s stop']);
    assert.match(await foundAt(stage.stack, toCyd.request.callId, 'R-7.2.1.3-fail-1s'), /^486 chosen of/);
    await assertNoSession(stage.stack, failed.group);
    // The group is idle again: a new INVITE sets a new session up.
    const again = await ada.dial(failed.group);
    const [room] = await Promise.all([again.room(), ben.answerNext()]);
    assert.notEqual(assertSessionContact(toBen.request), room.uri);
  });

  const redirected = stage.cast('redirected', { members: ['ada', 'ben'] });
  it('R-7.2.1.3-fail-1: a redirection counts as a failure (A-15)', async () => {
    const [ada, ben] = await redirected.come('ada', 'ben');
    const call = ada.sip.invite({ to: redirected.group, body: offer() });
    const toBen = await ben.sip.nextInvite();
    await toBen.reject(302, 'Moved Temporarily', [['Contact', '<sip:elsewhere@127.0.0.1:9>']]);
    assertRefused(await call.final(), 480, /none of the invited users joined/);
  });

  const silent = stage.cast('silent', { members: ['ada', 'ben'] });
  it('R-7.2.1.3-fail-1: a member whose answer has no MSRP is ended with BYE and counts as failed', async () => {
    const [ada, ben] = await silent.come('ada', 'ben');
    const call = ada.sip.invite({ to: silent.group, body: offer() });
    const toBen = await ben.sip.nextInvite();
    const dialog = await toBen.accept({ body: audioOnly() });
    await assertEnded(dialog);
    assertRefused(await call.final(), 488, /none of the invited users joined/);
    await assertNoSession(stage.stack, silent.group);
  });

  const deserted = stage.cast('deserted', { members: ['ada', 'ben', 'cyd'] });
  it('R-7.2.1.3-fail-2: all have failed or left after the initiator was answered: BYE to the initiator (A-15)', async () => {
    const [ada, ben, cyd] = await deserted.come('ada', 'ben', 'cyd');
    const out = await ada.dial(deserted.group);
    const toCyd = await cyd.sip.nextInvite();
    toCyd.ring();
    const [room, bens] = await Promise.all([out.room(), ben.answerNext()]);
    await bens.leave();
    await ada.sip.sync();
    assert.equal(room.dialog.state, 'confirmed', 'while one rings the session stays');
    await toCyd.reject(480);
    const { request } = await room.dialog.nextRequest('BYE');
    assert.match(request.header('Reason') ?? '', /none of the invited users joined/);
    evidence('R-7.2.1.3-fail-2', wireLine(request, 'CSeq', 'Reason'));
    await assertEnded(room.dialog);
    await assertSteps(
      stage.stack,
      toCyd.request.callId,
      ['R-7.2.1.3-fail-2 done', 'R-7.2.1.9-2 done'].reverse(),
    );
    await assertClosed(room.msrp);
  });

  const cancelled = stage.cast('cancelled', { members: ['ada', 'ben', 'cyd'] });
  it('7.2.2.2: the initiator cancels: 487, every invitation is cancelled, the group is idle', async () => {
    const [ada, ben, cyd] = await cancelled.come('ada', 'ben', 'cyd');
    const call = ada.sip.invite({ to: cancelled.group, body: offer() });
    const [toBen, toCyd] = await Promise.all([ben.sip.nextInvite(), cyd.sip.nextInvite()]);
    toBen.ring();
    toCyd.ring();
    await call.provisional(180);
    assert.equal((await call.cancel()).status, 200);
    assert.equal((await call.final()).status, 487);
    await Promise.all([toBen.nextCancel(), toCyd.nextCancel()]);
    await assertNoSession(stage.stack, cancelled.group);
  });
});

describe('7.2.1.3 INVITE to an idle group: nobody comes, by another policy', { concurrency: 4 }, () => {
  const other = new Stage();
  const declined = other.cast('declined', { members: ['ada', 'ben', 'cyd'] });
  const late = other.cast('late', { members: ['ada', 'ben'] });
  before(() => other.open({ adHoc: { failureCode: 'highest-class' }, conference: { inviteTimeoutS: 5 } }));
  after(() => other.close());

  it('R-7.2.1.3-fail-1s: a policy can let the highest class win', async () => {
    const [ada, ben, cyd] = await declined.come('ada', 'ben', 'cyd');
    const call = ada.sip.invite({ to: declined.group, body: offer() });
    const [toBen, toCyd] = await Promise.all([ben.sip.nextInvite(), cyd.sip.nextInvite()]);
    await Promise.all([toBen.reject(603), toCyd.reject(486)]);
    assertRefused(await call.final(), 603, /none of the invited users joined/);
  });

  it('R-7.2.1.3-fail-1: who rings too long is cancelled and counts as 408', async () => {
    const [ada, ben] = await late.come('ada', 'ben');
    const call = ada.sip.invite({ to: late.group, body: offer() });
    const toBen = await ben.sip.nextInvite();
    toBen.ring();
    assertRefused(await call.final({ timeoutMs: 10_000 }), 408, /none of the invited users joined/);
    await toBen.nextCancel();
  });
});

before(() => stage.open());
after(() => stage.close());
