/** What the service says of itself: OPTIONS to each kind of URI, option tags that it lacks, and the RCS feature tags. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { SipAgent } from '../../src/agents/sip/agent.ts';
import { splitOutside } from '../../src/agents/sip/header-values.ts';
import type { HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, OUTSIDE_ADDRESS, Stack } from '../support/stack.ts';
import { dialFactory, plainSdp, setUpBody } from './support/ad-hoc.ts';
import { Ground } from './support/bad-input.ts';

import { assertRefused, methodsOf } from './support/expect.ts';
import { together } from './support/refer-rooms.ts';
import { scene } from './support/scene.ts';
import { outsider, userLine } from './support/users.ts';

const IDLE = `sip:im-g-idle@${DOMAIN}`;
const CPM = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session.group"';

let ground: Ground;
let ada: Subscriber;
before(async () => {
  ground = await Ground.open({
    groups: [groupDocument({ uri: IDLE, members: [`sip:ada@${DOMAIN}`] })],
    users: [userLine('olga')],
  });
  ada = await ground.stack.subscriber('ada');
});
after(() => ground.close(() => assert.deepEqual(ada.violations, [])));

/** Parameters of the one Contact, and its URI. */
function contactOf(response: SipMessage): { readonly uri: string; readonly params: readonly string[] } {
  const [contact, ...more] = response.values('Contact');
  assert.deepEqual(more, []);
  const [address = '', ...params] = splitOutside(contact ?? '', ';');
  return { uri: /^<([^>]+)>$/.exec(address)?.[1] ?? '', params };
}

function assertCapabilities(response: SipMessage): void {
  assert.equal(response.status, 200, `${response.summary}; ${response.header('Warning')}`);
  for (const method of [
    'INVITE',
    'ACK',
    'BYE',
    'CANCEL',
    'UPDATE',
    'REFER',
    'SUBSCRIBE',
    'NOTIFY',
    'OPTIONS',
  ])
    assert.ok(methodsOf(response).includes(method), method);
  for (const type of ['application/sdp', 'multipart/mixed', 'application/resource-lists+xml'])
    assert.ok(response.values('Accept').includes(type), type);
  for (const tag of ['timer', 'norefersub', 'recipient-list-invite', 'multiple-refer'])
    assert.ok(response.values('Supported').includes(tag), tag);
  assert.deepEqual(response.values('Allow-Events'), ['conference']);
  assert.deepEqual(response.values('Accept-Encoding'), ['identity']);
  assert.match(response.header('Server') ?? '', /^IM-serv\/OMA1\.0 /);
}

describe('OPTIONS', () => {
  const uris: readonly (readonly [what: string, uri: () => string, params: readonly string[]])[] = [
    ['a conference-factory URI, which is no focus', () => FACTORY, ['+g.oma.sip-im']],
    ['a group without a session', () => IDLE, ['isfocus', '+g.oma.sip-im']],
    ['a session identity', () => ground.running[0].uri, ['isfocus', '+g.oma.sip-im']],
  ];
  for (const [what, uri, params] of uris) {
    test(`RFC3261-11.2 RFC4579-4.3 to ${what}: 200 with capabilities and feature tags`, async () => {
      const response = await ada.sip.request('OPTIONS', { to: uri() });
      assertCapabilities(response);
      assert.deepEqual(contactOf(response), { uri: uri(), params });
    });
  }

  test('RFC3261-11.2 in the dialog of a session: the same, and the dialog goes on', async () => {
    const response = await ground.running[0].dialog.request('OPTIONS');
    assertCapabilities(response);
    assert.equal(response.toTag, ground.running[0].dialog.remoteTag);
    await ground.assertGoesOn();
  });

  test('RFC3261-11.2 parameters of the asked URI are not repeated', async () => {
    const response = await ada.sip.request('OPTIONS', { to: FACTORY, requestUri: `${FACTORY};user=ip;x=y` });
    assertCapabilities(response);
    assert.equal(contactOf(response).uri, FACTORY);
  });

  test('RFC3261-11.2 to nobody, and to a session that is gone: 404 with a Warning', () =>
    scene(ground.stack, ['Eva', 'Fay'], async (eva, fay) => {
      const [hers, other] = await together(eva, fay);
      assert.equal((await ada.sip.request('OPTIONS', { to: hers.uri })).status, 200);
      const ended = other.ended;
      await hers.leave();
      await ended;
      for (const to of [`sip:nobody@${DOMAIN}`, `sip:im-s-none@${DOMAIN}`, hers.uri])
        assertRefused(await ada.sip.request('OPTIONS', { to }), 404, /^Conference URI does not exist$/);
    }));

  test('5.1 from outside the core digest is asked for; who passes it is told the same', async () => {
    const challenged = await SipAgent.start({
      uri: `sip:mallory@${DOMAIN}`,
      proxy: ground.stack.proxy,
      localAddress: OUTSIDE_ADDRESS,
    });
    const response = await challenged.request('OPTIONS', { to: FACTORY });
    await challenged.stop();
    assert.equal(response.status, 407);
    const olga = await outsider(ground.stack, 'olga', `sip:ada@${DOMAIN}`);
    assertCapabilities(await olga.sip.request('OPTIONS', { to: ground.running[0].uri }));
  });

  test('RFC3261-11 without a user part it is Kamailio that answers: a keep-alive', async () => {
    const response = await ada.sip.request('OPTIONS', { to: `sip:${DOMAIN}` });
    assert.equal(response.status, 200);
    assert.equal(response.header('Allow'), undefined);
  });
});

describe('option tags that the service lacks', () => {
  const [inDialog, outside] = [
    ['UPDATE', 'INVITE', 'BYE', 'REFER', 'OPTIONS', 'INFO'],
    ['INVITE', 'SUBSCRIBE', 'REFER', 'OPTIONS', 'MESSAGE', 'INFO'],
  ];
  const fields: readonly (readonly [value: string, unsupported: string])[] = [
    ['100rel', '100rel'],
    ['timer, 100rel', '100rel'],
    ['gruu, Outbound', 'gruu, outbound'],
  ];
  for (const method of [...inDialog.map((name) => `${name} in the dialog`), ...outside]) {
    test(`RFC3261-8.2.2.3 Require with unknown tags in ${method}: 420 with Unsupported, and the session goes on`, async () => {
      const [room] = ground.running;
      const name = method.split(' ')[0] ?? '';
      for (const [value, unsupported] of fields) {
        const headers: HeaderOverrides = [
          ['Require', value],
          ['Event', 'conference'],
          ['Refer-To', `<sip:dan@${DOMAIN}>`],
        ];
        const ask = (): Promise<SipMessage> => {
          const body = { contentType: 'application/sdp', content: plainSdp() };
          if (method.includes(' ')) {
            return name === 'INVITE'
              ? room.dialog.reinvite({ headers, body }).final()
              : room.dialog.request(name, { headers });
          }
          const to = name === 'INVITE' ? FACTORY : room.uri;
          return name === 'INVITE'
            ? ada.sip.invite({ to, headers, body }).final()
            : ada.sip.request(name, { to, headers });
        };
        const exact = new RegExp(`^${unsupported}$`);
        await ground.refuses(
          { wrong: value, status: 420, warning: /not supported/, tells: ['Unsupported', exact] },
          ask,
        );
      }
    });
  }

  test('RFC3261-8.2.2.3 a CANCEL is never refused for its Require', () =>
    scene(ground.stack, ['Eva', 'Fay'], async (eva, fay) => {
      const call = dialFactory(eva, { body: setUpBody([fay.uri]) });
      const invite = await fay.sip.nextInvite();
      invite.ring();
      await call.cancel();
      assert.equal((await call.final()).status, 487);
      await invite.nextCancel();
    }));

  test('RFC3261-8.2.2.3 the tags that the service has are taken', async () => {
    for (const tag of ['timer', 'norefersub', 'recipient-list-invite', 'multiple-refer', 'TIMER, norefersub'])
      assertCapabilities(await ada.sip.request('OPTIONS', { to: FACTORY, headers: [['Require', tag]] }));
  });
});

describe('profile rcc07', () => {
  let stack: Stack;
  before(async () => {
    stack = await Stack.start({
      config: { profile: 'rcc07' },
      groups: [groupDocument({ uri: IDLE, members: [`sip:ada@${DOMAIN}`] })],
    });
  });
  after(async () => assert.equal(await stack.stop(), 0));

  const RCS = [
    ['Conversation-ID', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
    ['Contribution-ID', 'abcdef-1234-5678-90ab-cdef01234567'],
    ['InReplyTo-Contribution-ID', '01234567-89ab-cdef-0123-456789abcdef'],
  ] as const;

  test('RCC.07 ids of the chat come from the client that begins it: without them invitations have none', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite: [ben.uri] }),
        ben.sip.nextInvite().then(async (invite) => {
          for (const [name] of RCS) assert.equal(invite.request.header(name), undefined, name);
          await ben.answer(invite);
        }),
      ]);
    }));

  test('RCC.07 the CPM group session ICSI is in Contact and Accept-Contact, and the ids go on to everybody', () =>
    scene(stack, ['Ada', 'Ben', 'Cyd'], async (ada, ben, cyd) => {
      const [hers] = await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite: [ben.uri], headers: RCS }),
        ben.answerNext(),
      ]);
      const [, invite] = await Promise.all([hers.dialog.refer(`<${cyd.uri}>`), cyd.sip.nextInvite()]);
      await cyd.answer(invite);
      for (const { sip } of [ben, cyd]) {
        const [request] = sip.received(({ isRequest, method }) => isRequest && method === 'INVITE');
        assert.ok(request);
        for (const [name, value] of RCS) assert.equal(request.header(name), value, name);
        assert.equal(request.header('Accept-Contact'), `*;+g.oma.sip-im;${CPM}`);
        assert.deepEqual(contactOf(request), { uri: hers.uri, params: ['isfocus', '+g.oma.sip-im', CPM] });
      }
      assert.deepEqual(contactOf(hers.setUpBy).params, ['isfocus', '+g.oma.sip-im', CPM]);
      const refreshed = await hers.dialog.update();
      assert.deepEqual(contactOf(refreshed).params, ['isfocus', '+g.oma.sip-im', CPM]);
      const roster = await hers.watch();
      assert.deepEqual(contactOf(roster.subscription.response).params, ['isfocus', '+g.oma.sip-im', CPM]);
      const notify = roster.subscription.notifies[0] ?? (await roster.subscription.nextNotify());
      assert.deepEqual(contactOf(notify).params, ['isfocus', '+g.oma.sip-im', CPM]);
      for (const [to, focus] of [
        [FACTORY, []],
        [IDLE, ['isfocus']],
        [hers.uri, ['isfocus']],
      ] as const) {
        const response = await ben.sip.request('OPTIONS', { to });
        assert.deepEqual(contactOf(response), { uri: to, params: [...focus, '+g.oma.sip-im', CPM] });
      }
    }));

  test('RCC.07 a request without these ids is passed on without them', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      await together(ada, ben);
      const [request] = ben.sip.received(({ isRequest, method }) => isRequest && method === 'INVITE');
      for (const [name] of RCS) assert.equal(request?.header(name), undefined, name);
    }));
});
