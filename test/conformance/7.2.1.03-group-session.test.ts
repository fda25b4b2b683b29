/** 7.2.1.3 Pre-defined IM group session set-up: the session that comes up, as each client sees it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readConferenceInfo } from '../../src/agents/documents.ts';
import { sdpOf } from '../../src/agents/sdp.ts';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { evidence, msrpLine, rosterLine, wireLine } from './support/evidence.ts';
import { audioAndMessage, offer } from './support/groups-offers.ts';
import {
  assertAccepted,
  assertNobodyInvited,
  assertSessionContact,
  assertSteps,
  everythingReceived,
  foundAt,
  hears,
  sessionName,
} from './support/groups-outcomes.ts';
import { Stage } from './support/groups-stage.ts';

const stage = new Stage();
const ANONYMOUS: HeaderOverrides = [['Privacy', 'id']];

describe('7.2.1.3 INVITE to an idle group: a session comes up', { concurrency: 4 }, () => {
  const flow = stage.cast('flow', { displayName: 'The flow', members: ['ada', 'ben', 'cyd'] });
  it('R-7.2.1.3-4, -8, -8a, -8b, -ok-1 to -ok-4: members are invited, the first 200 answers the initiator, MSRP flows', async () => {
    const [ada, ben, cyd] = await flow.come('ada', 'ben', 'cyd');
    const out = await ada.dial(flow.group, {
      headers: [
        ['Supported', 'timer'],
        ['Contribution-ID', 'c-77'],
        ['P-Charging-Vector', 'icid-value=77'],
      ],
      subject: 'Tides',
    });
    const [toBen, toCyd] = await Promise.all([ben.sip.nextInvite(), cyd.sip.nextInvite()]);
    for (const { request } of [toBen, toCyd]) {
      const from = parseNameAddr(request.header('From') ?? '');
      assert.equal(from.uri, flow.group);
      assert.equal(from.displayName, 'The flow');
      assert.equal(parseNameAddr(request.header('P-Asserted-Identity') ?? '').uri, flow.group);
      assert.equal(request.header('Accept-Contact'), '*;+g.oma.sip-im');
      assert.equal(parseNameAddr(request.header('Referred-By') ?? '').uri, ada.uri);
      assert.match(request.header('Session-Expires') ?? '', /^\d+;refresher=uas$/);
      assert.equal(request.header('Min-SE'), '90');
      assert.deepEqual(request.values('Supported').sort(), ['norefersub', 'timer']);
      assert.equal(request.header('Subject'), 'Tides');
      assert.equal(request.header('Contribution-ID'), 'c-77');
      assert.equal(request.header('P-Charging-Vector'), 'icid-value=77');
      assert.ok(request.headers('User-Agent').some((value) => value.startsWith('IM-serv/OMA1.0')));
      assert.match(sdpOf(request)?.path[0] ?? '', /^msrp:\/\/127\.0\.0\.1:/);
    }
    const identity = assertSessionContact(toBen.request);
    assert.equal(assertSessionContact(toCyd.request), identity, 'one identity for all');
    assert.notEqual(sdpOf(toBen.request)?.path[0], sdpOf(toCyd.request)?.path[0], 'a path for each');
    evidence('R-7.2.1.3-8', wireLine(toBen.request, 'Contact'));
    evidence('R-7.2.1.3-8a', wireLine(toCyd.request, 'P-Asserted-Identity', 'Referred-By', 'Subject'));

    toBen.ring();
    assertSessionContact(await out.call.provisional(180));
    assert.deepEqual(out.call.statuses, [180], 'no 200 before a member has answered');
    const [room, bens] = await Promise.all([out.room(), ben.answer(toBen)]);
    const { answer } = assertAccepted(room.setUpBy, out.call.request, { asserted: flow.group, identity });
    assert.deepEqual(
      answer.acceptTypes.filter(
        (type) => !['message/cpim', 'text/plain', 'application/im-iscomposing+xml'].includes(type),
      ),
      [],
      'accept-types are of the offer',
    );
    assert.notEqual(room.peer.path[0], sdpOf(toBen.request)?.path[0]);
    evidence('R-7.2.1.3-ok-1 R-7.2.1.3-ok-3', wireLine(room.setUpBy, 'CSeq', 'P-Asserted-Identity'));
    evidence('R-7.2.1.3-ok-2', wireLine(room.setUpBy, 'Content-Type', /^m=message.*$/m, /^a=path:.*$/m));
    assert.equal(await room.say('low tide'), 200);
    const heard = await bens.hear();
    assert.equal(heard.text, 'low tide');
    evidence(
      'R-7.2.1.3-8b R-7.2.1.3-ok-4',
      msrpLine(heard.message.frame, 'Content-Type', /^From:.*$/m, /low tide/),
    );
    assert.equal(await bens.say('high tide'), 200);
    assert.equal((await room.hear()).text, 'high tide');

    const cyds = await cyd.answer(toCyd);
    assert.equal(await room.say('both'), 200);
    await Promise.all([hears(bens, 'both'), hears(cyds, 'both')]);
    await ada.sip.sync();
    assert.deepEqual(out.call.statuses, [180, 200], 'the second answer brings no further 200');
    for (const person of [ben, cyd]) {
      const invites = person.sip.received((message) => message.isRequest && message.method === 'INVITE');
      assert.equal(invites.length, 1);
    }
    assert.deepEqual(ada.sip.waitingInvites, [], 'the initiator is not invited');

    await assertSteps(stage.stack, out.call.request.callId, [
      'R-7.2.1.3-1 pass',
      'R-7.2.1.3-2 pass',
      'R-7.2.1.3-3 pass',
      'R-7.2.1.3-4 done',
      'R-7.2.1.3-5 done',
      'R-7.2.1.3-6 skip',
      'R-7.2.1.3-7 pass',
      'R-7.2.1.3-8 done',
      'R-7.2.1.3-8a done',
      'R-7.2.1.3-8b done',
    ]);
    assert.match(await foundAt(stage.stack, out.call.request.callId, 'R-7.2.1.3-4'), /NOTIFY, SUBSCRIBE/);
    await assertSteps(stage.stack, toBen.request.callId, [
      'R-7.2.1.1-1 done',
      'R-7.2.1.1-7 skip',
      'R-7.2.1.3-ok-1 done',
      'R-7.2.1.3-ok-3 done',
      'R-7.2.1.3-ok-4 done',
    ]);
    await assertSteps(stage.stack, toCyd.request.callId, ['7.2.2.2-2xx done', 'R-7.2.1.3-ok-1 stop']);
  });

  const types = stage.cast('types', { members: ['ada', 'ben'] });
  it('R-7.2.1.3-ok-2, -ok-2a: accept-types of the answer are those of the offer and of the member who answered', async () => {
    const [ada, ben] = await types.come('ada', 'ben');
    const out = await ada.dial(types.group, { acceptTypes: 'text/plain application/im-iscomposing+xml' });
    const [room] = await Promise.all([
      out.room(),
      ben.answerNext({ acceptTypes: 'message/cpim text/plain' }),
    ]);
    assert.deepEqual(room.peer.acceptTypes, ['text/plain']);
    evidence('R-7.2.1.3-ok-2a', wireLine(room.setUpBy, /^a=accept-types:.*$/m));
  });

  const mixed = stage.cast('mixed', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.3-7, -ok-2: audio beside MSRP is refused alone, with port 0 in its place', async () => {
    const [ada] = await mixed.come('ada');
    const call = ada.sip.invite({ to: mixed.group, body: audioAndMessage() });
    const { answer } = assertAccepted(await call.final(), call.request, { asserted: mixed.group });
    assert.deepEqual(
      answer.media.map(({ kind, port }) => [kind, port > 0]),
      [
        ['audio', false],
        ['message', true],
      ],
    );
    assert.equal(answer.setup, 'passive');
    assert.match(answer.path[0] ?? '', /^msrp:/);
  });

  const names = stage.cast('names', {
    members: [
      ['ada', 'Ada of the list'],
      ['ben', 'Ben of the list'],
      ['cyd', 'Cyd of the list'],
    ],
  });
  it('R-7.2.1.3-5: the display name is the asserted one, else that of From, else that of the list (5.5)', async () => {
    const ada = await names.comeAs('ada', { assertedIdentity: `"Ada asserted" <${names.uri('ada')}>` });
    const ben = await names.comeAs('ben');
    const cyd = await names.comeAs('cyd', {
      assertedIdentity: `<${names.uri('cyd')}>`,
      displayName: 'Cyd of From',
    });
    const out = await ada.dial(names.group);
    const [room, bens] = await Promise.all([out.room(), ben.answerNext()]);
    const cyds = await cyd.join(names.group);
    const roster = await room.watch();
    await roster.next();
    const shown = Object.fromEntries(roster.users.map((user) => [user.entity, user.displayText]));
    assert.deepEqual(shown, {
      [ada.uri]: 'Ada asserted',
      [ben.uri]: 'Ben of the list',
      [cyd.uri]: 'Cyd of From',
    });
    evidence('R-7.2.1.3-5', rosterLine(roster.subscription.notifies.at(-1), ada.uri));
    assert.match(
      await foundAt(stage.stack, out.call.request.callId, 'R-7.2.1.3-5'),
      /"Ada asserted" from pai/,
    );
    assert.match(await foundAt(stage.stack, cyds.setUpBy.callId, 'R-7.2.1.4-5'), /"Cyd of From" from from/);
    await room.say('names');
    assert.equal((await bens.hear()).text, 'names');
  });

  const listed = stage.cast('listed', { members: [['ada', 'Ada of the list']], inviteMembers: false });
  it('R-7.2.1.3-5: a user without any name of its own has that of the list', async () => {
    const ada = await listed.comeAs('ada', { assertedIdentity: `<${listed.uri('ada')}>` });
    const room = await ada.join(listed.group, { headers: [['From', `<${listed.uri('ada')}>;tag=nameless`]] });
    assert.match(
      await foundAt(stage.stack, room.setUpBy.callId, 'R-7.2.1.3-5'),
      /"Ada of the list" from group/,
    );
  });

  const hidden = stage.cast('hidden', {
    members: ['ada', 'ben'],
    actions: {
      'allow-initiate-conference': true,
      'join-handling': true,
      'allow-conference-state': true,
      'allow-anonymity': true,
    },
  });
  it('R-7.2.1.3-6: with Privacy: id the others see an alias, and nothing of the real address', async () => {
    const [ada, ben] = await hidden.come('ada', 'ben');
    const out = await ada.dial(hidden.group, { headers: ANONYMOUS });
    const [room, bens] = await Promise.all([out.room(), ben.answerNext()]);
    const roster = await bens.watch();
    await roster.next();
    const alias = roster.users.find((user) => user.entity !== ben.uri)?.entity ?? '';
    assert.match(alias, /^sip:[^@]+@anonymous\.invalid$/);
    evidence('R-7.2.1.3-6', rosterLine(roster.subscription.notifies.at(-1), alias));
    assert.equal(await room.say('who am I', { cpim: { from: alias, to: hidden.group } }), 200);
    assert.equal((await bens.hear()).from, alias);
    // Even a client that tells its own address is not shown with it.
    assert.equal(await room.say('me again'), 200);
    assert.equal((await bens.hear()).from, alias);
    assert.equal(await bens.say('for you alone', { to: alias }), 200);
    assert.equal((await room.hear()).text, 'for you alone');
    assert.ok(!everythingReceived(ben).includes(ada.uri.slice('sip:'.length)), 'the address is nowhere');
    assert.ok(!everythingReceived(ben).includes('"Ada"'), 'nor the name');
    await assertSteps(stage.stack, out.call.request.callId, ['R-7.2.1.3-6 done']);
    assert.equal(parseNameAddr(room.setUpBy.header('P-Asserted-Identity') ?? '').uri, hidden.group);
  });

  const chat = stage.cast('chat', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.3-8a: a chat group invites nobody and answers at once (A-18)', async () => {
    const [ada, ben] = await chat.come('ada', 'ben');
    const call = ada.sip.invite({ to: chat.group, body: offer() });
    assertAccepted(await call.final(), call.request, { asserted: chat.group });
    await assertNobodyInvited([ben]);
    assert.match(await foundAt(stage.stack, call.request.callId, 'A-18'), /is answered/);
  });

  const alone = stage.cast('alone', { members: ['ada'] });
  it('R-7.2.1.3-8a: the only member of a group is answered at once (A-18)', async () => {
    const [ada] = await alone.come('ada');
    const call = ada.sip.invite({ to: alone.group, body: offer() });
    assertAccepted(await call.final(), call.request, { asserted: alone.group });
  });

  const capped = stage.cast('capped', { members: ['ben', 'ada', 'cyd', 'dan'], maxParticipants: 3 });
  it('R-7.2.1.3-8a: members are invited in the order of the list, up to the maximum with the initiator', async () => {
    const [ada, ben, cyd, dan] = await capped.come('ada', 'ben', 'cyd', 'dan');
    const out = await ada.dial(capped.group);
    await Promise.all([out.room(), ben.answerNext(), cyd.answerNext()]);
    await assertNobodyInvited([dan]);
  });

  const phone = stage.cast('phone', { members: ['tel:+46700000301', 'ben'] });
  it('R-7.2.1.3-3, -8a: tel: in the list and sip:…;user=phone on the wire are one member', async () => {
    const sip = `sip:+46700000301@${DOMAIN};user=phone`;
    const ada = await phone.comeAs('ada', { assertedIdentity: `"Ada" <${sip}>` });
    const [ben] = await phone.come('ben');
    const out = await ada.dial(phone.group);
    const [room] = await Promise.all([out.room(), ben.answerNext()]);
    const roster = await room.watch();
    await roster.next();
    assert.equal(roster.users.length, 2, 'the initiator stands there once and is not invited');
    assert.match(
      await foundAt(stage.stack, out.call.request.callId, 'R-7.2.1.3-8a'),
      /^sip:ben\.phone@[^,]*$/,
    );
  });

  const both = stage.cast('both', { members: ['tel:+46700000302', 'ben'], inviteMembers: false });
  it('R-7.2.1.3-3: of two asserted addresses either can be the member', async () => {
    const ada = await both.comeAs('ada');
    const call = ada.sip.invite({
      to: both.group,
      headers: [
        ['P-Asserted-Identity', `<${ada.uri}>`],
        ['P-Asserted-Identity', '<tel:+46-700-000-302>'],
      ],
      body: offer(),
    });
    assertAccepted(await call.final(), call.request, { asserted: both.group });
  });

  const routed = stage.cast('routed', { members: ['ada', 'ben'] });
  it('R-7.2.1.3-ims: Record-Route of the core is mirrored, its charging vector is echoed', async (t) => {
    const [ada, ben] = await routed.come('ada', 'ben');
    const core = await SipAgent.start({ uri: `sip:core@${DOMAIN}` });
    t.after(() => core.stop());
    const route = `<sip:core@${core.address};lr>`;
    const call = ada.sip.invite({
      to: routed.group,
      headers: [
        ['Record-Route', route],
        ['P-Charging-Vector', 'icid-value=abc;icid-generated-at=192.0.2.1'],
      ],
      body: offer(),
    });
    const [response] = await Promise.all([call.final(), ben.answerNext()]);
    assertAccepted(response, call.request, { asserted: routed.group });
    assert.deepEqual(response.headers('Record-Route'), [route]);
    assert.equal(response.header('P-Charging-Vector'), 'icid-value=abc;icid-generated-at=192.0.2.1');
  });
});

describe('7.2.1.3 INVITE to an idle group: at the same moment', { concurrency: 4 }, () => {
  const race = stage.cast('race', { members: ['ada', 'ben', 'cyd'] });
  it('R-7.2.1.3-9, -9a to -9d: of two INVITEs at one moment one sets up, the other joins that session', async () => {
    const [ada, ben, cyd] = await race.come('ada', 'ben', 'cyd');
    const calls = await Promise.all([ada.dial(race.group), ben.dial(race.group)]);
    const rooms = await Promise.all(calls.map((call) => call.room()));
    const [first, second] = rooms;
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.uri, second.uri, 'one session');
    evidence('R-7.2.1.3-9', wireLine(second.setUpBy, 'CSeq', 'Contact'));
    const cyds = await cyd.answerNext();
    assert.equal(cyds.uri, first.uri);
    await cyd.sip.sync();
    assert.deepEqual(cyd.sip.waitingInvites, [], 'cyd is invited once');
    await first.say('one room');
    await Promise.all([hears(second, 'one room'), hears(cyds, 'one room')]);
    const clauses = await Promise.all(
      rooms.map(async ({ setUpBy }) => {
        const decisions = await stage.stack.decisions({ callId: setUpBy.callId });
        return decisions.find(({ trigger }) => trigger === 'INVITE')?.clause;
      }),
    );
    assert.deepEqual(new Set(clauses), new Set(['7.2.1.3', '7.2.1.4']));
  });

  const crossing = stage.cast('crossing', { members: ['ada', 'ben', 'cyd'] });
  it('R-7.2.1.3-9, RFC3261-9.1, A-14: a member who dials in while the invitation rings is taken in, and the invitation is cancelled', async () => {
    const [ada, ben, cyd] = await crossing.come('ada', 'ben', 'cyd');
    const out = await ada.dial(crossing.group);
    const toBen = await ben.sip.nextInvite();
    toBen.ring();
    await out.call.provisional(180);
    const [bens, room] = await Promise.all([ben.join(crossing.group), out.room()]);
    await toBen.nextCancel();
    assert.equal(bens.uri, assertSessionContact(toBen.request));
    assert.equal(room.uri, bens.uri);
    await bens.say('here already');
    assert.equal((await room.hear()).text, 'here already');
    const roster = await room.watch();
    await roster.next();
    assert.deepEqual(
      roster.users.map(({ entity, status }) => `${entity} ${status}`).sort(),
      [`${ada.uri} connected`, `${ben.uri} connected`, `${cyd.uri} dialing-out`].sort(),
    );
    assert.match(sessionName(room.uri), /^im-s-/);
    assert.equal(readConferenceInfo(roster.subscription.notifies[0]?.body ?? '').userCount, 2);
  });
});

before(() => stage.open());
after(() => stage.close());
