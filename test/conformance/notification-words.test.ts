/**
 * Notifications as shipping RCS clients read them: the status words, how somebody came and left, whose own entry it is, the
 * counts that they cap their display by; and the release string in everything that the server says (Appendix F).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { FACTORY } from '../support/stack.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { type Cast, Stage } from './support/groups-stage.ts';
import { progressOf } from './support/refer-progress.ts';
import { together } from './support/refer-rooms.ts';
import { scene } from './support/scene.ts';

const MAXIMUM = 7;
const RCS = 'IM-client/OMA1.0 Vendor/Model-1 Client/2.0';

const actions = {
  'allow-initiate-conference': true,
  'join-handling': true,
  'allow-conference-state': true,
};
const stage = new Stage();
const limited = stage.cast('limited', {
  members: ['ada'],
  inviteMembers: false,
  maxParticipants: 5,
  actions,
});
const open = stage.cast('open', { members: ['ada'], inviteMembers: false, actions });

before(() => stage.open({ adHoc: { maxParticipants: MAXIMUM }, notify: { minIntervalMs: 0 } }));
after(() => stage.close());

/** The `user` element of an address in the body of a NOTIFY. */
function userIn(notify: SipMessage | undefined, entity: string): string {
  const users = notify?.body.match(/<user entity=[\s\S]*?<\/user>/g) ?? [];
  return users.find((user) => user.includes(`<user entity="${entity}"`)) ?? '';
}

const word = (element: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(element)?.[1]?.replaceAll('&quot;', '"');

describe('7.2.2.10 the words of a conference NOTIFY', () => {
  test('R-7.2.1.12-chg status, joining-method, disconnection-method and reason, for each way to come and to go', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'], async (ada, ben, cleo, dan, eve) => {
      const [hers, his, cleos] = await together(ada, ben, cleo);
      const roster = await hers.watch();
      // The answer of one of them is enough for hers to be there.
      await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 3);
      const last = () => roster.subscription.notifies.at(-1);
      const wordsOf = (person: Subscriber, ...names: readonly string[]) =>
        names.map((name) => word(userIn(last(), person.uri), name));
      const until = (person: Subscriber, status: string) =>
        roster.until((users) => users.some((user) => user.entity === person.uri && user.status === status));
      assert.deepEqual(wordsOf(ada, 'status', 'joining-method'), ['connected', 'dialed-in']);
      assert.deepEqual(wordsOf(ben, 'status', 'joining-method'), ['connected', 'dialed-out']);
      assert.equal(word(last()?.body ?? '', 'user-count'), '3');
      assert.equal(word(last()?.body ?? '', 'maximum-user-count'), String(MAXIMUM));
      assert.equal(word(last()?.body ?? '', 'active'), 'true');

      const [declined, toDan] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.sip.nextInvite()]);
      await until(dan, 'dialing-out');
      toDan.ring();
      await until(dan, 'pending');
      await toDan.reject(603, 'Decline');
      await progressOf(declined);
      await until(dan, 'disconnected');
      assert.deepEqual(wordsOf(dan, 'disconnection-method', 'reason'), [
        'failed',
        'SIP;cause=603;text="Decline"',
      ]);

      const [busy, toEve] = await Promise.all([hers.dialog.refer(`<${eve.uri}>`), eve.sip.nextInvite()]);
      await toEve.reject(486);
      await progressOf(busy);
      await until(eve, 'disconnected');
      assert.deepEqual(wordsOf(eve, 'disconnection-method'), ['busy']);

      await cleos.leave();
      await until(cleo, 'disconnected');
      assert.deepEqual(wordsOf(cleo, 'disconnection-method'), ['departed']);
      assert.equal(word(last()?.body ?? '', 'user-count'), '2');
      await cleo.join(hers.uri);
      await until(cleo, 'connected');
      // Who came back has not left any more.
      assert.deepEqual(wordsOf(cleo, 'joining-method', 'disconnection-method'), ['dialed-in', undefined]);

      await progressOf(await hers.dialog.refer(`<${ben.uri};method=BYE>`));
      assert.equal(await his.ended, 'remote');
      await until(ben, 'disconnected');
      assert.deepEqual(wordsOf(ben, 'disconnection-method'), ['booted']);
      evidence('R-7.2.1.12-chg', wireLine(last() as SipMessage, 'Event', 'Subscription-State'));
      const versions = roster.documents.map(({ version }) => version);
      assert.deepEqual(
        versions,
        versions.map((_, index) => index),
      );
    }));

  test('R-7.2.1.12-9 yourown marks the own entry, for RCS clients alone: the schema of RFC 4575 has no such attribute', () =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await together(ada, ben);
      const rcs = await ada.sip.subscribe({
        to: hers.uri,
        event: 'conference',
        headers: [['User-Agent', RCS]],
      });
      const toRcs = await rcs.nextNotify();
      assert.match(userIn(toRcs, ada.uri), /^<user entity="[^"]+" state="full" yourown="true">/);
      assert.doesNotMatch(userIn(toRcs, ben.uri), /yourown/);
      const others = await ben.sip.subscribe({
        to: hers.uri,
        event: 'conference',
        headers: [['User-Agent', 'Blink 5']],
      });
      assert.doesNotMatch((await others.nextNotify()).body, /yourown/);
    }));

  const maxima: readonly (readonly [string, Cast, string | undefined])[] = [
    ['of the group', limited, '5'],
    ['none for a group without one', open, undefined],
  ];
  for (const [what, cast, maximum] of maxima) {
    test(`R-7.2.1.12-8 maximum-user-count: ${what}`, async () => {
      const [ada] = await cast.come('ada');
      const roster = await (await ada.join(cast.group)).watch();
      await roster.next();
      assert.equal(word(roster.subscription.notifies.at(-1)?.body ?? '', 'maximum-user-count'), maximum);
    });
  }
});

describe('Appendix F the release string', () => {
  test('R-7.2.1.1-6 stands in every request and every response of the server, whatever they are', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const dialling = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri] });
      const toBen = await ben.sip.nextInvite();
      toBen.ring();
      // An answer right behind the 180 may overtake it.
      await dialling.call.provisional(180);
      const [hers, his] = await Promise.all([dialling.room(), ben.answer(toBen)]);
      const roster = await hers.watch();
      const [refer] = await Promise.all([hers.dialog.refer(`<${cleo.uri}>`), cleo.answerNext()]);
      await progressOf(refer);
      await hers.dialog.update();
      await ada.sip.sync({ to: FACTORY });
      assert.equal((await ben.sip.invite({ to: 'sip:im-s-gone@example.net' }).final()).status, 403);
      assert.equal((await hers.dialog.refer(`<${ben.uri};method=INFO>`)).response.status, 501);
      await progressOf(await hers.dialog.refer(`<${cleo.uri};method=BYE>`));
      await his.leave();
      await roster.subscription.untilTerminated();
      const kinds = new Set<string>();
      for (const person of [ada, ben, cleo]) {
        for (const message of person.sip.received(() => true)) {
          // What Kamailio says as the server transaction, or as the registrar, is its own.
          if (message.status === 100 || (!message.isRequest && /REGISTER/.test(message.header('CSeq') ?? '')))
            continue;
          if (message.isRequest && message.method === 'ACK') continue;
          const name = message.isRequest ? 'User-Agent' : 'Server';
          assert.match(
            message.header(name) ?? 'none',
            /^IM-serv\/OMA1\.0 Parley\/\S+$/,
            `${name} of ${message.summary}`,
          );
          assert.equal(message.headers(name).length, 1);
          kinds.add(
            message.isRequest
              ? (message.method ?? '')
              : `${message.status} ${message.header('CSeq')?.split(' ')[1]}`,
          );
        }
      }
      for (const kind of [
        'INVITE',
        'NOTIFY',
        'BYE',
        '200 INVITE',
        '180 INVITE',
        '202 REFER',
        '501 REFER',
        '200 SUBSCRIBE',
        '200 UPDATE',
        '200 BYE',
        '403 INVITE',
        '200 OPTIONS',
      ])
        assert.ok(kinds.has(kind), `${kind} among ${[...kinds].join(', ')}`);
    }));
});
