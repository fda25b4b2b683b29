/** 7.2.1.2 Ad-hoc IM group set-up: an INVITE to the conference-factory URI. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import { sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, gather, isInvite, plainSdp, resourceListsPart, setUpBody } from './support/ad-hoc.ts';
import { assertNotAcceptable, assertRefused, stepOf } from './support/expect.ts';
import { assertNotInvited, freshUri, scene } from './support/scene.ts';
import { outsider, userLine } from './support/users.ts';

/** The inviter counts: three may be invited. */
const MAX_PARTICIPANTS = 4;
const UNKNOWN_FACTORY = `sip:im-conference-factory-2@${DOMAIN}`;
const AUDIO_ONLY = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 49170 RTP/AVP 0',
  '',
].join('\r\n');

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: {
      adHoc: {
        maxParticipants: MAX_PARTICIPANTS,
        mayInitiate: [DOMAIN, 'sip:guest@elsewhere.example', '*.branches.example', 'tel:+49-151-2345'],
      },
      notify: { minIntervalMs: 0 },
    },
    users: [userLine('mallory')],
  });
});
after(() => stack.stop());

describe('7.2.1.2 checks of the request, in the order of A-8', () => {
  test('R-7.2.1.2-1 a factory-like URI that is not allocated: 404 with a Warning (11.1)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { to: UNKNOWN_FACTORY, invite: [ben.uri] });
      assertRefused(await call.final(), 404, /^Conference-factory URI does not exist$/, 'R-7.2.1.2-1');
      await assertNotInvited(ben);
    }));

  test('R-7.2.1.2-1 the factory is known by user and host alone (A-51)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const uri = FACTORY.replace(DOMAIN, DOMAIN.toUpperCase());
      const call = dialFactory(ada, { to: `${uri};transport=udp`, invite: [ben.uri] });
      await ben.answerNext();
      assert.deepEqual((await call.final()).values('P-Asserted-Identity'), [`<${FACTORY}>`]);
    }));

  test('R-7.2.1.2-2 R-7.2.1.2-2-warn a trusted request without P-Asserted-Identity: 403 (A-9)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri], headers: [['P-Asserted-Identity', null]] });
      assertRefused(await call.final(), 403, /not authenticated/, 'R-7.2.1.2-2 R-7.2.1.2-2-warn');
      await assertNotInvited(ben);
    }));

  test('R-7.2.1.2-2 an identity that nobody can read is none', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, {
        invite: [ben.uri],
        headers: [['P-Asserted-Identity', '<sip:@@@>']],
      });
      assertRefused(await call.final(), 403, /not authenticated/);
      await assertNotInvited(ben);
    }));

  test('R-7.2.1.2-2 R-7.2.1.2-2-warn A-26 who is not in adHoc.mayInitiate: 403, and the trace says so', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      for (const asserted of [
        'sip:eve@elsewhere.example',
        'sip:guest@other.example',
        'sip:eve@branches.example',
        `sip:eve@x${DOMAIN}`,
        'tel:+491512346',
      ]) {
        const call = dialFactory(ada, {
          invite: [ben.uri],
          headers: [['P-Asserted-Identity', `<${asserted}>`]],
        });
        const ids = 'R-7.2.1.2-2 R-7.2.1.2-2-warn';
        assertRefused(await call.final(), 403, /^the user is not allowed to set up ad-hoc sessions$/, ids);
        const step = await stepOf(stack, { callId: call.request.callId }, 'R-7.2.1.2-2');
        assert.equal(step.verdict, 'refuse');
        assert.match(step.found, /none of the 4 entries of adHoc\.mayInitiate/);
      }
      await assertNotInvited(ben);
    }));

  test('R-7.2.1.2-2 A-26 who is in adHoc.mayInitiate by URI, by domain, by a domain above or by number is let in', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      for (const [asserted, entry] of [
        ['sips:guest@ELSEWHERE.example', 'sip:guest@elsewhere.example'],
        ['sip:eve@south.branches.example', '*.branches.example'],
        [ada.uri, DOMAIN],
        ['sip:+491512345@elsewhere.example;user=phone', 'tel:+49-151-2345'],
      ] as const) {
        const call = dialFactory(ada, {
          invite: [ben.uri],
          headers: [['P-Asserted-Identity', `<${asserted}>`]],
        });
        await (await ben.sip.nextInvite()).reject(486);
        assert.equal((await call.final()).status, 486, asserted);
        const step = await stepOf(stack, { callId: call.request.callId }, 'R-7.2.1.2-2');
        assert.ok(step.found.endsWith(`; ${entry} of adHoc.mayInitiate`), step.found);
      }
    }));

  test('R-7.2.1.2-6 an offer that policy does not support: 488 that describes what is', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const offers: readonly (readonly [sdp: string, reason: RegExp])[] = [
        [AUDIO_ONLY, /no message media/i],
        [plainSdp({ acceptTypes: 'image/png video/mp4' }), /accept-types/],
        [plainSdp({ path: 'msrps://127.0.0.1:9/tls-0123456789abcdef;tcp' }), /transport/],
        [plainSdp().replace(/^m=message \d+/m, 'm=message 0'), /disabled/],
        [plainSdp().replace(/^a=path:.*\r\n/m, ''), /path/],
        [plainSdp().replace(/^a=path:.*$/m, 'a=path:nonsense'), /path/],
        [plainSdp().replace(/^a=accept-types:.*\r\n/m, ''), /accept-types/],
      ];
      for (const [sdp, reason] of offers) {
        assertNotAcceptable(
          await dialFactory(ada, { invite: [ben.uri], sdp }).final(),
          reason,
          'R-7.2.1.2-6',
        );
      }
      const bodiless = dialFactory(ada, { body: multipart([resourceLists([ben.uri])]) });
      assertNotAcceptable(await bodiless.final(), /no SDP offer/);
      await assertNotInvited(ben);
    }));

  test('R-7.2.1.2-6 one acceptable message line is enough: the others are answered with port 0 (A-49)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const sdp = plainSdp({
        mediaBefore: ['m=audio 49170 RTP/AVP 0'],
        mediaAfter: ['m=video 5000 RTP/AVP 31'],
      });
      const call = dialFactory(ada, { invite: [ben.uri], sdp });
      await ben.answerNext();
      const answer = sdpOf(await call.final());
      assert.deepEqual(
        answer?.media.map(({ kind, port }) => [kind, port > 0]),
        [
          ['audio', false],
          ['message', true],
          ['video', false],
        ],
      );
    }));

  test('R-7.2.1.2-7 as many as fit are invited, one more gets 486 "too many participants" and nobody is invited', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'], async (ada, ...others) => {
      const [ben, cleo, dan, eve] = others;
      const all = others.map(({ uri }) => uri);
      assertRefused(
        await dialFactory(ada, { invite: all }).final(),
        486,
        /^too many participants$/,
        'R-7.2.1.2-7',
      );
      await assertNotInvited(ben, cleo, dan, eve);
      const [room] = await gather(ada, ben, cleo, dan);
      const roster = await room.watch();
      await roster.next();
      assert.equal(roster.documents[0]?.userCount, MAX_PARTICIPANTS);
      assert.equal(roster.documents[0]?.maximumUserCount, MAX_PARTICIPANTS);
    }));

  test('R-7.2.1.2-7 duplicates and the inviter in the list count once (A-10)', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const upper = ben.uri.replace(DOMAIN, DOMAIN.toUpperCase());
      const invite = [ben.uri, upper, `${ben.uri};transport=tcp`, cleo.uri, ada.uri, dan.uri];
      const call = dialFactory(ada, { invite });
      await Promise.all([ben.answerNext(), cleo.answerNext(), dan.answerNext()]);
      assert.equal((await call.final()).status, 200);
      for (const person of [ada, ben, cleo, dan]) await person.sip.sync();
      assert.deepEqual(
        [ada, ben, cleo, dan].map((person) => person.sip.received(isInvite).length),
        [0, 1, 1, 1],
      );
    }));

  test('R-7.2.1.2-7 a list of hundreds is too many participants as well', () =>
    scene(stack, ['Ada'], async (ada) => {
      const invite = Array.from({ length: 300 }, (_, index) => `sip:crowd-${index}@${DOMAIN}`);
      assertRefused(await dialFactory(ada, { invite }).final(), 486, /^too many participants$/);
    }));

  test('R-7.2.1.2-7 a request refused at 486 leaves no session behind', () =>
    scene(stack, ['Ada'], async (ada) => {
      const before = await stack.sessions();
      const invite = [1, 2, 3, 4].map((each) => freshUri(`Nobody${each}`));
      const call = dialFactory(ada, { invite });
      assert.equal((await call.final()).status, 486);
      const [decision] = await stack.decisions({ callId: call.request.callId });
      assert.equal(decision?.session, null);
      assert.deepEqual(
        decision?.steps.map(({ id }) => id).filter((id) => id.startsWith('R-7.2.1.2')),
        ['1', '2', 'ims', '3', '4', '5', '6', '7'].map((step) => `R-7.2.1.2-${step}`),
        'the steps of the clause in its order, and none after the refusal',
      );
      const known = new Set(before.map(({ id }) => id));
      assert.deepEqual(
        (await stack.sessions()).filter(({ id }) => !known.has(id)),
        [],
      );
    }));

  test('A-8 of two faults the first in the order decides: 404, 403, 488, 486', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const many = [ben.uri, ...[1, 2, 3, 4].map((each) => freshUri(`Nobody${each}`))];
      const body = setUpBody(many, AUDIO_ONLY);
      const nobody: [string, null] = ['P-Asserted-Identity', null];
      const of = (options: Parameters<typeof dialFactory>[1]): Promise<SipMessage> =>
        dialFactory(ada, options).final();
      assert.equal((await of({ to: UNKNOWN_FACTORY, body, headers: [nobody] })).status, 404);
      assert.equal((await of({ to: UNKNOWN_FACTORY, body })).status, 404);
      assert.equal((await of({ body, headers: [nobody] })).status, 403);
      assert.equal((await of({ invite: many, headers: [nobody] })).status, 403);
      assert.equal((await of({ body })).status, 488);
      assert.equal((await of({ body: sdpBody(AUDIO_ONLY) })).status, 488, 'before the missing list');
      assert.equal((await of({ invite: many })).status, 486);
      await assertNotInvited(ben);
    }));

  test('A-11 a missing, empty or malformed list: 400 with a Warning', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const sdp = sdpBody(plainSdp());
      const list = (xml: string) => multipart([sdp, resourceListsPart(xml)]);
      const bodies = [
        sdp,
        multipart([sdp]),
        setUpBody([]),
        list(''),
        list('<resource-lists'),
        list(`<list xmlns="urn:ietf:params:xml:ns:resource-lists"><entry uri="${ben.uri}"/></list>`),
        list(`<resource-lists xmlns="urn:example"><list><entry uri="${ben.uri}"/></list></resource-lists>`),
        list(
          `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list><entry/><entry uri="${ben.uri}"/></list></resource-lists>`,
        ),
        setUpBody([ben.uri, 'not a uri']),
        setUpBody([ben.uri, 'sip:']),
      ];
      for (const body of bodies) assertRefused(await dialFactory(ada, { body }).final(), 400, /./);
      // Only the inviter in it: nobody to invite.
      assertRefused(await dialFactory(ada, { invite: [ada.uri] }).final(), 400, /./);
      await assertNotInvited(ben);
    }));

  test('A-11 Require with what we do not support: 420 with Unsupported', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, {
        invite: [ben.uri],
        headers: [['Require', 'recipient-list-invite, 100rel, x-teleport']],
      });
      const response = await call.final();
      assertRefused(response, 420, /100rel/);
      assert.deepEqual(response.values('Unsupported'), ['100rel', 'x-teleport']);
      await assertNotInvited(ben);
    }));
});

describe('7.2.1.2 identity from outside the core', () => {
  const spoofer = (): Promise<Subscriber> => outsider(stack, 'mallory', `"Ada" <sip:ada@${DOMAIN}>`);

  test('R-7.2.1.2-2 without digest a spoofed P-Asserted-Identity is worthless: challenged, nobody invited', () =>
    scene(stack, ['Ben'], async (ben) => {
      const mallory = await spoofer();
      try {
        // Bytes of its own, so that the challenge is not answered.
        const call = mallory.sip.newVia();
        const body = setUpBody([ben.uri]);
        const lines = [
          `INVITE ${FACTORY} SIP/2.0`,
          `Via: ${call}`,
          'Max-Forwards: 70',
          `From: "Ada" <sip:ada@${DOMAIN}>;tag=spoof`,
          `To: <${FACTORY}>`,
          'Call-ID: spoof-without-digest',
          'CSeq: 1 INVITE',
          `Contact: <${mallory.sip.contactUri}>`,
          `P-Asserted-Identity: <sip:ada@${DOMAIN}>`,
          `Content-Type: ${body.contentType}`,
          `Content-Length: ${Buffer.byteLength(body.content)}`,
          '',
          '',
        ];
        mallory.sip.sendRaw(
          Buffer.concat([Buffer.from(lines.join('\r\n')), Buffer.from(body.content as string)]),
        );
        const response = await mallory.sip.sees(
          'the answer to the spoofed INVITE',
          (message) => message.callId === 'spoof-without-digest' && message.status >= 200,
        );
        assert.equal(response.status, 407);
        assert.deepEqual(await stack.decisions({ callId: 'spoof-without-digest' }), []);
        await assertNotInvited(ben);
      } finally {
        await mallory.stop();
      }
    }));

  test('R-7.2.1.2-2 with digest the session is that of the digest user, whatever From and P-Asserted-Identity say', () =>
    scene(stack, ['Ben'], async (ben) => {
      const mallory = await spoofer();
      try {
        const call = dialFactory(mallory, {
          invite: [ben.uri],
          headers: [['From', `"Ada" <sip:ada@${DOMAIN}>;tag=spoof2`]],
        });
        const invite = await ben.sip.nextInvite();
        const asserted = invite.request.values('P-Asserted-Identity').join();
        assert.match(asserted, new RegExp(`<sip:mallory@${DOMAIN}>`));
        assert.doesNotMatch(asserted, /sip:ada@/);
        assert.equal(invite.request.header('Referred-By'), `<sip:mallory@${DOMAIN}>`);
        await ben.answer(invite);
        assert.equal((await call.final()).status, 200);
        assert.match(
          (await stepOf(stack, { callId: call.request.callId }, 'R-7.2.1.2-2')).found,
          /^sip:mallory@.*\(digest\)/,
        );
      } finally {
        await mallory.stop();
      }
    }));
});
