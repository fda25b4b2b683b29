/** 7.2.1.7 Adding participants: who may not, whom not, and REFERs that cannot be read. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Subscriber } from '../../src/agents/chat.ts';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import type { Room } from '../../src/agents/room.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { Body, HeaderOverrides } from '../../src/agents/sip/message.ts';
import { DOMAIN, OUTSIDE_ADDRESS } from '../support/stack.ts';
import { gather } from './support/ad-hoc.ts';
import { assertRefused } from './support/expect.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';
import { assertAccepted, progressOf } from './support/refer-progress.ts';
import { assertNotInvited, scene } from './support/scene.ts';

const MEMBERS = { 'allow-initiate-conference': true, 'join-handling': true, 'allow-conference-state': true };
const CHAIR = { 'allow-invite-users-dynamically': true };

const stage = new Stage();
const ruled = stage.cast('ruled', {
  members: ['ada', 'ben', 'cleo', 'dan'],
  inviteMembers: false,
  actions: MEMBERS,
  rules: ruleFor([`sip:ada.ruled@${DOMAIN}`], CHAIR),
});
const shy = stage.cast('shy', {
  members: ['ada', 'ben', 'cleo'],
  inviteMembers: false,
  actions: { ...MEMBERS, ...CHAIR },
});

const idle = stage.cast('idle', { members: ['ada'] });

before(() => stage.open({ readings: { addingTargets: 'members' } }));
after(() => stage.close());

describe('7.2.1.7 who may add', () => {
  test('R-7.2.1.7-1 R-7.2.1.7-1-warn a group: only who has allow-invite-users-dynamically (7.2.2.7); A-34 of a mixed list only the allowed', async () => {
    const [ada, ben, cleo, dan, eve] = await ruled.come('ada', 'ben', 'cleo', 'dan', 'eve');
    const hers = await ada.join(ruled.group);
    const his = await ben.join(ruled.group);
    assertRefused(
      (await his.dialog.refer(`<${cleo.uri}>`)).response,
      403,
      /not allowed to add/,
      'R-7.2.1.7-1 R-7.2.1.7-1-warn',
    );
    assertRefused(
      (await ben.sip.refer({ to: ruled.group, referTo: `<${cleo.uri}>` })).response,
      403,
      /not allowed to add/,
    );
    await assertNotInvited(cleo);
    const [refer, cleos] = await Promise.all([
      ada.sip.refer({ to: ruled.group, referTo: `<${cleo.uri}>` }),
      cleo.answerNext({ ring: false }),
    ]);
    assertAccepted(refer.response, { isOutside: true });
    assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
    const invite = cleos.setUpBy;
    assert.equal(parseNameAddr(invite.header('P-Asserted-Identity') ?? '').uri, ruled.group);
    assert.equal(parseNameAddr(invite.header('Referred-By') ?? '').uri, ada.uri);
    assert.equal(cleos.uri, hers.uri);
    // R-7.2.1.7-9: the adding policy looks at each address.
    const [mixed] = await Promise.all([
      hers.dialog.refer('<cid:list@home>', {
        headers: [['Content-ID', '<list@home>']],
        body: resourceLists([eve.uri, dan.uri]),
      }),
      dan.answerNext({ ring: false }),
    ]);
    assert.deepEqual(await progressOf(mixed), [
      'SIP/2.0 100 Trying',
      'SIP/2.0 403 Forbidden',
      'SIP/2.0 200 OK',
    ]);
    assertRefused((await hers.dialog.refer(`<${eve.uri}>`)).response, 403, /none of the users may be added/);
    await assertNotInvited(eve);
  });

  test('R-7.2.1.7-1 who does not take part, has left, or names no running session: 403 with a Warning', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Xena'], async (ada, ben, cleo, dan, xena) => {
      const [hers, his] = await gather(ada, ben, cleo);
      const asks = (who: typeof ada, to: string) => who.sip.refer({ to, referTo: `<${dan.uri}>` });
      assertRefused((await asks(xena, hers.uri)).response, 403, /does not take part/);
      await his?.leave();
      assertRefused((await asks(ben, hers.uri)).response, 403, /does not take part/);
      const gone = hers.uri.replace(/im-s-[^@]+/, 'im-s-neverwas0123456789');
      assertRefused((await asks(ada, gone)).response, 403, /no session/);
      assertRefused((await asks(ada, idle.group)).response, 403, /no session/);
      await assertNotInvited(dan);
    }));

  test('R-7.2.1.7-1 tags prove nothing: without an identity, or with that of another participant, 403', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const as = (value: string | null) => ({ headers: [['P-Asserted-Identity', value]] as HeaderOverrides });
      const nobody = await ada.sip.refer({ to: hers.uri, referTo: `<${dan.uri}>`, ...as(null) });
      assertRefused(nobody.response, 403, /not authenticated/);
      for (const value of [null, `<${ben.uri}>`]) {
        const other = await hers.dialog.refer(`<${dan.uri}>`, as(value));
        assertRefused(other.response, 403, /another participant|not authenticated/);
      }
      await assertNotInvited(dan);
    }));

  test('R-7.2.1.7-1 from outside the core an asserted identity is worthless: digest is asked for', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const mallory = await Subscriber.start({
        uri: ada.uri,
        proxy: stage.stack.proxy,
        localAddress: OUTSIDE_ADDRESS,
        assertedIdentity: ada.uri,
      });
      try {
        const { response } = await mallory.sip.refer({ to: hers.uri, referTo: `<${dan.uri}>` });
        assert.equal(response.status, 407);
      } finally {
        await mallory.stop();
      }
      await assertNotInvited(dan);
    }));

  test('R-7.2.1.7-2 privacy in a group that does not allow anonymity: 403, as at joining (7.2.3.2)', async () => {
    const [ada, ben] = await shy.come('ada', 'ben');
    const hers = await ada.join(shy.group);
    const refer = await hers.dialog.refer(`<${ben.uri}>`, { headers: [['Privacy', 'id']] });
    assertRefused(refer.response, 403, /anonymity/);
    await assertNotInvited(ben);
  });
});

describe('7.2.1.7 requests that cannot be served', () => {
  const list = (xml: string): Body => ({ contentType: 'application/resource-lists+xml', content: xml });
  const CID = '<cid:list@home>';
  const NS = 'xmlns="urn:ietf:params:xml:ns:resource-lists"';
  const cases: readonly (readonly [name: string, referTo: string, body?: Body])[] = [
    ['no body where Refer-To names one', CID],
    ['an empty list', CID, resourceLists([])],
    ['a list that is no XML', CID, list('<resource-lists')],
    ['another document', CID, list('<conference-info/>')],
    ['an entry without a URI', CID, list(`<resource-lists ${NS}><list><entry/></list></resource-lists>`)],
    ['a body of another type', CID, { contentType: 'text/plain', content: 'sip:dan@example.net' }],
    ['a multipart without a list', CID, multipart([{ contentType: 'text/plain', content: 'hello' }])],
    [
      'a Refer-To that names neither of two lists',
      CID,
      multipart([resourceLists([`sip:a@${DOMAIN}`]), resourceLists([`sip:b@${DOMAIN}`])]),
    ],
    ['a multipart that is cut off', CID, { contentType: 'multipart/mixed;boundary=b', content: '--b\r\n' }],
    ['a Refer-To that is no URI', '<>'],
    ['two Refer-To values', `<sip:a@${DOMAIN}>, <sip:b@${DOMAIN}>`],
  ];
  for (const [name, referTo, body] of cases) {
    test(`R-7.2.1.7-3 R-7.2.1.7-3b A-35 ${name}: 400 with a Warning, and the session goes on`, () =>
      scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
        const [hers, his] = await gather(ada, ben);
        const headers: HeaderOverrides = [['Content-ID', '<list@home>']];
        const refer = await hers.dialog.refer(referTo, { headers, ...(body === undefined ? {} : { body }) });
        assertRefused(refer.response, 400, /./);
        await goesOn(hers, his);
      }));
  }

  test('RFC 3515 no Refer-To at all: 400', () =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      assertRefused(await hers.dialog.request('REFER'), 400, /./);
      await goesOn(hers, his);
    }));

  for (const method of ['MESSAGE', 'SUBSCRIBE', 'invite']) {
    test(`A-36 R-7.2.1.7-0 method=${method} is neither INVITE nor BYE: 501 with a Warning`, () =>
      scene(stage.stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
        const [hers, his] = await gather(ada, ben);
        for (const referTo of [`<${dan.uri};method=${method}>`, `<${dan.uri}>;method=${method}`]) {
          assertRefused((await hers.dialog.refer(referTo)).response, 501, new RegExp(method));
          assertRefused((await ada.sip.refer({ to: hers.uri, referTo })).response, 501, new RegExp(method));
        }
        await assertNotInvited(dan);
        await goesOn(hers, his);
      }));
  }

  test('RFC 3261 8.2.2.3 an option tag that nobody knows: 420 with Unsupported', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const refer = await hers.dialog.refer(`<${dan.uri}>`, { headers: [['Require', 'explicitsub']] });
      assertRefused(refer.response, 420, /explicitsub/);
      assert.equal(refer.response.header('Unsupported'), 'explicitsub');
      await assertNotInvited(dan);
    }));
});

async function goesOn(hers: Room, his: Room | undefined): Promise<void> {
  assert.equal(await hers.say('still here'), 200);
  assert.equal((await his?.hear())?.text, 'still here');
}
