/** REFER as clients write it: to whom it points, how it says so, and what it wants to be told of the outcome. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { type Part, resourceLists } from '../../src/agents/documents.ts';
import type { Room } from '../../src/agents/room.ts';
import type { RequestOptions } from '../../src/agents/sip/dialog.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import type { Subscription } from '../../src/agents/sip/subscription.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { isInvite, resourceListsPart } from './support/ad-hoc.ts';
import { assertRefused } from './support/expect.ts';
import { assertAccepted, assertNoProgress, progressOf, ring } from './support/refer-progress.ts';
import { together } from './support/refer-rooms.ts';
import { assertNotInvited, freshUri, scene } from './support/scene.ts';

const GROUP = `sip:im-g-forms@${DOMAIN}`;
const TRYING = 'SIP/2.0 100 Trying';
const OK = 'SIP/2.0 200 OK';

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { notify: { minIntervalMs: 0 }, adHoc: { maxParticipants: 6 } },
    groups: [groupDocument({ uri: GROUP, members: [`sip:gus@${DOMAIN}`] })],
  });
});
after(async () => assert.equal(await stack.stop(), 0));

type Where = 'in the dialog' | 'outside of it';

function refer(
  where: Where,
  who: Subscriber,
  room: Room,
  referTo: string,
  options: RequestOptions = {},
): Promise<Subscription> {
  return where === 'in the dialog'
    ? room.dialog.refer(referTo, options)
    : who.sip.refer({ to: room.uri, referTo, ...options });
}

async function assertTalking(speaker: Room, ...others: readonly Room[]): Promise<void> {
  assert.equal(await speaker.say('and now?'), 200);
  for (const other of others) assert.equal((await other.hear()).text, 'and now?');
}

describe('what the referrer wants to be told', () => {
  const forms: readonly (readonly [wish: string, headers: HeaderOverrides, isTold: boolean])[] = [
    ['nothing said', [], true],
    ['Refer-Sub: true', [['Refer-Sub', 'true']], true],
    ['Refer-Sub: false', [['Refer-Sub', 'false']], false],
    ['Refer-Sub: FALSE;x=y', [['Refer-Sub', 'FALSE;x=y']], false],
    ['norefersub in Supported alone', [['Supported', 'norefersub']], true],
    ['norefersub in Require alone', [['Require', 'norefersub']], true],
    [
      'norefersub in Require, Refer-Sub: false',
      [
        ['Require', 'norefersub'],
        ['Refer-Sub', 'false'],
      ],
      false,
    ],
    [
      'Refer-Sub: false of a client without norefersub',
      [
        ['Supported', null],
        ['Refer-Sub', 'false'],
      ],
      false,
    ],
  ];
  for (const where of ['in the dialog', 'outside of it'] as const) {
    for (const [wish, headers, isTold] of forms) {
      test(`R-7.2.1.7-6 R-7.2.1.7-7 R-7.2.1.7-10 ${where}, ${wish}: ${isTold ? 'the outcome is told' : 'Refer-Sub: false is echoed'}`, () =>
        scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
          const [hers, his] = await together(ada, ben);
          const [referral, invite] = await Promise.all([
            refer(where, ada, hers, `<${dan.uri}>`, { headers }),
            dan.sip.nextInvite(),
          ]);
          assertAccepted(referral.response, { isOutside: where === 'outside of it' });
          assert.equal(referral.response.header('Refer-Sub'), isTold ? undefined : 'false');
          await invite.reject(486);
          if (isTold) assert.deepEqual(await progressOf(referral), [TRYING, 'SIP/2.0 486 Busy Here']);
          else await assertNoProgress(ada);
          await assertTalking(hers, his);
        }));
    }
  }

  test('R-7.2.1.7-10-neg who wanted to hear nothing hears nothing, whatever the outcome', () =>
    scene(stack, ['Ada', 'Ben', 'Dan', 'Eve'], async (ada, ben, dan, eve) => {
      const [hers, his] = await together(ada, ben);
      const headers = [['Refer-Sub', 'false']] as const;
      const [, dans] = await Promise.all([
        refer('in the dialog', ada, hers, `<${dan.uri}>`, { headers }),
        dan.answerNext(),
      ]);
      await Promise.all([
        refer('outside of it', ada, hers, `<${eve.uri}>`, { headers }),
        eve.sip.nextInvite().then((invite) => invite.reject(603)),
      ]);
      const gone = dans.ended;
      await refer('in the dialog', ada, hers, `<${dan.uri};method=BYE>`, { headers });
      await gone;
      await assertNoProgress(ada);
      await assertTalking(hers, his);
    }));
});

describe('one user', () => {
  const forms: readonly (readonly [form: string, of: (uri: string) => string])[] = [
    ['a bare URI', (uri) => uri],
    ['a bare URI with a header parameter', (uri) => `${uri};method=INVITE`],
    ['header fields in the URI', (uri) => `<${uri}?Accept-Contact=*%3Bmobility%3D%22mobile%22&Subject=hi>`],
    [
      'a Replaces of a dialog of the target',
      (uri) => `<${uri}?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>`,
    ],
    ['a name in quotes with a comma', (uri) => `"Dan, D." <${uri}>`],
    ['a name without quotes', (uri) => `Dan D <${uri}>`],
    ['parameters of the URI', (uri) => `<${uri};transport=tcp;user=ip>`],
    ['another case of the host', (uri) => `<${uri.replace(DOMAIN, DOMAIN.toUpperCase())}>`],
    ['method in the URI', (uri) => `<${uri};method=INVITE>`],
  ];
  for (const [form, of] of forms) {
    test(`R-7.2.1.7-3a R-7.2.1.7-0 Refer-To with ${form}: the user is invited once, and 100, 180, 200 are told`, () =>
      scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
        const [hers, his] = await together(ada, ben);
        const [referral, invite] = await Promise.all([
          refer('in the dialog', ada, hers, of(dan.uri)),
          dan.sip.nextInvite(),
        ]);
        const replaced = form.includes('Replaces') ? 'abc@x;to-tag=1;from-tag=2' : undefined;
        assert.equal(invite.request.header('Replaces'), replaced);
        await ring(invite, referral);
        const dans = await dan.answer(invite);
        assert.deepEqual(await progressOf(referral), [TRYING, 'SIP/2.0 180 Ringing', OK]);
        assert.equal(dan.sip.received(isInvite).length, 1);
        await assertTalking(dans, hers, his);
      }));
  }

  test('R-7.2.1.7-3a tel: in brackets and bare, and sip: with user=phone, are the user registered with that number', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const dan = await stack.subscriber('+46701234', { uri: `sip:+46701234@${DOMAIN}`, displayName: 'Dan' });
      const [hers] = await together(ada, ben);
      for (const form of ['tel:+46701234', '<tel:+46-70-1234>', `<sip:+46701234@${DOMAIN};user=phone>`]) {
        const [referral, invite] = await Promise.all([
          refer('outside of it', ada, hers, form),
          dan.sip.nextInvite(),
        ]);
        await invite.reject(603);
        assert.deepEqual(await progressOf(referral), [TRYING, 'SIP/2.0 603 Decline'], form);
      }
      await dan.stop();
    }));

  test('A-34 oneself, and who is in the session: 200 at once, and no INVITE', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      const invited = ben.sip.received(isInvite).length;
      for (const where of ['in the dialog', 'outside of it'] as const) {
        for (const { uri } of [ada, ben]) {
          const referral = await refer(where, ada, hers, `<${uri}>`);
          assertAccepted(referral.response, { isOutside: where === 'outside of it' });
          assert.deepEqual(await progressOf(referral), [OK]);
        }
      }
      await assertNotInvited(ada);
      assert.equal(ben.sip.received(isInvite).length, invited);
      await assertTalking(hers, his);
    }));

  test('A-34 R-7.2.1.7-1 the session itself, and another session: 403, and nobody talks to himself', () =>
    scene(stack, ['Ada', 'Ben', 'Cyd', 'Eve'], async (ada, ben, cyd, eve) => {
      const [hers, his] = await together(ada, ben);
      const [other] = await together(ada, cyd, eve);
      for (const where of ['in the dialog', 'outside of it'] as const) {
        for (const { uri } of [hers, other]) {
          const { response } = await refer(where, ada, hers, `<${uri}>`);
          assertRefused(response, 403, /none of the users may be added/);
        }
      }
      await assertTalking(hers, his);
    }));

  test('R-7.2.1.7-fwd403 a group and a factory of this server are told as failed, and nobody has come', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      const toGroup = await refer('in the dialog', ada, hers, `<${GROUP}>`);
      assert.deepEqual(await progressOf(toGroup), [TRYING, 'SIP/2.0 403 Forbidden']);
      const fragment = toGroup.notifies.at(-1)?.body ?? '';
      assert.match(fragment, /^Warning: 399 \S+ "isfocus already assigned"\r$/m);
      const toFactory = await refer('in the dialog', ada, hers, `<${FACTORY}>`);
      assert.deepEqual(await progressOf(toFactory), [TRYING, 'SIP/2.0 400 Bad Request']);
      const roster = await hers.watch();
      await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 2);
      await assertTalking(hers, his);
    }));
});

describe('method=BYE both ways', () => {
  for (const where of ['in the dialog', 'outside of it'] as const) {
    for (const inUri of [true, false]) {
      const say = (uri: string): string => (inUri ? `<${uri};method=BYE>` : `<${uri}>;method=BYE`);
      test(`A-39 R-7.2.1.8-2a ${where}, method in the ${inUri ? 'URI' : 'header field'}: a participant, then oneself by the session identity`, () =>
        scene(stack, ['Ada', 'Ben', 'Dan', 'Eve'], async (ada, ben, dan, eve) => {
          const [hers, his, dans, eves] = await together(ada, ben, dan, eve);
          const gone = dans.ended;
          const removal = await refer(where, ada, hers, say(dan.uri));
          assertAccepted(removal.response, { isOutside: where === 'outside of it' });
          assert.equal(await gone, 'remote');
          assert.equal((await progressOf(removal)).at(-1), OK);
          const left = hers.ended;
          const leaving = await refer(where, ada, hers, say(hers.uri));
          assertAccepted(leaving.response, { isOutside: where === 'outside of it' });
          assert.equal(await left, 'remote');
          await assertTalking(his, eves);
        }));
    }
  }
});

describe('lists', () => {
  const RL = 'urn:ietf:params:xml:ns:resource-lists';
  const send = (room: Room, part: Part, headers: HeaderOverrides = []): Promise<Subscription> =>
    room.dialog.refer('<cid:list@client>', {
      headers: [
        ['Require', 'multiple-refer, norefersub'],
        ['Content-ID', '<list@client>'],
        ...(part.headers ?? []),
        ...headers,
      ],
      body: part,
    });

  test('R-7.2.1.7-3b lists within lists, names, duplicates in other spellings, and members: each new user once', () =>
    scene(stack, ['Ada', 'Ben', 'Dan', 'Eve'], async (ada, ben, dan, eve) => {
      const [hers, his] = await together(ada, ben);
      const entry = (uri: string): string => `<entry uri="${uri}"/>`;
      const nested = resourceListsPart(
        `<?xml version="1.0"?><resource-lists xmlns="${RL}"><list name="a">${entry(dan.uri)}<list><display-name>b</display-name>${entry(eve.uri)}<list>${entry(
          dan.uri
            .toUpperCase()
            .replace('SIP:', 'sip:')
            .replace(/[A-Z]+-/, (name) => name.toLowerCase()),
        )}</list></list></list><list>${entry(`${eve.uri};transport=tcp`)}${entry(ada.uri)}${entry(ben.uri)}</list></resource-lists>`,
      );
      const [referral, dans, eves] = await Promise.all([
        send(hers, nested, [['Refer-Sub', 'false']]),
        dan.answerNext(),
        eve.answerNext(),
      ]);
      assertAccepted(referral.response, { isOutside: false });
      await assertTalking(dans, hers, his, eves);
      for (const { sip } of [dan, eve]) assert.equal(sip.received(isInvite).length, 1);
    }));

  test('A-35 with a subscription: one NOTIFY for each final result, and only the last terminates', () =>
    scene(stack, ['Ada', 'Ben', 'Dan', 'Eve'], async (ada, ben, dan, eve) => {
      const [hers] = await together(ada, ben);
      const [referral, invite] = await Promise.all([
        send(hers, resourceLists([dan.uri, ben.uri, eve.uri], '')),
        dan.sip.nextInvite(),
        eve.sip.nextInvite().then((other) => other.reject(603)),
      ]);
      await dan.answer(invite);
      const progress = await progressOf(referral);
      assert.deepEqual(progress.toSorted(), [TRYING, OK, OK, 'SIP/2.0 603 Decline'].toSorted());
      assert.equal(progress[0], TRYING);
    }));

  test('R-7.2.1.7-4 A-34 a list of members alone adds nobody, even where the session is full; one more is too many', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      const members = await send(hers, resourceLists([ada.uri, ben.uri], ''));
      assertAccepted(members.response, { isOutside: false });
      assert.deepEqual(await progressOf(members), [OK, OK]);
      const strangers = Array.from({ length: 5 }, (_, n) => freshUri(`stranger${n}`));
      const many = await send(hers, resourceLists(strangers, ''));
      assertRefused(many.response, 486, /^Too many participants$/);
      await assertTalking(hers, his);
    }));
});
