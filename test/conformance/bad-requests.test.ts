/** Requests that no client should send: the right 4xx with a Warning, and no effect on a session beside them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { Body, HeaderOverrides, SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, gather, plainSdp, resourceListsPart, setUpBody } from './support/ad-hoc.ts';
import { assertRefused, methodsOf } from './support/expect.ts';
import { assertNotInvited, scene } from './support/scene.ts';

const RL = 'urn:ietf:params:xml:ns:resource-lists';

let stack: Stack;
/** A session that runs all the while. */
let bystanders: readonly Subscriber[];
let running: readonly [Room, Room];
before(async () => {
  stack = await Stack.start({});
  bystanders = [await stack.subscriber('yves'), await stack.subscriber('zoe')];
  const [yves, zoe] = bystanders as [Subscriber, Subscriber];
  running = (await gather(yves, zoe)) as unknown as readonly [Room, Room];
});
after(() => stack.stop());

/** The session beside it still carries messages both ways. */
async function assertUntouched(): Promise<void> {
  const [one, other] = running;
  assert.equal(await one.say('ping'), 200);
  assert.equal((await other.hear()).text, 'ping');
  assert.equal(await other.say('pong'), 200);
  assert.equal((await one.hear()).text, 'pong');
}

describe('malformed bodies of a factory INVITE', () => {
  const sdp = sdpBody(plainSdp());
  const list = (uri: string): Body => setUpBody([uri]);
  /** The same body with its bytes changed, its boundary kept. */
  const edited = (uri: string, edit: (text: string) => string): Body => {
    const body = list(uri);
    return { ...body, content: edit(bytesOf(body)) };
  };
  const bytesOf = (body: Body): string => Buffer.from(body.content as string).toString('utf8');
  const withList = (xml: string): Body => multipart([sdp, resourceListsPart(xml)]);
  const listOf = (inner: string): string =>
    `<resource-lists xmlns="${RL}"><list>${inner}</list></resource-lists>`;
  const lolz = Array.from({ length: 9 }, (_, index) => {
    const before = `&lol${index};`.repeat(10);
    return `<!ENTITY lol${index + 1} "${before}">`;
  }).join('');

  const cases: readonly (readonly [
    what: string,
    status: number,
    reason: RegExp,
    body: (uri: string) => Body,
  ])[] = [
    [
      'multipart without boundary',
      400,
      /boundary/,
      (uri) => ({ ...list(uri), contentType: 'multipart/mixed' }),
    ],
    [
      'a boundary that does not occur',
      400,
      /boundary/,
      (uri) => ({ ...list(uri), contentType: 'multipart/mixed;boundary=elsewhere' }),
    ],
    [
      'multipart cut off before its end',
      400,
      /boundary/,
      (uri) => edited(uri, (text) => text.replace(/--\r\n$/, '')),
    ],
    [
      'a part whose header is none',
      400,
      /header/,
      (uri) => edited(uri, (text) => text.replace('Content-Disposition:', 'Content Disposition')),
    ],
    [
      'more parts than anybody needs',
      400,
      /parts/,
      (uri) =>
        multipart([
          sdp,
          ...Array.from({ length: 30 }, () => ({ contentType: 'text/plain', content: 'x' })),
          resourceLists([uri]),
        ]),
    ],
    [
      'a part with endless header fields',
      400,
      /header/,
      (uri) =>
        multipart([
          {
            ...sdp,
            headers: Array.from({ length: 400 }, (_, n) => [`X-Filler-${n}`, 'y'.repeat(30)] as const),
          },
          resourceLists([uri]),
        ]),
    ],
    [
      'a multipart media type that is none',
      400,
      /./,
      (uri) => ({ ...list(uri), contentType: 'multipart/;boundary' }),
    ],
    [
      'entities that multiply (billion laughs)',
      400,
      /XML/,
      (uri) =>
        withList(
          `<!DOCTYPE bomb [<!ENTITY lol0 "lol">${lolz}]>${listOf(`<entry uri="${uri}"><display-name>&lol9;</display-name></entry>`)}`,
        ),
    ],
    [
      'an external entity',
      400,
      /XML/,
      (uri) =>
        withList(
          `<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>${listOf(`<entry uri="${uri}"><display-name>&secret;</display-name></entry>`)}`,
        ),
    ],
    [
      'elements nested without end',
      400,
      /XML/,
      () =>
        withList(
          `<resource-lists xmlns="${RL}">${'<list>'.repeat(2_000)}${'</list>'.repeat(2_000)}</resource-lists>`,
        ),
    ],
    ['XML that is not well-formed', 400, /XML/, (uri) => withList(listOf(`<entry uri="${uri}">`))],
    [
      'XML in bytes that are no UTF-8',
      400,
      /./,
      (uri) => withListBytes(listOf(`<entry uri="${uri}"/>\uFFFF`), sdp),
    ],
    [
      'a list elsewhere',
      400,
      /XML/,
      () => withList(listOf('<external anchor="http://xcap.example.net/x"/>')),
    ],
    ['SDP that is none', 400, /SDP/, (uri) => setUpBody([uri], 'hello\r\n')],
    [
      'SDP of lines without sense',
      400,
      /SDP/,
      (uri) => setUpBody([uri], 'v=0\r\no=x\r\n\u0000\u0001\r\nm=\r\n'),
    ],
    ['an empty SDP part', 400, /./, (uri) => multipart([{ ...sdp, content: '' }, resourceLists([uri])])],
    ['a Content-Type that is none', 488, /no SDP/, (uri) => ({ ...list(uri), contentType: 'nonsense' })],
    [
      'a body of an unknown type',
      488,
      /no SDP/,
      () => ({ contentType: 'application/x-unknown', content: 'x' }),
    ],
    [
      'an offer of a thousand media',
      400,
      /SDP/,
      (uri) =>
        setUpBody(
          [uri],
          plainSdp({ mediaBefore: Array.from({ length: 1_000 }, () => 'm=audio 9 RTP/AVP 0') }),
        ),
    ],
  ];
  for (const [what, status, reason, body] of cases) {
    test(`A-11 ${what}: ${status} with a Warning, nobody is invited, nothing else happens`, () =>
      scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
        const response = await dialFactory(ada, { body: body(ben.uri) }).final();
        assertRefused(response, status, reason);
        await assertNotInvited(ben);
        await assertUntouched();
      }));
  }

  for (const transport of ['udp', 'tcp'] as const) {
    test(`RFC3261-21.4.11 a body that is too large over ${transport}: refused at once, and the connection goes on`, () =>
      scene(
        stack,
        ['Ada', 'Ben'],
        async (ada, ben) => {
          const filler = { contentType: 'text/plain', content: 'x'.repeat(52_000) };
          const call = dialFactory(ada, { body: multipart([sdp, resourceLists([ben.uri]), filler]) });
          const { status } = await call.final();
          assert.ok(status === 413 || status === 513, `${status}`);
          await assertNotInvited(ben);
          await assertUntouched();
        },
        { transport },
      ));
  }
});

describe('malformed header fields of a factory INVITE', () => {
  const cases: readonly (readonly [what: string, headers: HeaderOverrides])[] = [
    ['a Contact that is none', [['Contact', 'nonsense <<>']]],
    ['a Contact with a broken URI', [['Contact', '<sip:%zz@@127.0.0.1>']]],
    ['no Contact at all', [['Contact', null]]],
    ['a Session-Expires that is no number', [['Session-Expires', 'soon']]],
  ];
  for (const [what, headers] of cases) {
    test(`RFC3261-21.4.1 ${what}: 400 with a Warning`, () =>
      scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
        const response = await dialFactory(ada, { invite: [ben.uri], headers }).final();
        assertRefused(response, 400, /./);
        await assertNotInvited(ben);
        await assertUntouched();
      }));
  }

  test('R-7.2.1.5-1 a session identity full of escapes is a session that is not there', () =>
    scene(stack, ['Ada'], async (ada) => {
      const response = await ada.sip
        .invite({ to: FACTORY, requestUri: `sip:im-s-%00%0d%0a@${DOMAIN}`, body: sdpBody(plainSdp()) })
        .final();
      assertRefused(response, 403, /./);
      await assertUntouched();
    }));
});

describe('requests to what is not there', () => {
  test('RFC3261-12.2.2 any method in a dialog that does not exist: 481', () =>
    scene(stack, ['Ada'], async (ada) => {
      const [room] = running;
      for (const method of ['BYE', 'UPDATE', 'NOTIFY', 'INFO', 'MESSAGE', 'REFER', 'SUBSCRIBE', 'OPTIONS']) {
        const response = await ada.sip.request(method, {
          to: room.uri,
          headers: [
            ['To', `<${room.uri}>;tag=guessed`],
            ['Event', 'conference'],
            ['Refer-To', `<sip:x@${DOMAIN}>`],
          ],
        });
        assertRefused(response, 481, /no such dialog/);
      }
      const invite = ada.sip.invite({
        to: room.uri,
        headers: [['To', `<${room.uri}>;tag=guessed`]],
        body: sdpBody(plainSdp()),
      });
      assertRefused(await invite.final(), 481, /no such dialog/);
      await assertUntouched();
    }));

  test('RFC3261-12.2.2 the ids of a running dialog but for one: 481, and an old CSeq: 500', () =>
    scene(stack, ['Ada'], async (ada) => {
      const { dialog } = running[0];
      const of = (parts: {
        callId?: string;
        from?: string;
        to?: string;
        cseq?: number;
      }): Promise<SipMessage> =>
        ada.sip.request('BYE', {
          to: dialog.remoteTarget,
          headers: [
            ['From', `${dialog.localAddress};tag=${parts.from ?? dialog.localTag}`],
            ['To', `${dialog.remoteAddress};tag=${parts.to ?? dialog.remoteTag}`],
            ['Call-ID', parts.callId ?? dialog.callId],
            ['CSeq', `${parts.cseq ?? 1_000} BYE`],
          ],
        });
      assertRefused(await of({ callId: `${dialog.callId}x` }), 481, /no such dialog/);
      assertRefused(await of({ from: 'other' }), 481, /no such dialog/);
      assertRefused(await of({ to: 'other' }), 481, /no such dialog/);
      assertRefused(await of({ cseq: 1 }), 500, /CSeq/);
      await assertUntouched();
    }));

  test('11.2 R-7.2.1.5-1 R-7.2.1.12-1 a session, a group and a user that are not there', () =>
    scene(stack, ['Ada'], async (ada) => {
      const session = `sip:im-s-0123456789abcdefghij@${DOMAIN}`;
      const offer = sdpBody(plainSdp());
      const invite = (to: string): Promise<SipMessage> => ada.sip.invite({ to, body: offer }).final();
      assertRefused(await invite(session), 403, /./);
      assertRefused(await invite(`sip:im-g-nobody@${DOMAIN}`), 404, /^Conference URI does not exist$/);
      assertRefused(await invite(`sip:nobody@${DOMAIN}`), 404, /^Conference URI does not exist$/);
      const subscription = await ada.sip.subscribe({ to: session, event: 'conference' });
      assertRefused(subscription.response, 404, /^Conference URI does not exist$/);
    }));

  test('RFC6665-7.2.1 an event package that we do not serve: 489 with Allow-Events', () =>
    scene(stack, ['Ada'], async (ada) => {
      for (const event of ['presence', 'conference-info']) {
        const { response } = await ada.sip.subscribe({ to: running[0].uri, event });
        assertRefused(response, 489, /./);
        assert.match(response.header('Allow-Events') ?? '', /\bconference\b/);
      }
    }));

  test('RFC3261-8.2.1 a method that we do not serve: 405 with Allow', () =>
    scene(stack, ['Ada'], async (ada) => {
      for (const method of ['MESSAGE', 'INFO2', 'PING']) {
        const response = await ada.sip.request(method, { to: FACTORY });
        assertRefused(response, 405, new RegExp(method));
        assert.ok(methodsOf(response).includes('INVITE'));
        assert.ok(!methodsOf(response).includes(method));
      }
      await assertUntouched();
    }));
});

/** A list in bytes that are no UTF-8. */
function withListBytes(xml: string, sdp: Body): Body {
  const part = resourceListsPart(xml);
  const content = Buffer.concat([Buffer.from(part.content as string), Buffer.from([0xff, 0xfe, 0xc0])]);
  return multipart([sdp, { ...part, content }]);
}
