/** 7.2.1.5 Rejoining an IM group session: an INVITE to an IM Session Identity. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { Room } from '../../src/agents/room.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { evidence, msrpLine, rosterLine, wireLine } from './support/evidence.ts';
import { audioOnly, offer, picturesOnly } from './support/groups-offers.ts';
import {
  assertAccepted,
  assertClosed,
  assertEnded,
  assertNotAcceptable,
  assertRefused,
  assertSteps,
  everythingReceived,
  foundAt,
} from './support/groups-outcomes.ts';
import { Stage } from './support/groups-stage.ts';

const stage = new Stage();
const ANONYMOUS: HeaderOverrides = [['Privacy', 'id']];

describe('7.2.1.5 INVITE to a session identity: checks', { concurrency: 4 }, () => {
  const gone = stage.cast('gone');
  it('R-7.2.1.5-1, R-7.2.1.5-1-warn: a session that is over, or never was, is answered 403 (A-27), before all other checks', async () => {
    const [ada, ben] = await gone.come('ada', 'ben');
    const [room, bens] = await adHoc(ada, ben);
    await bens.leave();
    await assertEnded(room.dialog);
    await assertClosed(room.msrp);
    const over = ada.sip.invite({ to: room.uri, body: offer() });
    assertRefused(await over.final(), 403, /does not exist/, 'R-7.2.1.5-1 R-7.2.1.5-1-warn');
    await assertSteps(stage.stack, over.request.callId, ['R-7.2.1.5-1 refuse']);
    const never = ada.sip.invite({
      to: `sip:im-s-abcdefghij0123456789@${DOMAIN}`,
      headers: [
        ['Contact', `<${ada.sip.contactUri}>;isfocus`],
        ['P-Asserted-Identity', null],
      ],
      body: audioOnly(),
    });
    assertRefused(await never.final(), 403, /does not exist/);
  });

  const uninvited = stage.cast('uninvited', {
    members: ['ada', 'ben'],
    maxParticipants: 1,
    inviteMembers: false,
  });
  it('R-7.2.1.5-2, R-7.2.1.5-2-warn: who is not on the participant list, or may not join the group, is answered 403, before 486 and 488', async () => {
    const [ada, ben, xia] = await uninvited.come('ada', 'ben', 'xia');
    const [room] = await adHoc(ada, ben);
    const stranger = xia.sip.invite({ to: room.uri, body: offer() });
    assertRefused(await stranger.final(), 403, /not invited/, 'R-7.2.1.5-2 R-7.2.1.5-2-warn');
    await assertSteps(stage.stack, stranger.request.callId, ['R-7.2.1.5-1 pass', 'R-7.2.1.5-2 refuse']);
    const bad = xia.sip.invite({ to: room.uri, body: picturesOnly() });
    assertRefused(await bad.final(), 403, /not invited/);
    const nobody = ben.sip.invite({ to: room.uri, headers: [['P-Asserted-Identity', null]], body: offer() });
    assertRefused(await nobody.final(), 403, /not authenticated/);
    const group = await ada.join(uninvited.group);
    const full = xia.sip.invite({ to: group.uri, headers: ANONYMOUS, body: audioOnly() });
    assertRefused(await full.final(), 403, /not allowed to join/);
  });

  const expelled = stage.cast('expelled', {
    members: ['ada', 'ben'],
    inviteMembers: false,
    actions: { 'allow-initiate-conference': true, 'join-handling': true, 'allow-expelling': true },
  });
  it('R-7.2.1.5-2, R-7.2.1.4-2: who was removed may not come back, neither to the session nor by its group', async () => {
    const [ada, ben, cyd] = await expelled.come('ada', 'ben', 'cyd');
    const [adhoc, bens] = await adHoc(ada, ben, cyd);
    const group = await ada.join(expelled.group);
    const bensGroup = await ben.join(expelled.group);
    for (const room of [adhoc, group]) {
      const refer = await ada.sip.refer({
        to: room.uri,
        referTo: `<${ben.uri};method=BYE>`,
        headers: [['Refer-Sub', 'false']],
      });
      assert.equal(refer.response.status, 202);
    }
    await Promise.all([assertEnded(bens.dialog), assertEnded(bensGroup.dialog)]);
    for (const target of [adhoc.uri, group.uri, expelled.group]) {
      const call = ben.sip.invite({ to: target, body: offer() });
      assertRefused(await call.final(), 403, /removed/);
    }
  });

  const seats = stage.cast('seats', {
    members: ['ada', 'ben', 'cyd'],
    maxParticipants: 2,
    inviteMembers: false,
  });
  it('R-7.2.1.5-3: when somebody else has taken the seat 486, before 488; once it is free again 200', async () => {
    const [ada, ben, cyd] = await seats.come('ada', 'ben', 'cyd');
    const room = await ada.join(seats.group);
    const bens = await ben.join(seats.group);
    await bens.leave();
    const cyds = await cyd.join(seats.group);
    for (const body of [offer(), picturesOnly()]) {
      const call = ben.sip.invite({ to: room.uri, body });
      assertRefused(await call.final(), 486, /^Too many participants$/i, 'R-7.2.1.5-3');
      await assertSteps(stage.stack, call.request.callId, ['R-7.2.1.5-2 pass', 'R-7.2.1.5-3 refuse']);
    }
    await cyds.leave();
    assert.equal((await ben.join(room.uri)).uri, room.uri);
  });

  const media = stage.cast('media');
  it('R-7.2.1.5-7: an offer without usable MSRP is answered 488; isfocus is not looked at here (A-30)', async () => {
    const [ada, ben, cyd] = await media.come('ada', 'ben', 'cyd');
    const [room, bens] = await adHoc(ada, ben, cyd);
    await bens.leave();
    for (const body of [audioOnly(), picturesOnly()]) {
      const call = ben.sip.invite({ to: room.uri, body });
      assertNotAcceptable(await call.final(), 'R-7.2.1.5-7');
      await assertSteps(stage.stack, call.request.callId, ['R-7.2.1.5-3 pass', 'R-7.2.1.5-7 refuse']);
    }
    // A session of this server is no participant of another, or of itself.
    const itself = ben.sip.invite({ to: room.uri, headers: [['Contact', `<${room.uri}>`]], body: offer() });
    assertRefused(await itself.final(), 403, /^isfocus already assigned$/);
    const back = await ben.join(room.uri, { headers: [['Contact', `<${ben.sip.contactUri}>;isfocus`]] });
    assert.equal(back.uri, room.uri);
  });
});

describe('7.2.1.5 INVITE to a session identity: back again', { concurrency: 4 }, () => {
  const adhoc = stage.cast('adhoc');
  it('R-7.2.1.5-4, -5, -8, -9, -9a, -10 to -13: who has left an ad-hoc session is back in it, and the others are told', async () => {
    const [ada, ben, cyd] = await adhoc.come('ada', 'ben', 'cyd');
    const [room, bens, cyds] = await adHoc(ada, ben, cyd);
    const roster = await room.watch();
    await bens.leave();
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === ben.uri && status === 'disconnected'),
    );
    const before = roster.documents.at(-1)?.version ?? 0;

    const call = await ben.dial(room.uri, {
      acceptTypes: 'text/plain image/png',
      headers: [
        ['Supported', 'timer'],
        ['P-Asserted-Identity', `"Benjamin" <${ben.uri}>`],
        ['Allow', 'INVITE, ACK, BYE, CANCEL, NOTIFY'],
      ],
    });
    const back = await call.room();
    const { answer } = assertAccepted(back.setUpBy, call.call.request, {
      asserted: FACTORY,
      identity: room.uri,
    });
    assert.deepEqual(answer.acceptTypes, ['text/plain']);
    const answered = back.setUpBy;
    evidence('R-7.2.1.5-8 R-7.2.1.5-10', wireLine(answered, 'P-Asserted-Identity', 'Session-Expires'));
    evidence('R-7.2.1.5-9', wireLine(answered, 'Content-Type', /^m=message.*$/m, /^a=path:.*$/m));
    evidence('R-7.2.1.5-9a', wireLine(answered, /^a=accept-types:.*$/m));
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === ben.uri && status === 'connected'),
    );
    assert.equal(roster.documents.at(-1)?.version, before + 1);
    assert.equal(roster.users.filter(({ entity }) => entity === ben.uri).length, 1, 'one entry for one user');
    assert.equal(roster.users.find(({ entity }) => entity === ben.uri)?.displayText, 'Benjamin');
    evidence(
      'R-7.2.1.5-5 R-7.2.1.5-12 R-7.2.1.5-13',
      rosterLine(roster.subscription.notifies.at(-1), ben.uri),
    );

    await back.say('back');
    assert.deepEqual([(await room.hear()).text, (await cyds.hear()).text], ['back', 'back']);
    await room.say('welcome');
    assert.equal((await back.hear()).text, 'welcome');
    await assertSteps(stage.stack, back.setUpBy.callId, [
      'R-7.2.1.5-1 pass',
      'R-7.2.1.5-2 pass',
      'R-7.2.1.5-3 pass',
      'R-7.2.1.5-4 done',
      'R-7.2.1.5-5 done',
      'R-7.2.1.5-6 skip',
      'R-7.2.1.5-7 pass',
      'R-7.2.1.5-8 done',
      'R-7.2.1.5-10 done',
      'R-7.2.1.5-12 done',
    ]);
    assert.equal(
      await foundAt(stage.stack, back.setUpBy.callId, 'R-7.2.1.5-4'),
      'INVITE, ACK, BYE, CANCEL, NOTIFY',
    );
  });

  const group = stage.cast('group', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.5-8: the 200 of a group session asserts the group', async () => {
    const [ada, ben] = await group.come('ada', 'ben');
    const room = await ada.join(group.group);
    const call = ben.sip.invite({ to: room.uri, body: offer() });
    assertAccepted(await call.final(), call.request, { asserted: group.group, identity: room.uri });
  });

  const declined = stage.cast('declined');
  it('R-7.2.1.5-2: who declined the invitation is on the list still, and may come by the session identity', async () => {
    const [ada, ben, cyd] = await declined.come('ada', 'ben', 'cyd');
    const call = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri, cyd.uri] });
    const toCyd = await cyd.sip.nextInvite();
    await toCyd.reject(603);
    const [room] = await Promise.all([call.room(), ben.answerNext()]);
    const cyds = await cyd.join(room.uri);
    await cyds.say('after all');
    assert.equal((await room.hear()).text, 'after all');
  });

  const ringing = stage.cast('ringing');
  it('R-7.2.1.5-8: who comes by the session identity while the invitation rings is taken in, the invitation is cancelled', async () => {
    const [ada, ben] = await ringing.come('ada', 'ben');
    const call = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
    const toBen = await ben.sip.nextInvite();
    toBen.ring();
    const identity = (await call.call.provisional(180)).header('Contact')?.match(/<([^>]+)>/)?.[1] ?? '';
    const [bens, room] = await Promise.all([ben.join(identity), call.room()]);
    await toBen.nextCancel();
    await bens.say('here');
    assert.equal((await room.hear()).text, 'here');
  });

  const lost = stage.cast('lost');
  it('R-7.2.1.5-11: after a lost connection the old MSRP session and dialog are gone, messages flow on the new one alone', async () => {
    const [ada, ben] = await lost.come('ada', 'ben');
    const [room, bens] = await adHoc(ada, ben);
    const roster = await room.watch();
    await roster.next();
    // No BYE: the network is gone, the client comes back by the identity that it knows.
    const back = await ben.join(room.uri);
    await assertEnded(bens.dialog);
    await assertClosed(bens.msrp);
    await room.say('on the new one');
    const heard = await back.hear();
    assert.equal(heard.text, 'on the new one');
    evidence('R-7.2.1.5-11', msrpLine(heard.message.frame, 'Content-Type', /^From:.*$/m, /on the new one/));
    await back.say('heard');
    assert.equal((await room.hear()).text, 'heard');
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === ben.uri && status === 'connected'),
    );
    assert.deepEqual(roster.connected.sort(), [ada.uri, ben.uri]);
    assert.equal(room.dialog.state, 'confirmed', 'the session goes on');
    await assertSteps(stage.stack, back.setUpBy.callId, ['R-7.2.1.5-8 done', 'R-7.2.1.5-11 done']);
  });

  const devices = stage.cast('devices');
  it('R-7.2.1.5-11: the session of another device of the user is not touched', async () => {
    const [ada, ben] = await devices.come('ada', 'ben');
    const at = (device: string): string =>
      `<${ben.sip.contactUri}>;+g.oma.sip-im;+sip.instance="<urn:uuid:0000-${device}>"`;
    const call = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
    const toBen = await ben.sip.nextInvite();
    const [room, phone] = await Promise.all([
      call.room(),
      ben.answer(toBen, { headers: [['Contact', at('phone')]] }),
    ]);
    const tablet = await ben.join(room.uri, { headers: [['Contact', at('tablet')]] });
    await room.say('to both');
    assert.deepEqual([(await phone.hear()).text, (await tablet.hear()).text], ['to both', 'to both']);
    const again = await ben.join(room.uri, { headers: [['Contact', at('tablet')]] });
    await assertEnded(tablet.dialog);
    await room.say('to phone and tablet');
    assert.deepEqual(
      [(await phone.hear()).text, (await again.hear()).text],
      ['to phone and tablet', 'to phone and tablet'],
    );
  });

  const hidden = stage.cast('hidden', {
    members: ['ada', 'ben'],
    inviteMembers: false,
    actions: {
      'allow-initiate-conference': true,
      'join-handling': true,
      'allow-conference-state': true,
      'allow-anonymity': true,
    },
  });
  it('R-7.2.1.5-6: the alias of a session is the same after rejoining', async () => {
    const [ada, ben] = await hidden.come('ada', 'ben');
    const room = await ada.join(hidden.group);
    const roster = await room.watch();
    const bens = await ben.join(hidden.group, { headers: ANONYMOUS });
    const others = (status: string) => () =>
      roster.users.some((user) => user.entity !== ada.uri && user.status === status);
    await roster.until(others('connected'));
    const alias = roster.users.find(({ entity }) => entity !== ada.uri)?.entity ?? '';
    assert.match(alias, /@anonymous\.invalid$/);
    await bens.leave();
    await roster.until(others('disconnected'));
    const back = await ben.join(room.uri, { headers: ANONYMOUS });
    await roster.until(others('connected'));
    assert.deepEqual(roster.users.map(({ entity }) => entity).sort(), [ada.uri, alias].sort());
    evidence('R-7.2.1.5-6', rosterLine(roster.subscription.notifies.at(-1), alias));
    await back.say('it is me');
    assert.equal((await room.hear()).from, alias);
    assert.ok(!everythingReceived(ada).includes(ben.uri.slice('sip:'.length)), 'the address is nowhere');
    await assertSteps(stage.stack, back.setUpBy.callId, ['R-7.2.1.5-6 done']);
  });

  const open = stage.cast('open', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.5-6: privacy is refused where the group does not allow it, and allowed in ad-hoc sessions (A-25)', async () => {
    const [ada, ben] = await open.come('ada', 'ben');
    const room = await ada.join(open.group);
    const refused = ben.sip.invite({ to: room.uri, headers: ANONYMOUS, body: offer() });
    assertRefused(await refused.final(), 403, /anonymity is not allowed/);
    const [other] = await adHoc(ada, ben);
    const call = ben.sip.invite({ to: other.uri, headers: ANONYMOUS, body: offer() });
    assertAccepted(await call.final(), call.request, { asserted: FACTORY, identity: other.uri });
  });

  const phone = stage.cast('phone');
  it('R-7.2.1.5-2: who was invited as tel: may come back as sip:…;user=phone', async () => {
    const number = '+46700000501';
    const sip = `sip:${number}@${DOMAIN}`;
    const [ada, cyd] = await phone.come('ada', 'cyd');
    const ben = await phone.comeAs('ben', { assertedIdentity: `<${sip};user=phone>` });
    const call = await ada.dialAdHoc({ factory: FACTORY, invite: [`tel:${number}`, cyd.uri] });
    const [room] = await Promise.all([call.room(), cyd.answerNext()]);
    const bens = await ben.join(room.uri);
    await bens.say('by number');
    const roster = await room.watch();
    await roster.next();
    assert.equal(roster.users.length, 3);
    assert.equal(roster.connected.length, 3);
  });

  const free = stage.cast('free');
  it('R-7.2.1.5-3: an ad-hoc session has no such check (A-29)', async () => {
    const [ada, ben] = await free.come('ada', 'ben');
    const [room] = await adHoc(ada, ben);
    const back = await ben.join(room.uri);
    assert.equal(await foundAt(stage.stack, back.setUpBy.callId, 'R-7.2.1.5-3'), 'no maximum applies');
  });
});

/** Ada's ad-hoc session with the others, who have all answered. */
async function adHoc<T extends readonly Subscriber[]>(
  ada: Subscriber,
  ...others: T
): Promise<[Room, ...{ [K in keyof T]: Room }]> {
  const [room, ...rooms] = await Promise.all([
    ada.startAdHoc({ factory: FACTORY, invite: others.map(({ uri }) => uri) }),
    ...others.map((person) => person.answerNext()),
  ]);
  return [room, ...rooms] as unknown as [Room, ...{ [K in keyof T]: Room }];
}

describe('7.2.1.5 with the profile of RCS clients', () => {
  const rcs = new Stage();
  const people = rcs.cast('rcs');
  before(() => rcs.open({ profile: 'rcc07' }));
  after(() => rcs.close());

  it('R-7.2.1.5-1: a session that is over is answered 404, on which such clients start anew (A-27)', async () => {
    const [ada, ben] = await people.come('ada', 'ben');
    const [room, bens] = await adHoc(ada, ben);
    await bens.leave();
    await assertEnded(room.dialog);
    await assertClosed(room.msrp);
    const over = ada.sip.invite({ to: room.uri, body: offer() });
    assertRefused(await over.final(), 404, /does not exist/);
  });
});

before(() => stage.open());
after(() => stage.close());
