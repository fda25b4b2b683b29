/** 7.2.1.4 Joining a pre-defined IM group session: the checks, and the History Function's seat. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { audioAndMessage, audioOnly, offer, picturesOnly } from './support/groups-offers.ts';
import {
  assertAccepted,
  assertNotAcceptable,
  assertRefused,
  assertSteps,
  foundAt,
} from './support/groups-outcomes.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';

const stage = new Stage();
const ANONYMOUS: HeaderOverrides = [['Privacy', 'id']];
const HISTORY = `sip:history@${DOMAIN}`;
const ALL_BUT_JOIN = { 'allow-initiate-conference': true, 'allow-conference-state': true };

describe('7.2.1.4 INVITE to a running group: checks', { concurrency: 4 }, () => {
  const focus = stage.cast('focus', {
    members: ['ada', 'ben', 'cyd'],
    maxParticipants: 2,
    inviteMembers: false,
  });
  it('R-7.2.1.4-1: isfocus in Contact is answered 403 with its own Warning, before join right, seats and offer', async () => {
    const [ada, ben, cyd, xia] = await focus.come('ada', 'ben', 'cyd', 'xia');
    await ada.join(focus.group);
    await ben.join(focus.group);
    for (const contact of [`<${cyd.sip.contactUri}>;isfocus`, `<${cyd.sip.contactUri};isfocus>`]) {
      // The room is full as well.
      const call = cyd.sip.invite({ to: focus.group, headers: [['Contact', contact]], body: picturesOnly() });
      assertRefused(await call.final(), 403, /^isfocus already assigned$/, 'R-7.2.1.4-1');
      await assertSteps(stage.stack, call.request.callId, ['R-7.2.1.4-1 refuse']);
    }
    const stranger = xia.sip.invite({
      to: focus.group,
      headers: [['Contact', `<${xia.sip.contactUri}>;isfocus`]],
      body: offer(),
    });
    assertRefused(await stranger.final(), 403, /^isfocus already assigned$/);
  });

  const rights = stage.cast('rights', {
    members: ['ada', 'ben', 'cyd'],
    actions: ALL_BUT_JOIN,
    rules: ruleFor([`sip:eve.rights@${DOMAIN}`], { 'join-handling': true }),
    maxParticipants: 2,
    inviteMembers: false,
  });
  it('R-7.2.1.4-2, R-7.2.1.4-2-warn: without the right to join 403 with a reason, before seats and offer', async () => {
    const [ada, ben, eve, xia] = await rights.come('ada', 'ben', 'eve', 'xia');
    const room = await ada.join(rights.group);
    // The right to initiate is not that to join: with the session running, joining is what is asked for.
    const member = ben.sip.invite({ to: rights.group, body: offer() });
    assertRefused(await member.final(), 403, /not allowed to join/, 'R-7.2.1.4-2 R-7.2.1.4-2-warn');
    await assertSteps(stage.stack, member.request.callId, ['R-7.2.1.4-1 pass', 'R-7.2.1.4-2 refuse']);
    // A rule that names eve grants it.
    assert.equal((await eve.join(rights.group)).uri, room.uri);
    const full = xia.sip.invite({ to: rights.group, headers: ANONYMOUS, body: audioOnly() });
    assertRefused(await full.final(), 403, /not allowed to join/);
    const nobody = ben.sip.invite({
      to: rights.group,
      headers: [['P-Asserted-Identity', null]],
      body: offer(),
    });
    assertRefused(await nobody.final(), 403, /not authenticated/);
  });

  const seats = stage.cast('seats', {
    members: ['ada', 'ben', 'cyd'],
    maxParticipants: 2,
    inviteMembers: false,
  });
  it('R-7.2.1.4-3, -3b: with max-participant-count reached 486, before the offer; a seat that is freed can be taken', async () => {
    const [ada, ben, cyd] = await seats.come('ada', 'ben', 'cyd');
    const room = await ada.join(seats.group);
    const bens = await ben.join(seats.group);
    const full = cyd.sip.invite({ to: seats.group, body: offer() });
    assertRefused(await full.final(), 486, /^Too many participants$/i, 'R-7.2.1.4-3 R-7.2.1.4-3b');
    await assertSteps(stage.stack, full.request.callId, ['R-7.2.1.4-2 pass', 'R-7.2.1.4-3b refuse']);
    assert.match(await foundAt(stage.stack, full.request.callId, 'R-7.2.1.4-3b'), /^2 of 2/);
    const bad = cyd.sip.invite({ to: seats.group, headers: ANONYMOUS, body: audioOnly() });
    assertRefused(await bad.final(), 486, /^Too many participants$/i);
    await bens.leave();
    const cyds = await cyd.join(seats.group);
    assert.equal(cyds.uri, room.uri);
    await cyds.say('a seat was free');
    assert.equal((await room.hear()).text, 'a seat was free');
  });

  const devices = stage.cast('devices', {
    members: ['ada', 'ben'],
    maxParticipants: 2,
    inviteMembers: false,
  });
  it('R-7.2.1.4-3: a user with two devices takes one seat (A-22)', async () => {
    const [ada, ben] = await devices.come('ada', 'ben');
    const room = await ada.join(devices.group);
    const bens = await ben.join(devices.group);
    const second = await ada.join(devices.group);
    await bens.say('to both devices');
    assert.deepEqual(
      [(await room.hear()).text, (await second.hear()).text],
      ['to both devices', 'to both devices'],
    );
    const roster = await bens.watch();
    await roster.next();
    assert.deepEqual(roster.connected.sort(), [ada.uri, ben.uri]);
    assert.equal(roster.documents[0]?.userCount, 2);
    assert.equal(roster.documents[0]?.maximumUserCount, 2);
  });

  const media = stage.cast('media', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.4-7: an offer without one acceptable media line is answered 488; audio beside MSRP gets port 0', async () => {
    const [ada, ben] = await media.come('ada', 'ben');
    const room = await ada.join(media.group);
    for (const body of [audioOnly(), picturesOnly()]) {
      const call = ben.sip.invite({ to: media.group, body });
      assertNotAcceptable(await call.final(), 'R-7.2.1.4-7');
      await assertSteps(stage.stack, call.request.callId, ['R-7.2.1.4-3 pass', 'R-7.2.1.4-7 refuse']);
    }
    const call = ben.sip.invite({ to: media.group, body: audioAndMessage() });
    const { answer } = assertAccepted(await call.final(), call.request, {
      asserted: media.group,
      identity: room.uri,
    });
    assert.deepEqual(
      answer.media.map(({ kind, port }) => [kind, port > 0]),
      [
        ['audio', false],
        ['message', true],
      ],
    );
  });

  const anonymity = stage.cast('anonymity', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.4-6: privacy that the group does not allow is answered 403, before 488', async () => {
    const [ada, ben] = await anonymity.come('ada', 'ben');
    await ada.join(anonymity.group);
    const call = ben.sip.invite({ to: anonymity.group, headers: ANONYMOUS, body: audioOnly() });
    assertRefused(await call.final(), 403, /anonymity is not allowed/);
  });

  const interval = stage.cast('interval', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.1-3: a session interval below ours is answered 422 with Min-SE', async () => {
    const [ada, ben] = await interval.come('ada', 'ben');
    await ada.join(interval.group);
    const call = ben.sip.invite({
      to: interval.group,
      headers: [
        ['Session-Expires', '89'],
        ['Supported', 'timer'],
      ],
      body: offer(),
    });
    const refused = await call.final();
    assertRefused(refused, 422, /at least 90 s/);
    assert.equal(refused.header('Min-SE'), '90');
  });
});

describe('7.2.1.4 INVITE to a running group: the History Function', { concurrency: 4 }, () => {
  const invoked = stage.cast('invoked', {
    members: ['ada', 'ben', 'cyd'],
    maxParticipants: 2,
    inviteMembers: false,
  });
  it('R-7.2.1.4-3a, -3b: into a full room a History Function comes if a participant brings it in (Referred-By), else 486', async () => {
    const [ada, ben, cyd] = await invoked.come('ada', 'ben', 'cyd');
    const history = await stage.stack.subscriber('history', { uri: HISTORY });
    const room = await ada.join(invoked.group);
    const bens = await ben.join(invoked.group);
    const without = history.sip.invite({ to: invoked.group, body: offer() });
    assertRefused(await without.final(), 486, /^Too many participants$/i);
    for (const uri of [cyd.uri, `sip:xia@${DOMAIN}`]) {
      const call = history.sip.invite({
        to: invoked.group,
        headers: [['Referred-By', `<${uri}>`]],
        body: offer(),
      });
      assertRefused(await call.final(), 486, /^Too many participants$/i);
    }
    // The right belongs to an asserted History Function, whatever Referred-By says.
    const posing = cyd.sip.invite({
      to: invoked.group,
      headers: [
        ['Referred-By', `<${ada.uri}>`],
        ['From', `<${HISTORY}>;tag=posing`],
      ],
      body: offer(),
    });
    assertRefused(await posing.final(), 486, /^Too many participants$/i);
    const roster = await room.watch();
    await roster.next();
    const records = await history.join(invoked.group, { headers: [['Referred-By', `<${ada.uri}>`]] });
    assert.equal(records.uri, room.uri);
    evidence('R-7.2.1.4-3a', wireLine(records.setUpBy, 'From', 'Contact'));
    await bens.say('for the record');
    assert.equal((await records.hear()).text, 'for the record');
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === HISTORY && status === 'connected'),
    );
    assert.match(await foundAt(stage.stack, records.setUpBy.callId, 'R-7.2.1.4-3a'), /^brought in by /);
  });

  const uncounted = stage.cast('uncounted', {
    members: ['ada', 'ben', 'cyd'],
    maxParticipants: 2,
    inviteMembers: false,
  });
  it('R-7.2.1.4-3-note: a History Function takes no seat', async () => {
    const [ada, ben, cyd] = await uncounted.come('ada', 'ben', 'cyd');
    const history = await stage.stack.subscriber('history', { uri: `sip:history-2@${DOMAIN}` });
    const room = await ada.join(uncounted.group);
    await history.join(uncounted.group);
    const bens = await ben.join(uncounted.group);
    assert.equal(bens.uri, room.uri, 'the last seat is still there');
    evidence('R-7.2.1.4-3-note', wireLine(bens.setUpBy, 'From', 'Contact'));
    const full = cyd.sip.invite({ to: uncounted.group, body: offer() });
    assertRefused(await full.final(), 486, /^Too many participants$/i);
    await bens.leave();
    assert.equal((await cyd.join(uncounted.group)).uri, room.uri);
  });
});

before(() => stage.open({ history: { functions: [HISTORY, `sip:history-2@${DOMAIN}`] } }));
after(() => stage.close());
