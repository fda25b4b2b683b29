/** What the clauses leave to the operator and is no reading: each setting away from its default, seen by clients. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { dialFactory, gather } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertRefused } from './support/expect.ts';
import { offer } from './support/groups-offers.ts';
import { Stage } from './support/groups-stage.ts';
import { assertNotInvited, scene } from './support/scene.ts';

const RELEASE = 'IM-serv/OMA2.0 Acme/9.1';
/** The version of the product follows. */
const RELEASED = /^IM-serv\/OMA2\.0 Acme\/9\.1 Parley\/\S+$/;
const NO_FACTORY = 'Usine inconnue';
const NO_CONFERENCE = 'Salle inconnue';
const MAX_SESSIONS = 3;
const MAX_PENDING_INVITES = 4;

const stage = new Stage();
const calling = stage.cast('calling', { members: [['ada', 'Ada of the list'], 'ben'] });
const chat = stage.cast('chat', { members: ['ada', 'ben', 'cyd'], inviteMembers: false });

before(() =>
  stage.open({
    serverHeader: { release: RELEASE },
    errors: { factoryMissing: NO_FACTORY, conferenceMissing: NO_CONFERENCE },
    displayName: { priority: ['group', 'from', 'pai'] },
    release: { adHocMinimum: 3, groupMinimum: 1, chatGroupMinimum: 3 },
    limits: { maxSessions: MAX_SESSIONS, maxPendingInvites: MAX_PENDING_INVITES },
    notify: { minIntervalMs: 0 },
  }),
);
after(() => stage.close());

describe('serverHeader, displayName', () => {
  test('R-7.2.1.1-6 serverHeader.release is in what the server answers and in what it asks', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await gather(ada, ben, cleo);
      assert.ok(his && cleos);
      assert.match(hers.setUpBy.header('Server') ?? '', RELEASED);
      assert.match(his.setUpBy.header('User-Agent') ?? '', RELEASED);
      evidence('R-7.2.1.1-6', wireLine(hers.setUpBy, 'Server'));
      await hers.leave();
      for (const room of [his, cleos]) assert.equal(await room.ended, 'remote');
    }));

  test('R-7.2.1.2-4 displayName.priority: the name in From goes before the asserted one', () =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, {
        invite: [ben.uri],
        headers: [
          ['P-Asserted-Identity', `"Asserted" <${ada.uri}>`],
          ['From', `"From" <${ada.uri}>;tag=a1`],
        ],
      });
      const invite = await ben.sip.nextInvite();
      assert.equal(nameIn(invite.request, 'P-Asserted-Identity'), 'From');
      await invite.reject(486);
      await call.final();
    }));

  test('R-7.2.1.3-5 displayName.priority: the name in the list of the group before both', async () => {
    const [ada, ben] = await calling.come('ada', 'ben');
    const [hers, his] = await Promise.all([ada.join(calling.group), ben.answerNext()]);
    const roster = await his.watch();
    await roster.next();
    assert.equal(roster.users.find(({ entity }) => entity === ada.uri)?.displayText, 'Ada of the list');
    // And a session of a group with one left goes on, as release.groupMinimum has it.
    await hers.leave();
    await roster.until((users) => users.some(({ status }) => status === 'disconnected'));
    await ben.sip.sync({ to: FACTORY });
    assert.equal(his.dialog.state, 'confirmed', 'R-7.2.1.10-3 release.groupMinimum 1');
    await his.leave();
  });
});

describe('errors', () => {
  test('R-7.2.1.2-1, R-7.2.1.3-1, R-7.2.1.12-1 the texts of 11.1 and 11.2', () =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const noFactory = dialFactory(ada, { to: `sip:im-conference-factory-9@${DOMAIN}`, invite: [ben.uri] });
      assertRefused(await noFactory.final(), 404, /^Usine inconnue$/);
      await assertNotInvited(ben);
      const nowhere = { to: `sip:im-g-nowhere@${DOMAIN}` };
      const { response } = await ada.sip.subscribe({ ...nowhere, event: 'conference' });
      for (const refused of [
        await ada.sip.invite({ ...nowhere, body: offer() }).final(),
        await ada.sip.request('OPTIONS', nowhere),
        response,
      ])
        assertRefused(refused, 404, /^Salle inconnue$/);
    }));
});

describe('release', () => {
  test('R-7.2.1.10-3 release.adHocMinimum 3: with two left of three everybody gets BYE', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await gather(ada, ben, cleo);
      assert.ok(his && cleos);
      await his.leave();
      for (const room of [hers, cleos]) {
        const bye = await room.dialog.nextRequest('BYE');
        evidence('R-7.2.1.10-3', wireLine(bye.request, 'CSeq', 'Reason'));
      }
    }));

  test('R-7.2.1.10-3 release.chatGroupMinimum 3: it is looked at when somebody leaves, not while they come', async () => {
    const [ada, ben, cyd] = await chat.come('ada', 'ben', 'cyd');
    const adas = await ada.join(chat.group);
    const bens = await ben.join(chat.group);
    const cyds = await cyd.join(chat.group);
    assert.equal(await adas.say('three of us'), 200);
    for (const room of [bens, cyds]) assert.equal((await room.hear()).text, 'three of us');
    await cyds.leave();
    for (const room of [adas, bens]) assert.equal(await room.ended, 'remote');
  });
});

describe('limits', () => {
  test('RFC3261-21.5.4 limits.maxSessions: one more gets 503 with Retry-After, nobody is invited; when one has ended there is room', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      await untilRunning(0);
      const all = [];
      for (let count = 0; count < MAX_SESSIONS; count += 1) all.push(await gather(ada, ben, cleo));
      const over = dialFactory(ada, { invite: [dan.uri] });
      assertBusy(await over.final(), /limit of 3 sessions/);
      await assertNotInvited(dan);
      // Who is in a session is not touched by it.
      const [[hers, his]] = all as [(typeof all)[0]];
      assert.equal(await hers.say('all is well'), 200);
      assert.equal((await his?.hear())?.text, 'all is well');
      await hers.leave();
      await untilRunning(MAX_SESSIONS - 1);
      await assertTaken(ada, dan);
      for (const [room] of all.slice(1)) await room.leave();
      await untilRunning(0);
    }));

  test('RFC3261-21.5.4 limits.maxPendingInvites: while so many ring the next gets 503 with Retry-After', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'], async (ada, ben, cleo, dan, eve) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri, dan.uri] });
      const ringing = await Promise.all([ben, cleo, dan].map((person) => person.sip.nextInvite()));
      assertBusy(await dialFactory(eve, { invite: [ben.uri] }).final(), /limit of 4 pending INVITEs/);
      await Promise.all(ringing.map((invite) => invite.reject(486)));
      assert.equal((await call.final()).status, 486);
      await assertTaken(eve, ben);
    }));
});

function nameIn(message: SipMessage, field: string): string | undefined {
  return parseNameAddr(message.header(field) ?? '').displayName;
}

function assertBusy(response: SipMessage, warning: RegExp): void {
  assertRefused(response, 503, warning);
  assert.match(response.header('Retry-After') ?? '', /^[1-9]\d*$/);
}

/** There is room: the invited user is asked. */
async function assertTaken(caller: Subscriber, invited: Subscriber): Promise<void> {
  const call = dialFactory(caller, { invite: [invited.uri] });
  await (await invited.sip.nextInvite()).reject(603);
  assert.equal((await call.final()).status, 603);
}

/** So many sessions run: what has ended is cleared away when its last BYE has been answered. */
function untilRunning(count: number): Promise<unknown> {
  const seen = async () => (await stage.stack.sessions()).filter(({ phase }) => phase !== 'ended').length;
  return eventually(
    async () => (await seen()) === count,
    () => `not ${count} sessions`,
  );
}
