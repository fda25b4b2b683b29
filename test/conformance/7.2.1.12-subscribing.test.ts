/** 7.2.1.12 Subscribing to participant information: SUBSCRIBE with Event: conference. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { readConferenceInfo } from '../../src/agents/documents.ts';
import { Roster } from '../../src/agents/roster.ts';
import type { HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import type { Subscription } from '../../src/agents/sip/subscription.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { evidence, rosterLine, wireLine } from './support/evidence.ts';
import { offer } from './support/groups-offers.ts';
import { assertRefused, assertSessionContact, assertSteps, foundAt } from './support/groups-outcomes.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';

const stage = new Stage();
const slow = new Stage();
const ALL_BUT_STATE = { 'allow-initiate-conference': true, 'join-handling': true };

function subscribe(
  person: Subscriber,
  to: string,
  options: { expiresS?: number; headers?: HeaderOverrides; event?: string } = {},
): Promise<Subscription> {
  return person.sip.subscribe({
    to,
    event: 'conference',
    accept: 'application/conference-info+xml',
    ...options,
  });
}

async function refusalOf(...args: Parameters<typeof subscribe>): Promise<SipMessage> {
  return (await subscribe(...args)).response;
}

describe('7.2.1.12 SUBSCRIBE: checks', { concurrency: 4 }, () => {
  const missing = stage.cast('missing');
  it('R-7.2.1.12-1, R-7.2.1.12-2: a session or group that is not owned is answered 404, before identity is asked', async () => {
    const [ada] = await missing.come('ada');
    const targets = [`sip:im-s-abcdefghij0123456789@${DOMAIN}`, missing.group, FACTORY];
    const steps = ['R-7.2.1.12-1 refuse', 'R-7.2.1.12-2 refuse', 'R-7.2.1.12-2 refuse'];
    for (const [index, target] of targets.entries()) {
      for (const headers of [[], [['P-Asserted-Identity', null]]] satisfies HeaderOverrides[]) {
        const response = await refusalOf(ada, target, { headers });
        const step = steps[index] ?? '';
        assertRefused(response, 404, /^Conference URI does not exist$/, step.split(' ')[0]);
        await assertSteps(stage.stack, response.callId, [step]);
      }
    }
  });

  const over = stage.cast('over', { members: ['ada'], inviteMembers: false });
  it('R-7.2.1.12-1: a session that is over is answered 404', async () => {
    const [ada] = await over.come('ada');
    const room = await ada.join(over.group);
    await room.leave();
    assertRefused(await refusalOf(ada, room.uri), 404, /does not exist/);
  });

  const events = stage.cast('events', { members: ['ada'], inviteMembers: false });
  it('R-7.2.1.12: another event package is answered 489 with Allow-Events (A-46)', async () => {
    const [ada] = await events.come('ada');
    const room = await ada.join(events.group);
    for (const event of ['presence', 'conference.winfo']) {
      const response = await refusalOf(ada, room.uri, { event });
      assertRefused(response, 489, /conference/);
      assert.equal(response.header('Allow-Events'), 'conference');
    }
    const none = await ada.sip.request('SUBSCRIBE', { to: room.uri, headers: [['Expires', '600']] });
    assertRefused(none, 489, /conference/);
  });

  const identity = stage.cast('identity', { members: ['ada'], inviteMembers: false });
  it('R-7.2.1.12-3, R-7.2.1.12-3-warn: without an asserted identity 403 with a reason', async () => {
    const [ada] = await identity.come('ada');
    const room = await ada.join(identity.group);
    const response = await refusalOf(ada, room.uri, { headers: [['P-Asserted-Identity', null]] });
    assertRefused(response, 403, /not authenticated/, 'R-7.2.1.12-3 R-7.2.1.12-3-warn');
    await assertSteps(stage.stack, response.callId, [
      'R-7.2.1.12-1 pass',
      'R-7.2.1.12-2 pass',
      'R-7.2.1.12-3 refuse',
    ]);
  });

  const limited = stage.cast('limited', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.12-3-note: above the limit of subscriptions of one user 403, which a subscription that ended does not count for', async () => {
    const [ada, ben] = await limited.come('ada', 'ben');
    const room = await ada.join(limited.group);
    await ben.join(limited.group);
    const [first] = [await subscribe(ada, room.uri), await subscribe(ada, room.uri)];
    assertRefused(await refusalOf(ada, room.uri), 403, /too many subscriptions/, 'R-7.2.1.12-3-note');
    assert.equal((await subscribe(ben, room.uri)).response.status, 200, 'each user has its own');
    await first.unsubscribe();
    await first.untilTerminated();
    assert.equal((await subscribe(ada, room.uri)).response.status, 200);
  });

  const outside = stage.cast('outside', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.12-4, R-7.2.1.12-4-warn: a member who is not in the session, or a group without one: 403 (A-46)', async () => {
    const [ada, ben] = await outside.come('ada', 'ben');
    assertRefused(await refusalOf(ada, outside.group), 403, /does not take part/);
    const room = await ada.join(outside.group);
    for (const target of [room.uri, outside.group]) {
      const response = await refusalOf(ben, target);
      assertRefused(response, 403, /does not take part/, 'R-7.2.1.12-4 R-7.2.1.12-4-warn');
      await assertSteps(stage.stack, response.callId, ['R-7.2.1.12-3 pass', 'R-7.2.1.12-4 refuse']);
    }
    const bens = await ben.join(outside.group);
    await bens.leave();
    assertRefused(await refusalOf(ben, room.uri), 403, /does not take part/);
  });

  const secret = stage.cast('secret', {
    members: ['ada', 'ben'],
    actions: ALL_BUT_STATE,
    rules: ruleFor([`sip:ben.secret@${DOMAIN}`], { 'allow-conference-state': true }),
    inviteMembers: false,
  });
  it('R-7.2.1.12-4: a participant without allow-conference-state is answered 403, one to whom a rule grants it 200', async () => {
    const [ada, ben] = await secret.come('ada', 'ben');
    const room = await ada.join(secret.group);
    assertRefused(await refusalOf(ada, room.uri), 403, /not allowed to see/);
    const early = await refusalOf(ben, room.uri);
    assertRefused(early, 403, /does not take part/);
    await ben.join(secret.group);
    const accepted = await subscribe(ben, room.uri);
    assert.equal(accepted.response.status, 200);
    assert.match(await foundAt(stage.stack, accepted.callId, 'R-7.2.1.12-4'), /rule "named"|takes part/);
  });

  const adhoc = stage.cast('adhoc');
  it('R-7.2.1.12-4: an ad-hoc session shows its participants to each other, and to nobody else', async () => {
    const [ada, ben, cyd, xia] = await adhoc.come('ada', 'ben', 'cyd', 'xia');
    const call = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri, cyd.uri] });
    const toCyd = await cyd.sip.nextInvite();
    toCyd.ring();
    const [room, bens] = await Promise.all([call.room(), ben.answerNext()]);
    const roster = await bens.watch();
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === cyd.uri && status === 'pending'),
    );
    assert.deepEqual(roster.connected.sort(), [ada.uri, ben.uri].sort());
    for (const person of [xia, cyd])
      assertRefused(await refusalOf(person, room.uri), 403, /does not take part/);
    await toCyd.reject(603);
    await roster.until((users) =>
      users.some(({ entity, status }) => entity === cyd.uri && status === 'disconnected'),
    );
    const declined = roster.users.find(({ entity }) => entity === cyd.uri);
    assert.equal(declined?.disconnectionMethod, 'failed');
    assert.match(declined?.disconnectionReason ?? '', /cause=603/);
  });
});

describe('7.2.1.12 SUBSCRIBE: the life of a subscription', { concurrency: 4 }, () => {
  const first = stage.cast('first', {
    displayName: 'The first',
    members: ['ada', 'ben'],
    maxParticipants: 7,
  });
  it('R-7.2.1.12-5 to -9: 200 with Expires and our Contact, then at once the full state', async () => {
    const [ada, ben] = await first.come('ada', 'ben');
    const call = await ada.dial(first.group);
    const [room] = await Promise.all([call.room(), ben.answerNext()]);
    const subscription = await subscribe(ada, room.uri, {
      expiresS: 300,
      event: 'conference;id=77',
    });
    const { response } = subscription;
    assert.equal(response.status, 200);
    assert.equal(assertSessionContact(response), room.uri);
    assert.equal(response.header('Expires'), '300');
    evidence('R-7.2.1.12-5 R-7.2.1.12-5a', wireLine(response, 'CSeq', 'Expires'));
    evidence('R-7.2.1.12-6 R-7.2.1.12-7', wireLine(response, 'CSeq', 'Contact'));
    assert.ok(response.headers('Server').some((value) => value.startsWith('IM-serv/OMA1.0')));
    const notify = await subscription.nextNotify();
    assert.equal(notify.header('Event'), 'conference;id=77');
    assert.match(notify.header('Subscription-State') ?? '', /^active;expires=(300|299)$/);
    assert.equal(notify.header('Content-Type'), 'application/conference-info+xml');
    assert.equal(assertSessionContact(notify), room.uri);
    evidence('R-7.2.1.12-8', wireLine(notify, 'Event', 'Subscription-State', 'Content-Type'));
    evidence(
      'R-7.2.1.12-9',
      wireLine(notify, 'Event', / state="full" version="\d+"| version="\d+" state="full"/, /<user-count>\d+/),
    );
    const info = readConferenceInfo(notify.body);
    assert.deepEqual(
      {
        entity: info.entity,
        state: info.state,
        subject: info.subject,
        userCount: info.userCount,
        maximumUserCount: info.maximumUserCount,
      },
      { entity: room.uri, state: 'full', subject: 'The first', userCount: 2, maximumUserCount: 7 },
    );
    assert.deepEqual(
      info.users.map(({ entity, status, yourOwn }) => `${entity} ${status} ${yourOwn}`).sort(),
      [`${ada.uri} connected true`, `${ben.uri} connected false`].sort(),
    );
    assert.match(notify.body, /<uri>sip:im-g-first@example\.net<\/uri>/);
    await assertSteps(stage.stack, subscription.callId, [
      'R-7.2.1.12-1 pass',
      'R-7.2.1.12-2 pass',
      'R-7.2.1.12-3 pass',
      'R-7.2.1.12-4 pass',
      'R-7.2.1.12-5 done',
      'R-7.2.1.12-6 done',
      'R-7.2.1.12-8 done',
    ]);
    const got = ada.sip.received(({ callId }) => callId === subscription.callId);
    assert.deepEqual(
      // Where our SUBSCRIBE was repeated, so is its 200.
      got.filter(({ isRequest }, at) => isRequest || at === 0).map(({ summary }) => summary.split(' ')[0]),
      ['200', 'NOTIFY'],
      'R-7.2.1.12-9: the response is sent before the NOTIFY',
    );
  });

  const asked = stage.cast('asked', { members: ['ada'], inviteMembers: false });
  it('R-7.2.1.12-5a: Expires is what was asked for, never more, and at most ours', async () => {
    const [ada] = await asked.come('ada');
    const room = await ada.join(asked.group);
    const long = await subscribe(ada, room.uri, { expiresS: 1_000_000 });
    assert.equal(long.response.header('Expires'), '7200');
    const short = await subscribe(ada, asked.group, { expiresS: 5 });
    assert.equal(short.response.header('Expires'), '5');
    assert.equal(assertSessionContact(short.response), room.uri, 'the group identity leads to its session');
    await Promise.all([long.unsubscribe(), short.unsubscribe()]);
    await Promise.all([long.untilTerminated(), short.untilTerminated()]);
    // A device that knows nothing of the subscription which this makes, and says so to its NOTIFY.
    const device = await stage.stack.subscriber('ada', { uri: ada.uri });
    const none = await device.sip.request('SUBSCRIBE', { to: room.uri, headers: [['Event', 'conference']] });
    assert.equal(none.header('Expires'), '3600', 'the default of RFC 4575');
  });

  const changes = stage.cast('changes', { members: ['ada', 'ben', 'cyd'], inviteMembers: false });
  it('R-7.2.1.12-chg: each join and leave is told, with the version one higher', async () => {
    const [ada, ben, cyd] = await changes.come('ada', 'ben', 'cyd');
    const room = await ada.join(changes.group);
    const roster = await room.watch();
    await roster.next();
    assert.equal(roster.documents[0]?.version, 0);
    const bens = await ben.join(changes.group);
    await roster.next();
    assert.deepEqual(roster.connected.sort(), [ada.uri, ben.uri]);
    const cyds = await cyd.join(changes.group);
    await roster.next();
    assert.deepEqual(roster.connected.sort(), [ada.uri, ben.uri, cyd.uri]);
    await bens.leave();
    await roster.next();
    assert.deepEqual(roster.connected.sort(), [ada.uri, cyd.uri]);
    assert.equal(roster.users.find(({ entity }) => entity === ben.uri)?.disconnectionMethod, 'departed');
    evidence('R-7.2.1.12-chg', rosterLine(roster.subscription.notifies.at(-1), ben.uri));
    await cyds.leave();
    await roster.next();
    assert.deepEqual(roster.connected, [ada.uri]);
    assert.deepEqual(
      roster.documents.map(({ version }) => version),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(
      roster.documents.map(({ userCount }) => userCount),
      [1, 2, 3, 2, 1],
    );
    assert.deepEqual(roster.violations, []);
    const cseqs = roster.subscription.notifies.map(({ cseq }) => cseq);
    assert.deepEqual(
      cseqs,
      cseqs.toSorted((a, b) => a - b),
    );
    await assertSteps(stage.stack, roster.subscription.callId, ['R-7.2.1.12-chg done']);
  });

  const burst = slow.cast('burst', { members: ['ada', 'ben', 'cyd', 'dan', 'eve'], inviteMembers: false });
  it('R-7.2.1.12-chg: changes within notify.minIntervalMs are told in one NOTIFY (A-5)', async () => {
    const [ada, ...others] = await burst.come('ada', 'ben', 'cyd', 'dan', 'eve');
    const room = await ada.join(burst.group);
    const roster = await room.watch();
    await roster.next();
    // All within the interval that began with the first NOTIFY, which is far longer than that takes on any machine.
    await Promise.all(others.map(({ sip }) => sip.invite({ to: burst.group, body: offer() }).answered()));
    await roster.next();
    assert.equal(roster.connected.length, 5);
    assert.equal(roster.documents.at(-1)?.version, 1);
    await ada.sip.sync();
    assert.equal(roster.subscription.notifies.length, 2);
  });

  const refreshed = stage.cast('refreshed', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.12-6: a refresh to the Contact is answered 200 and brings the full state again', async () => {
    const [ada] = await refreshed.come('ada');
    const room = await ada.join(refreshed.group);
    const roster = await room.watch({ expiresS: 100 });
    await roster.next();
    const response = await roster.subscription.refresh(200);
    assert.equal(response.status, 200);
    assert.equal(response.header('Expires'), '200');
    await roster.next();
    const notify = roster.subscription.notifies.at(-1);
    assert.match(notify?.header('Subscription-State') ?? '', /^active;expires=(200|199)$/);
    assert.deepEqual(
      roster.documents.map(({ state, version }) => `${state} ${version}`),
      ['full 0', 'full 1'],
    );
  });

  const ended = stage.cast('ended', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.12-term: Expires 0 ends the subscription with a last NOTIFY, and nothing more is told', async () => {
    const [ada, ben] = await ended.come('ada', 'ben');
    const room = await ada.join(ended.group);
    const roster = await room.watch();
    await roster.next();
    const response = await roster.subscription.unsubscribe();
    assert.equal(response.status, 200);
    assert.equal(response.header('Expires'), '0');
    assert.equal(await roster.subscription.untilTerminated(), 'timeout');
    const told = roster.subscription.notifies.length;
    await ben.join(ended.group);
    await ada.sip.sync();
    assert.equal(roster.subscription.notifies.length, told);
    assert.equal((await roster.subscription.refresh(100)).status, 481);
  });

  const fetched = stage.cast('fetched', { members: ['ada'], inviteMembers: false });
  it('R-7.2.1.12-term: a SUBSCRIBE with Expires 0 fetches the state once (A-46)', async () => {
    const [ada] = await fetched.come('ada');
    const room = await ada.join(fetched.group);
    const subscription = await subscribe(ada, room.uri, { expiresS: 0 });
    assert.equal(subscription.response.status, 200);
    assert.equal(subscription.response.header('Expires'), '0');
    assert.equal(await subscription.untilTerminated(), 'timeout');
    assert.equal(readConferenceInfo(subscription.notifies[0]?.body ?? '').users.length, 1);
    assert.equal(subscription.notifies.length, 1);
  });

  const lapsed = stage.cast('lapsed', { members: ['ada'], inviteMembers: false });
  it('R-7.2.1.12-term: a subscription that is not refreshed ends with reason timeout', async () => {
    const [ada] = await lapsed.come('ada');
    const room = await ada.join(lapsed.group);
    const subscription = await subscribe(ada, room.uri, { expiresS: 1 });
    assert.equal(await subscription.untilTerminated(), 'timeout');
    const [last] = subscription.notifies.slice(-1);
    assert.ok(last);
    evidence('R-7.2.1.12-term', wireLine(last, 'Event', 'Subscription-State'));
    await assertSteps(stage.stack, subscription.callId, ['R-7.2.1.12-term done']);
  });

  const left = stage.cast('left', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.12-term, R-7.2.1.10-4: who leaves has no subscription any more; the others keep theirs', async () => {
    const [ada, ben] = await left.come('ada', 'ben');
    const room = await ada.join(left.group);
    const bens = await ben.join(left.group);
    const [adas, his] = await Promise.all([room.watch(), bens.watch()]);
    await Promise.all([adas.next(), his.next()]);
    await bens.leave();
    assert.equal(await his.subscription.untilTerminated(), 'noresource');
    await adas.until((users) =>
      users.some(({ entity, status }) => entity === ben.uri && status === 'disconnected'),
    );
    assert.equal(adas.subscription.state, 'active');
    // The session is over when the last one leaves.
    await room.leave();
    assert.equal(await adas.subscription.untilTerminated(), 'noresource');
  });

  const forgotten = stage.cast('forgotten', { members: ['ada', 'ben', 'cyd'], inviteMembers: false });
  it('7.2.2.10: a subscriber that answers a NOTIFY with 481 gets no more', async () => {
    const [ada, ben, cyd] = await forgotten.come('ada', 'ben', 'cyd');
    const room = await ada.join(forgotten.group);
    const forgetful = new Roster(await subscribe(ada, room.uri));
    await forgetful.next();
    forgetful.subscription.answer = { status: 481 };
    const roster = await room.watch();
    await roster.next();
    await ben.join(forgotten.group);
    await Promise.all([forgetful.next(), roster.next()]);
    await assertSteps(stage.stack, forgetful.subscription.callId, ['7.2.2.10 done']);
    await cyd.join(forgotten.group);
    await roster.next();
    await ada.sip.sync();
    assert.equal(forgetful.subscription.notifies.length, 2);
  });

  const phone = stage.cast('phone', { members: ['tel:+46700001201'], inviteMembers: false });
  it('R-7.2.1.12-4: tel: and sip:…;user=phone of one participant may both subscribe', async () => {
    const ada = await phone.comeAs('ada', { assertedIdentity: `<sip:+46700001201@${DOMAIN};user=phone>` });
    const room = await ada.join(phone.group);
    const subscription = await subscribe(ada, room.uri, {
      headers: [['P-Asserted-Identity', '<tel:+46700001201>']],
    });
    assert.equal(subscription.response.status, 200);
  });
});

before(() => slow.open({ notify: { minIntervalMs: 6_000 } }));
before(() => stage.open({ limits: { maxSubscriptionsPerUser: 2 }, notify: { minIntervalMs: 1_500 } }));
after(() => slow.close());
after(() => stage.close());
