/** 7.2.1.7 Adding participants: several users by one REFER (RFC 5368), and the maximum. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { multipart, type Part, resourceLists } from '../../src/agents/documents.ts';
import type { RequestOptions } from '../../src/agents/sip/dialog.ts';
import { gather, isInvite } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertRefused } from './support/expect.ts';
import { Stage } from './support/groups-stage.ts';
import { assertAccepted, assertNoProgress, progressOf } from './support/refer-progress.ts';
import { assertNotInvited, freshUri, scene } from './support/scene.ts';

const MAX_PARTICIPANTS = 5;
const CONTENT_ID = 'Id_1184@home';
const REFER_TO = `<cid:${CONTENT_ID}>`;

const stage = new Stage();
const chair = {
  'allow-initiate-conference': true,
  'join-handling': true,
  'allow-invite-users-dynamically': true,
};
const small = stage.cast('small', {
  members: ['ada', 'ben', 'cleo'],
  inviteMembers: false,
  maxParticipants: 3,
  actions: chair,
});

before(() => stage.open({ adHoc: { maxParticipants: MAX_PARTICIPANTS }, notify: { minIntervalMs: 0 } }));
after(() => stage.close());

/** The list as the only body of the REFER, as RCS clients send it: without a disposition. */
function asOnlyBody(people: readonly Subscriber[], disposition?: string): RequestOptions {
  return {
    headers: [
      ['Require', 'multiple-refer'],
      ['Require', 'norefersub'],
      ['Content-ID', `<${CONTENT_ID}>`],
      ...(disposition === undefined ? [] : [['Content-Disposition', disposition] as const]),
    ],
    body: resourceLists(people.map(({ uri }) => uri)),
  };
}

function listPart(uris: readonly string[], contentId: string, disposition = 'recipient-list'): Part {
  const list = resourceLists(uris, disposition);
  return { ...list, headers: [...(list.headers ?? []), ['Content-ID', `<${contentId}>`]] };
}

function inParts(parts: readonly Part[], subtype = 'mixed'): RequestOptions {
  return { headers: [['Require', 'multiple-refer']], body: multipart(parts, { subtype }) };
}

describe('7.2.1.7 adding several users', () => {
  const forms: readonly (readonly [
    name: string,
    referTo: string,
    of: (people: readonly Subscriber[]) => RequestOptions,
  ])[] = [
    ['as the only body, no Content-Disposition', REFER_TO, (people) => asOnlyBody(people)],
    [
      'as the only body, disposition recipient-list',
      REFER_TO,
      (people) => asOnlyBody(people, 'recipient-list'),
    ],
    [
      'in multipart/mixed beside something else',
      REFER_TO,
      (people) =>
        inParts([
          { contentType: 'text/plain', content: 'please come' },
          listPart(
            people.map(({ uri }) => uri),
            CONTENT_ID,
          ),
        ]),
    ],
    [
      'in multipart/related without a disposition, method in the header',
      `${REFER_TO};method=INVITE`,
      (people) =>
        inParts(
          [
            listPart(
              people.map(({ uri }) => uri),
              CONTENT_ID,
              '',
            ),
          ],
          'related',
        ),
    ],
    [
      'the part that Refer-To names, not another list',
      REFER_TO,
      (people) =>
        inParts([
          listPart([freshUri('nobody')], 'another@home'),
          listPart(
            people.map(({ uri }) => uri),
            CONTENT_ID,
          ),
        ]),
    ],
  ];
  for (const [name, referTo, of] of forms) {
    test(`R-7.2.1.7-3b R-7.2.1.7-0 R-7.2.1.7-9 a list ${name}: each user is invited once, Require: multiple-refer is known`, () =>
      scene(stage.stack, ['Ada', 'Ben', 'Dan', 'Eve'], async (ada, ben, dan, eve) => {
        const [hers, his] = await gather(ada, ben);
        const options = of([dan, eve]);
        const [refer, dans, eves] = await Promise.all([
          hers.dialog.refer(referTo, {
            ...options,
            headers: [...(options.headers ?? []), ['Refer-Sub', 'false']],
          }),
          dan.answerNext(),
          eve.answerNext(),
        ]);
        assertAccepted(refer.response, { isOutside: false });
        evidence('R-7.2.1.7-3b R-7.2.1.7-9', wireLine(eves.setUpBy, 'To', 'Referred-By'));
        assert.equal(refer.response.header('Refer-Sub'), 'false');
        assert.equal(await dans.say('all together'), 200);
        for (const room of [hers, his, eves]) assert.equal((await room?.hear())?.text, 'all together');
        for (const person of [dan, eve]) assert.equal(person.sip.received(isInvite).length, 1);
        await assertNoProgress(ada);
        const roster = await eves.watch();
        await roster.next();
        assert.equal(roster.users.length, 4, 'nobody else was invited');
      }));
  }

  test('R-7.2.1.7-10 A-35 with a subscription: one NOTIFY for each result, the last one ends it; who is there already is told at once', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Dan', 'Eve'], async (ada, ben, dan, eve) => {
      const [hers] = await gather(ada, ben);
      const [refer, toDan, toEve] = await Promise.all([
        ada.sip.refer({ to: hers.uri, referTo: REFER_TO, ...asOnlyBody([dan, ben, eve]) }),
        dan.sip.nextInvite(),
        eve.sip.nextInvite(),
      ]);
      assertAccepted(refer.response, { isOutside: true });
      toEve.ring();
      await toDan.reject(603);
      while (refer.notifies.length < 3) await refer.nextNotify();
      assert.equal(refer.state, 'active', 'Eve still rings');
      await eve.answer(toEve);
      assert.deepEqual(await progressOf(refer), [
        'SIP/2.0 100 Trying',
        'SIP/2.0 200 OK',
        'SIP/2.0 603 Decline',
        'SIP/2.0 200 OK',
      ]);
    }));

  test('R-7.2.1.7-3b who stands twice in the list is invited once, and the referrer not at all', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const doubled = [
        dan.uri,
        dan.uri.replace('sip:', 'SIP:').replace('example.net', 'EXAMPLE.net'),
        ada.uri,
      ];
      const [refer] = await Promise.all([
        hers.dialog.refer(REFER_TO, {
          body: resourceLists(doubled),
          headers: [['Content-ID', `<${CONTENT_ID}>`]],
        }),
        dan.answerNext({ ring: false }),
      ]);
      await progressOf(refer);
      assert.equal(dan.sip.received(isInvite).length, 1);
      await assertNotInvited(ada);
    }));
});

describe('7.2.1.7 the maximum', () => {
  test('R-7.2.1.7-4 ad hoc: up to the maximum 2xx, above it 486 "Too many participants" and nobody is invited', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve', 'Fay'], async (ada, ben, cleo, dan, eve, fay) => {
      const [hers] = await gather(ada, ben, cleo);
      const three = await hers.dialog.refer(REFER_TO, asOnlyBody([dan, eve, fay]));
      assertRefused(three.response, 486, /^too many participants$/i, 'R-7.2.1.7-4');
      await assertNotInvited(dan, eve, fay);
      const [two] = await Promise.all([
        hers.dialog.refer(REFER_TO, asOnlyBody([dan, eve])),
        dan.answerNext(),
        eve.sip.nextInvite().then((invite) => invite.ring()),
      ]);
      assert.equal(two.response.status, 202);
      // Eve still rings: her seat is taken.
      const one = await ben.sip.refer({ to: hers.uri, referTo: `<${fay.uri}>` });
      assertRefused(one.response, 486, /^too many participants$/i);
      // Who is there already needs none.
      const there = await ben.sip.refer({ to: hers.uri, referTo: `<${dan.uri}>` });
      assert.deepEqual(await progressOf(there), ['SIP/2.0 200 OK']);
      await assertNotInvited(fay);
    }));

  test('R-7.2.1.7-4 a list that is longer than any session may be: 486 as well', () =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await gather(ada, ben);
      const many = Array.from({ length: 201 }, (_, index) => `sip:nobody-${index}@example.net`);
      const options = { body: resourceLists(many), headers: [['Content-ID', `<${CONTENT_ID}>`]] as const };
      const refer = await ada.sip.refer({
        to: hers.uri,
        referTo: REFER_TO,
        ...options,
      });
      assertRefused(refer.response, 486, /^too many participants$/i);
    }));

  test('R-7.2.1.7-4 A-29 a group: max-participant-count, so that nobody enters a full group by REFER', async () => {
    const [ada, ben, cleo] = await small.come('ada', 'ben', 'cleo');
    const hers = await ada.join(small.group);
    const his = await ben.join(small.group);
    const [refer] = await Promise.all([hers.dialog.refer(`<${cleo.uri}>`), cleo.answerNext({ ring: false })]);
    assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
    const dan = await small.comeAs('dan');
    assertRefused((await his.dialog.refer(`<${dan.uri}>`)).response, 486, /^too many participants$/i);
    await assertNotInvited(dan);
    await his.leave();
    const [again] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.answerNext({ ring: false })]);
    assert.equal((await progressOf(again)).at(-1), 'SIP/2.0 200 OK');
  });
});
