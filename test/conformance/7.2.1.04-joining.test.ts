/** 7.2.1.4 Joining a pre-defined IM group session: an INVITE to a group whose session runs. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readConferenceInfo } from '../../src/agents/documents.ts';
import type { Room } from '../../src/agents/room.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { DOMAIN } from '../support/stack.ts';
import { evidence, msrpLine, rosterLine, wireLine } from './support/evidence.ts';
import { offer } from './support/groups-offers.ts';
import {
  assertAccepted,
  assertEnded,
  assertRefused,
  assertSteps,
  everythingReceived,
  foundAt,
  hears,
} from './support/groups-outcomes.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';

const stage = new Stage();
const ANONYMOUS: HeaderOverrides = [['Privacy', 'id']];

describe('7.2.1.4 INVITE to a running group: joined', { concurrency: 4 }, () => {
  const joined = stage.cast('joined', { members: ['ada', 'ben', 'cyd'] });
  it('R-7.2.1.4-4, -5, -8, -9, -9a, -9b, -10, -11, -12; R-7.2.1.3-9a to -9e: the joiner is in the running session at once, everybody is told once', async () => {
    const [ada, ben, cyd] = await joined.come('ada', 'ben', 'cyd');
    const out = await ada.dial(joined.group);
    const toCyd = await cyd.sip.nextInvite();
    const [room, bens] = await Promise.all([out.room(), ben.answerNext()]);
    await toCyd.reject(603);
    const [adas, bensRoster] = await Promise.all([room.watch(), bens.watch()]);
    const rosters = [adas, bensRoster];
    await Promise.all(
      rosters.map((roster) =>
        roster.until((users) =>
          users.some(({ entity, status }) => entity === cyd.uri && status === 'disconnected'),
        ),
      ),
    );
    const before = rosters.map((roster) => roster.documents.at(-1)?.version ?? 0);

    const call = await cyd.dial(joined.group, {
      acceptTypes: 'text/plain application/x-other',
      headers: [
        ['Supported', 'timer'],
        ['P-Charging-Vector', 'icid-value=join'],
        ['Allow', 'INVITE, ACK, BYE, CANCEL, NOTIFY'],
      ],
    });
    const cyds = await call.room();
    const { answer } = assertAccepted(cyds.setUpBy, call.call.request, {
      asserted: joined.group,
      identity: room.uri,
    });
    assert.deepEqual(answer.acceptTypes, ['text/plain'], 'of the offer what the focus serves');
    assert.equal(cyds.setUpBy.header('P-Charging-Vector'), 'icid-value=join');
    assert.deepEqual(call.call.statuses, [200]);
    const answered = cyds.setUpBy;
    evidence(
      'R-7.2.1.3-9a R-7.2.1.3-9c R-7.2.1.4-9 R-7.2.1.4-10',
      wireLine(answered, 'P-Asserted-Identity', 'Session-Expires'),
    );
    evidence(
      'R-7.2.1.3-9b R-7.2.1.4-9a',
      wireLine(answered, 'Content-Type', /^m=message.*$/m, /^a=path:.*$/m),
    );
    evidence('R-7.2.1.3-9b-i R-7.2.1.4-9b', wireLine(answered, /^a=accept-types:.*$/m));

    for (const [index, roster] of rosters.entries()) {
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === cyd.uri && status === 'connected'),
      );
      assert.equal(roster.documents.at(-1)?.version, (before[index] ?? 0) + 1, 'one NOTIFY for the join');
      assert.equal(roster.users.find(({ entity }) => entity === cyd.uri)?.displayText, 'Cyd');
      assert.deepEqual(roster.violations, []);
    }
    evidence(
      'R-7.2.1.3-9e R-7.2.1.4-5 R-7.2.1.4-11 R-7.2.1.4-12',
      rosterLine(adas.subscription.notifies.at(-1), cyd.uri),
    );
    await cyds.say('plain');
    const heard = await room.hear();
    assert.deepEqual([heard.text, (await bens.hear()).text], ['plain', 'plain']);
    evidence('R-7.2.1.3-9d', msrpLine(heard.message.frame, 'Content-Type', /^From:.*$/m, /plain\s*$/));
    await bens.say('for all');
    assert.deepEqual([(await room.hear()).text, (await cyds.hear()).text], ['for all', 'for all']);

    for (const person of [ada, ben, cyd]) await person.sip.sync();
    assert.deepEqual(
      rosters.map((roster) => roster.subscription.notifies.length),
      rosters.map((roster) => roster.documents.length),
      'no second NOTIFY',
    );
    assert.deepEqual(ben.sip.waitingInvites, [], 'nobody is invited again');
    await assertSteps(stage.stack, cyds.setUpBy.callId, [
      'R-7.2.1.3-1 pass',
      'R-7.2.1.4-1 pass',
      'R-7.2.1.4-2 pass',
      'R-7.2.1.4-3 pass',
      'R-7.2.1.4-4 done',
      'R-7.2.1.4-5 done',
      'R-7.2.1.4-6 skip',
      'R-7.2.1.4-7 pass',
      'R-7.2.1.1-7 done',
      'R-7.2.1.4-9 done',
      'R-7.2.1.4-9a done',
      'R-7.2.1.4-9b done',
      'R-7.2.1.4-10 done',
      'R-7.2.1.4-11 done',
      'R-7.2.1.4-12 done',
    ]);
    assert.equal(
      await foundAt(stage.stack, cyds.setUpBy.callId, 'R-7.2.1.4-4'),
      'INVITE, ACK, BYE, CANCEL, NOTIFY',
    );
  });

  const order = stage.cast('order', { members: ['ada'], inviteMembers: false });
  it('R-7.2.1.4-12, R-7.2.1.1-7: the NOTIFY of a join comes after its 200', async () => {
    // One client with both: what it gets comes in the order in which it was sent.
    const [ada] = await order.come('ada');
    const room = await ada.join(order.group);
    const roster = await room.watch();
    await roster.next();
    const second = await ada.join(order.group);
    await roster.next();
    const received = ada.sip.received(() => true);
    const answered = received.findIndex(
      ({ callId, status }) => callId === second.setUpBy.callId && status === 200,
    );
    const notified = received.findLastIndex(({ method, isRequest }) => isRequest && method === 'NOTIFY');
    assert.ok(answered < notified, `200 at ${answered}, NOTIFY at ${notified}`);
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
  it('R-7.2.1.4-6: with Privacy: id the joiner is an alias for all others, and itself no less a member', async () => {
    const [ada, ben] = await hidden.come('ada', 'ben');
    const room = await ada.join(hidden.group);
    const roster = await room.watch();
    const bens = await ben.join(hidden.group, { headers: ANONYMOUS });
    const users = await roster.until((all) => all.length === 2);
    const alias = users.find(({ entity }) => entity !== ada.uri)?.entity ?? '';
    assert.match(alias, /^sip:[^@]+@anonymous\.invalid$/);
    evidence('R-7.2.1.4-6', rosterLine(roster.subscription.notifies.at(-1), alias));
    await bens.say('guess');
    const heard = await room.hear();
    assert.equal(heard.from, alias);
    await room.say('only you', { to: alias });
    assert.equal((await bens.hear()).text, 'only you');
    assert.ok(!everythingReceived(ada).includes(ben.uri.slice('sip:'.length)), 'the address is nowhere');
    const own = await bens.watch();
    await own.next();
    assert.equal(own.users.length, 2);
    assert.match(
      await foundAt(stage.stack, bens.setUpBy.callId, 'R-7.2.1.4-6'),
      /allow-anonymity by rule "members"/,
    );
  });

  const idle = stage.cast('idle', {
    members: ['ada', 'ben'],
    actions: { 'join-handling': true, 'allow-conference-state': true },
    rules: ruleFor([`sip:ada.idle@${DOMAIN}`], { 'allow-initiate-conference': true }),
  });
  it('R-7.2.1.4-8, -8a, -8b: joining an idle group sets its session up, which takes the right to initiate', async () => {
    const [ada, ben] = await idle.come('ada', 'ben');
    const early = ben.sip.invite({ to: idle.group, body: offer() });
    assertRefused(await early.final(), 403, /not allowed to start/);
    const out = await ada.dial(idle.group);
    const [room, bens] = await Promise.all([out.room(), ben.answerNext()]);
    assert.equal(out.call.statuses.filter((status) => status === 200).length, 1, 'one 200');
    evidence('R-7.2.1.4-8', wireLine(room.setUpBy, 'CSeq', 'Contact'));
    evidence('R-7.2.1.4-8a', wireLine(bens.setUpBy, 'P-Asserted-Identity', 'Referred-By'));
    evidence('R-7.2.1.4-8b', wireLine(room.setUpBy, 'Content-Type', /^m=message.*$/m, /^a=path:.*$/m));
    await bens.leave();
    await assertEnded(room.dialog);
    const late = ben.sip.invite({ to: idle.group, body: offer() });
    assertRefused(await late.final(), 403, /not allowed to start/);
  });

  const phone = stage.cast('phone', { members: ['tel:+46700000401', 'ben'], inviteMembers: false });
  it('R-7.2.1.4-2: tel: and sip:…;user=phone of one member may both join, as one user', async () => {
    const [ben] = await phone.come('ben');
    const room = await ben.join(phone.group);
    const sip = `sip:+46700000401@${DOMAIN};user=phone`;
    const ada = await phone.comeAs('ada', { assertedIdentity: `<${sip}>` });
    await ada.join(phone.group);
    await ada.join(phone.group, { headers: [['P-Asserted-Identity', '<tel:+46-70-000-0401>']] });
    const roster = await room.watch();
    await roster.next();
    assert.equal(roster.users.length, 2);
    assert.equal(readConferenceInfo(roster.subscription.notifies[0]?.body ?? '').userCount, 2);
  });

  const many = stage.cast('many', {
    members: ['ada', 'ben', 'cyd', 'dan', 'eve'],
    maxParticipants: 4,
    inviteMembers: false,
  });
  it('R-7.2.1.4-3: of several who ask for the last seats at one moment as many get in as there are seats', async () => {
    const [ada, ...others] = await many.come('ada', 'ben', 'cyd', 'dan', 'eve');
    const room = await ada.join(many.group);
    const calls = others.map((person) => person.sip.invite({ to: many.group, body: offer() }));
    const finals = await Promise.all(calls.map((call) => call.final()));
    assert.deepEqual(
      finals.map(({ status }) => status).sort((a, b) => a - b),
      [200, 200, 200, 486],
    );
    assert.ok(
      finals.every((response) => response.status !== 200 || response.header('Contact')?.includes(room.uri)),
    );
  });

  const talk = stage.cast('talk', { members: ['ada', 'ben', 'cyd'], inviteMembers: false });
  it('R-7.2.1.3-9d: in every setup role the joiner sends and receives at once', async () => {
    const [ada, ben, cyd] = await talk.come('ada', 'ben', 'cyd');
    const rooms: Room[] = [
      await ada.join(talk.group, { setup: 'active' }),
      await ben.join(talk.group, { setup: 'passive' }),
      await cyd.join(talk.group, { setup: 'actpass' }),
    ];
    assert.deepEqual(
      rooms.map((room) => room.peer.setup),
      ['passive', 'active', 'passive'],
    );
    for (const [index, room] of rooms.entries()) {
      await room.say(`number ${index}`);
      await Promise.all(
        rooms.filter((other) => other !== room).map((other) => hears(other, `number ${index}`)),
      );
    }
  });
});

// Without an interval between NOTIFYs, each goes out with the change that it tells of.
before(() => stage.open({ notify: { minIntervalMs: 0 } }));
after(() => stage.close());
