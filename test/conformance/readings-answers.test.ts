/** When who sets a session up is answered (`readings.inviterAnswered`), and what late answers and refusals then do. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FACTORY } from '../support/stack.ts';
import { dialFactory } from './support/ad-hoc.ts';
import { Stage } from './support/groups-stage.ts';
import { scene } from './support/scene.ts';

const actions = {
  'allow-initiate-conference': true,
  'join-handling': true,
  'allow-conference-state': true,
};
const members = ['ada', 'ben', 'cleo'];

const first = new Stage();
const waits = first.cast('waits', { members, actions });
const alone = first.cast('alone', { members: ['ada'], actions });

const atOnce = new Stage();
const early = atOnce.cast('early', { members, actions });
const nobody = atOnce.cast('nobody', { members, actions });

before(() =>
  Promise.all([
    first.open({ notify: { minIntervalMs: 0 } }),
    atOnce.open({ notify: { minIntervalMs: 0 }, readings: { inviterAnswered: 'at-once' } }),
  ]),
);
after(() => Promise.all([first.close(), atOnce.close()]));

describe('readings.inviterAnswered: by-first-answer (all profiles)', () => {
  test('A-18 R-7.2.1.4-8b R-7.2.1.3-ok-1 a group: no 200 while members ring, one with the first answer; A-14 the late one is in as well', async () => {
    const [ada, ben, cleo] = await waits.come('ada', 'ben', 'cleo');
    const dialling = await ada.dial(waits.group);
    const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
    toBen.ring();
    toCleo.ring();
    await dialling.call.provisional(180);
    await ada.sip.sync({ to: FACTORY });
    assert.ok(dialling.call.responses.every(({ status }) => status < 200));
    const his = await ben.answer(toBen);
    const hers = await dialling.room();
    const roster = await hers.watch();
    const late = await cleo.answer(toCleo);
    await roster.until(() => roster.connected.includes(cleo.uri));
    assert.equal(await late.say('late'), 200);
    assert.equal((await hers.hear()).text, 'late');
    assert.equal((await his.hear()).text, 'late');
    // Until its ACK is there it may be repeated, byte for byte.
    const answers = dialling.call.responses.filter(({ status }) => status === 200);
    assert.equal(new Set(answers.map(({ raw }) => raw.toString('latin1'))).size, 1);
  });

  test('A-18 R-7.2.1.4-8b a group whose only member calls: answered at once, not left to hang', async () => {
    const [ada] = await alone.come('ada');
    const room = await ada.join(alone.group);
    assert.equal(room.setUpBy.status, 200);
  });

  test('A-15 A-16 R-7.2.1.2-fail-1 all refuse before the 200: one final response with the lowest code, no BYE', () =>
    scene(first.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      await toBen.reject(603);
      await toCleo.reject(486);
      assert.equal((await call.final()).status, 486);
    }));
});

describe('readings.inviterAnswered: at-once', () => {
  test('A-15 R-7.2.1.2-ok-1 ad hoc: 200 before anybody answers; who comes later is told and heard', () =>
    scene(atOnce.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const hers = await ada.startAdHoc({ factory: FACTORY, invite: [ben.uri] });
      const toBen = await ben.sip.nextInvite();
      assert.equal(hers.setUpBy.status, 200);
      assert.match(hers.setUpBy.header('P-Asserted-Identity') ?? '', /conference-factory/);
      toBen.ring();
      const roster = await hers.watch();
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === ben.uri && status === 'pending'),
      );
      const his = await ben.answer(toBen);
      await roster.until(() => roster.connected.includes(ben.uri));
      assert.equal(await his.say('yes'), 200);
      assert.equal((await hers.hear()).text, 'yes');
    }));

  test('A-15 R-7.2.1.2-fail-2 ad hoc: all refuse after the 200: BYE to the inviter, whose subscription ends', () =>
    scene(atOnce.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const hers = await ada.startAdHoc({ factory: FACTORY, invite: [ben.uri, cleo.uri] });
      const roster = await hers.watch();
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      await toBen.reject(603);
      await roster.until((users) =>
        users.some(
          ({ entity, disconnectionMethod }) => entity === ben.uri && disconnectionMethod === 'failed',
        ),
      );
      assert.equal(hers.dialog.state, 'confirmed', 'one may still come');
      await toCleo.reject(486);
      assert.equal(await hers.ended, 'remote');
      await hers.msrp.closed;
      assert.equal(await roster.subscription.untilTerminated(), 'noresource');
    }));

  test('A-15 A-18 R-7.2.1.3-ok-1 a group: 200 at once, members come one by one', async () => {
    const [ada, ben, cleo] = await early.come('ada', 'ben', 'cleo');
    const hers = await ada.join(early.group);
    const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
    const roster = await hers.watch();
    await ben.answer(toBen);
    await cleo.answer(toCleo);
    await roster.until(() => roster.connected.length === 3);
  });

  test('A-15 R-7.2.1.3-fail-2 a group: nobody comes: BYE to the initiator', async () => {
    const [ada, ben, cleo] = await nobody.come('ada', 'ben', 'cleo');
    const hers = await ada.join(nobody.group);
    const invites = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
    for (const invite of invites) await invite.reject(480);
    assert.equal(await hers.ended, 'remote');
  });

  test('A-15 R-7.2.1.10-3 the inviter leaves while all still ring: the invitations are cancelled', () =>
    scene(atOnce.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const hers = await ada.startAdHoc({ factory: FACTORY, invite: [ben.uri] });
      const toBen = await ben.sip.nextInvite();
      toBen.ring();
      assert.equal((await hers.leave()).status, 200);
      await toBen.cancelled;
    }));
});
