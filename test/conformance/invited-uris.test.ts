/**
 * An invitation goes to the URI as it was given: port, parameters and scheme say where and how a user is reached. Who the
 * user is, is the address without them (A-51).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Subscriber } from '../../src/agents/chat.ts';
import type { UasInvite } from '../../src/agents/sip/uas-invite.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { dialFactory, gather, isInvite } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertNoFaults, freshUri, scene } from './support/scene.ts';

const GROUP = `sip:im-g-elsewhere@${DOMAIN}`;
const INITIATOR = freshUri('initiator');

/** Whom no registrar knows: reached at host and port alone. */
let nomad: Subscriber;
let member: Subscriber;
let stack: Stack;
before(async () => {
  [nomad, member] = await Promise.all([startNomad('nomad'), startNomad('member')]);
  stack = await Stack.start({
    config: { notify: { minIntervalMs: 0 } },
    groups: [groupDocument({ uri: GROUP, members: [INITIATOR, givenUri(member)] })],
  });
});
after(async () => {
  await stack.stop();
  await Promise.all([nomad.stop(), member.stop()]);
});

function startNomad(name: string): Promise<Subscriber> {
  return Subscriber.start({ uri: `sip:${name}@127.0.0.1`, displayName: name });
}

const PARAMS = ';gr=urn:uuid:0001;x=y';

function givenUri({ sip, options }: Subscriber, headers = ''): string {
  return `${options.uri.replace('127.0.0.1', sip.address)}${PARAMS}${headers}`;
}

function assertGiven({ request }: UasInvite, person: Subscriber, ids: string): void {
  assert.equal(request.requestUri, givenUri(person));
  assert.equal(request.header('To'), `<${person.uri}>`, 'To has no port (RFC 3261 section 19.1.1)');
  evidence(ids, wireLine(request, 'To'));
}

describe('the Request-URI of an invitation', () => {
  test('R-7.2.1.2-8 RFC5366-5 an entry with port, parameters and header fields: all but the header fields; one invitation a user', () =>
    scene(stack, ['Ada'], async (ada) => {
      const list = [
        givenUri(nomad, '?Subject=no').replace(PARAMS, `${PARAMS};method=INVITE`),
        nomad.uri,
        'sip:nomad@127.0.0.1:9',
      ];
      const before = nomad.sip.received(isInvite).length;
      const [hers, invite] = await Promise.all([
        ada.startAdHoc({ factory: `sip:im-conference-factory@${DOMAIN}`, invite: list }),
        nomad.sip.nextInvite().then(async (one) => {
          await nomad.answer(one);
          return one;
        }),
      ]);
      assertGiven(invite, nomad, 'R-7.2.1.2-8');
      const roster = await hers.watch();
      await roster.until((users) => users.some(({ entity }) => entity === nomad.uri));
      assert.deepEqual(
        new Set(roster.connected),
        new Set([ada.uri, nomad.uri]),
        'the address, in the roster',
      );
      assert.equal(nomad.sip.received(isInvite).length - before, 1);
      await hers.leave();
      assertNoFaults([nomad]);
    }));

  test('R-7.2.1.7-3a R-7.2.1.7-9 a Refer-To: the same', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await gather(ada, ben);
      const referTo = `<${givenUri(nomad, '?Subject=no').replace(PARAMS, `${PARAMS};method=INVITE`)}>`;
      const [, invite] = await Promise.all([hers.dialog.refer(referTo), nomad.sip.nextInvite()]);
      assertGiven(invite, nomad, 'R-7.2.1.7-3a R-7.2.1.7-9');
      await invite.reject(486);
    }));

  test('R-7.2.1.3-8a a member of a group document: the same', () =>
    scene(stack, [], async () => {
      const initiator = await stack.subscriber('initiator', { uri: INITIATOR });
      const call = await initiator.dial(GROUP);
      const invite = await member.sip.nextInvite();
      assertGiven(invite, member, 'R-7.2.1.3-8a');
      await invite.reject(486);
      assert.equal((await call.call.final()).status, 486);
    }));

  test('RFC3261-26.2.2 a sips URI of a registered user: the user is found', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri.replace('sip:', 'sips:')] });
      const his = await ben.answerNext();
      assert.equal((await call.final()).status, 200);
      assert.equal((await his.leave()).status, 200);
    }));

  for (const [number, form] of [
    ['+46700000091', 'tel:+46-70-000.00.91'],
    ['+46700000092', `sip:+46-70-0000092@${DOMAIN};user=phone`],
  ]) {
    test(`RFC3966-5 ${form}: its separators keep nobody from being found`, () =>
      scene(stack, ['Ada'], async (ada) => {
        const phone = await stack.subscriber('phone', { uri: `sip:${number}@${DOMAIN}` });
        const call = dialFactory(ada, { invite: [form ?? ''] });
        await (await phone.sip.nextInvite()).reject(486);
        assert.equal((await call.final()).status, 486);
      }));
  }
});
