/**
 * Whole conversations in the shapes that RCS and OMA clients send: header fields, layout of bodies, feature tags, SDP,
 * REFERs and what they read in answers. Facts of public client code, bytes of our own.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { multipart, type Part, resourceLists } from '../../src/agents/documents.ts';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { Body, HeaderOverrides } from '../../src/agents/sip/message.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { gather } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertRefused, warningOf } from './support/expect.ts';
import { assertAccepted, assertNoProgress, progressOf } from './support/refer-progress.ts';
import { assertNotInvited, scene } from './support/scene.ts';

const GROUP = `sip:im-g-boghe@${DOMAIN}`;
const FOCUS_GROUP = `sip:im-g-focus@${DOMAIN}`;

let rcs: Stack;
let oma: Stack;
before(async () => {
  const members = [`sip:any@${DOMAIN}`];
  const anybody = `<cr:rule id="all"><cr:actions><allow-initiate-conference>true</allow-initiate-conference><join-handling>true</join-handling><allow-conference-state>true</allow-conference-state></cr:actions></cr:rule>`;
  const groups = [GROUP, FOCUS_GROUP].map((uri) =>
    groupDocument({ uri, members, inviteMembers: false, rules: anybody }),
  );
  const config = { notify: { minIntervalMs: 0 } };
  rcs = await Stack.start({ config: { ...config, profile: 'rcc07' } });
  oma = await Stack.start({ config, groups });
});
after(async () => {
  for (const stack of [rcs, oma]) assert.equal(await stack.stop(), 0);
});

async function assertTalking(speaker: Room, ...others: readonly Room[]): Promise<void> {
  assert.equal(await speaker.say('bonjour'), 200);
  for (const other of others) assert.equal((await other.hear()).text, 'bonjour');
}

describe('rcsjta: an ad-hoc group chat', () => {
  const CLIENT = {
    userAgent: 'IM-client/OMA1.0 OrangeLabs-RCS-client/v1.5',
    allow: 'INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS, MESSAGE, REFER, UPDATE',
    supported: 'timer',
    contactParams: '+g.oma.sip-im;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000000000001>"',
    acceptTypes: 'message/cpim application/im-iscomposing+xml',
    offerSetup: 'active',
    msrpListen: false,
    transport: 'tcp',
    listen: false,
  } as const;
  const ATTRIBUTES = [
    'accept-wrapped-types:text/plain message/imdn+xml application/vnd.gsma.rcs-ft-http+xml application/vnd.gsma.rcspushlocation+xml',
  ];
  const CONTRIBUTION = '4a1cd20e-0d06-4f2e-9a7d-1a7c6c7c9d63';

  /** The offer and the list, by the boundary that this client always writes. */
  const bodyOf =
    (invite: readonly string[]) =>
    (sdp: string): Body =>
      multipart(
        [{ ...sdpBody(sdp), headers: [['Content-Length', String(sdp.length)]] }, resourceLists(invite)],
        {
          boundary: 'boundary1',
        },
      );
  const setUpHeaders = (own: string): HeaderOverrides => [
    ['P-Preferred-Identity', own],
    ['Accept-Contact', '*;+g.oma.sip-im'],
    ['Require', 'recipient-list-invite'],
    ['Subject', 'Week-end'],
    ['Contribution-ID', CONTRIBUTION],
    ['Session-Expires', '3600;refresher=uac'],
  ];
  const list = (uris: readonly string[]): { readonly part: Part; readonly headers: HeaderOverrides } => ({
    part: resourceLists(uris, ''),
    headers: [
      ['Require', 'multiple-refer'],
      ['Require', 'norefersub'],
      ['Refer-Sub', 'false'],
      ['Content-ID', '<Id_1388754@home>'],
      ['Contribution-ID', CONTRIBUTION],
    ],
  });

  test('RCS-rcsjta set-up, SUBSCRIBE, adding one and several by REFER in the dialog, refresh, leaving, rejoining, and a session that is gone', () =>
    scene(
      rcs,
      ['Ada', 'Ben', 'Cyd', 'Dan', 'Eve'],
      async (ada, ben, cyd, dan, eve) => {
        const dial = (to: string, headers: HeaderOverrides, body?: (sdp: string) => Body) =>
          ada.dial(to, { headers, attributes: ATTRIBUTES }, body);
        const call = await dial(FACTORY, setUpHeaders(ada.uri), bodyOf([ben.uri, cyd.uri]));
        const [bens, cyds] = await Promise.all([ben.answerNext(), cyd.answerNext()]);
        const hers = await call.room();

        // What the client takes from the 200, and what the invited ones were sent.
        assert.equal(hers.setUpBy.header('Session-Expires'), '1800;refresher=uac');
        assert.ok(hers.isFocus);
        assert.equal(hers.peer.setup, 'passive', 'the server is passive to a client behind NAT');
        for (const { setUpBy } of [bens, cyds]) {
          assert.equal(setUpBy.header('Contribution-ID'), CONTRIBUTION);
          assert.equal(setUpBy.header('Subject'), 'Week-end');
          assert.match(setUpBy.header('Contact') ?? '', /;isfocus;\+g\.oma\.sip-im;\+g\.3gpp\.icsi-ref=/);
        }
        await assertTalking(hers, bens, cyds);

        // It subscribes to the Contact of the 200 and reads users, their states and the maximum.
        const roster = await hers.watch({ expiresS: 3600 });
        await roster.until((users) => users.filter(({ status }) => status === 'connected').length === 3);
        const document = roster.subscription.notifies.at(-1)?.body ?? '';
        assert.match(document, /<maximum-user-count>\d+<\/maximum-user-count>/);
        assert.match(document, /<user [^>]*yourown="true"/);

        // One user: a bare URI. Several: a list as the only body, without a disposition.
        const [one, dans] = await Promise.all([
          hers.dialog.refer(dan.uri, {
            headers: [
              ['Refer-Sub', 'false'],
              ['P-Preferred-Identity', ada.uri],
              ['Contribution-ID', CONTRIBUTION],
              ['Subject', 'Week-end'],
            ],
          }),
          dan.answerNext(),
        ]);
        const { part, headers } = list([eve.uri, ben.uri]);
        const [several] = await Promise.all([
          hers.dialog.refer('<cid:Id_1388754@home>', { headers, body: part }),
          eve.sip.nextInvite().then((invite) => invite.reject(603)),
        ]);
        for (const { response } of [one, several]) {
          assertAccepted(response, { isOutside: false });
          assert.equal(response.header('Refer-Sub'), 'false');
        }
        // It looks for 603 to show who has declined.
        await roster.until((users) =>
          users.some(({ entity, status }) => entity === dan.uri && status === 'connected'),
        );
        await roster.until(() =>
          /<disconnection-info>.*603/s.test(roster.subscription.notifies.at(-1)?.body ?? ''),
        );
        await assertTalking(dans, hers, bens, cyds);

        const refreshed = await hers.dialog.update({ headers: [['Session-Expires', '3600;refresher=uac']] });
        assert.equal(refreshed.status, 200);
        assert.equal(refreshed.header('Session-Expires'), '1800;refresher=uac');

        // Network lost and back: it rejoins by the session identity, with the same Contribution-ID.
        assert.equal((await hers.leave()).status, 200);
        assert.equal(await roster.subscription.untilTerminated(), 'noresource');
        const again = await (
          await dial(hers.uri, [
            ['Contribution-ID', CONTRIBUTION],
            ['Accept-Contact', '*;+g.oma.sip-im'],
            ['Subject', 'Week-end'],
          ])
        ).room();
        assert.equal(again.uri, hers.uri);
        await assertTalking(again, bens, cyds, dans);

        // All leave; what it finds then must be 404, because it starts anew on that and gives up on 403.
        const last = cyds.ended;
        for (const room of [again, bens, dans]) await room.leave();
        await last;
        const gone = await dial(hers.uri, [['Contribution-ID', CONTRIBUTION]]);
        const response = await gone.call.final();
        assert.equal(response.status, 404);
        await gone.msrp.close();
        await assertNoProgress(ada);
      },
      CLIENT,
    ));
});

describe('OMA IM: a conversation of two becomes a group', () => {
  const OLD = 'f81d4fae-7dec@10.0.0.7;to-tag=8b1.x;from-tag=a73k';
  const escaped = encodeURIComponent(OLD);

  test('R-7.2.1.2-8 RFC3891-3 the entry of the old peer names its dialog: its invitation has Replaces, that of nobody else, also asked again after a 422', () =>
    scene(oma, ['Ada', 'Ben', 'Cyd'], async (ada, ben, cyd) => {
      const invite = [
        { uri: `${ben.uri}?Replaces=${escaped}`, copyControl: 'to' as const },
        { uri: cyd.uri, copyControl: 'to' as const },
      ];
      const dialling = await ada.dialAdHoc({ factory: FACTORY, invite });
      const [toBen, toCyd] = await Promise.all([ben.sip.nextInvite(), cyd.sip.nextInvite()]);
      assert.equal(toBen.request.header('Replaces'), OLD);
      assert.equal(toBen.request.requestUri.includes('?'), false);
      evidence('R-7.2.1.2-8', wireLine(toBen.request, 'To', 'Replaces'));
      assert.equal(toCyd.request.header('Replaces'), undefined);
      // The list that both are shown tells who is invited, not what they are to leave.
      assert.match(toCyd.request.body, new RegExp(`<entry uri="${ben.uri}"`));
      assert.doesNotMatch(toCyd.request.raw.toString('utf8'), /Replaces|f81d4fae/);
      await toBen.reject(422, undefined, [['Min-SE', '7200']]);
      const again = await ben.sip.nextInvite();
      assert.equal(again.request.header('Replaces'), OLD);
      const [hers, his, cyds] = await Promise.all([dialling.room(), ben.answer(again), cyd.answer(toCyd)]);
      await assertTalking(his, hers, cyds);
    }));

  for (const [what, value] of [
    ['without tags', 'abc%40x'],
    ['without its to-tag', 'abc%40x%3Bfrom-tag%3D1'],
    ['with a line of its own', 'abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2%0D%0AX-Own:%201'],
    ['with a second @', 'a%40b%40c%3Bto-tag%3D1%3Bfrom-tag%3D2'],
    ['of 600 characters', `${'a'.repeat(570)}%3Bto-tag%3D1%3Bfrom-tag%3D2`],
  ] as const) {
    test(`R-7.2.1.2-8 R-7.2.1.7-3 RFC3891-6.1 Replaces ${what}: 400 with a Warning, nobody is invited`, () =>
      scene(oma, ['Ada', 'Ben', 'Cyd'], async (ada, ben, cyd) => {
        const entry = `${cyd.uri}?Replaces=${value}`;
        const call = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri, entry] });
        assertRefused(await call.call.final(), 400, /Replaces/);
        await call.msrp.close();
        await assertNotInvited(ben, cyd);
        const [hers] = await gather(ada, ben);
        const refer = await hers.dialog.refer(`<${entry}>`);
        assertRefused(refer.response, 400, /Replaces/);
        await assertNotInvited(cyd);
      }));
  }
});

describe('Doubango: a pre-defined group and an ad-hoc one', () => {
  const CLIENT = {
    userAgent: 'IM-client/OMA1.0 doubango/v4.0.1390.0',
    allow: 'INVITE, ACK, CANCEL, BYE, MESSAGE, OPTIONS, NOTIFY, PRACK, UPDATE, REFER',
    supported: 'norefersub, 100rel, precondition',
    contactParams: '+g.oma.sip-im;language="en,fr"',
    acceptTypes: 'message/CPIM application/octet-stream',
  } as const;

  for (const setup of ['actpass', 'passive'] as const) {
    test(`RCS-doubango offers ${setup} with max-size: joins, subscribes, adds outside the dialog, answers actively, leaves`, () =>
      scene(
        oma,
        ['Ada', 'Ben', 'Cyd'],
        async (ada, ben, cyd) => {
          const headers: HeaderOverrides = [
            ['P-Preferred-Identity', `<${ada.uri}>`],
            ['Accept-Contact', '*;+g.oma.sip-im'],
            ['Privacy', 'none'],
          ];
          const extra = { attributes: ['max-size:4096000', 'connection:new'], setup, headers };
          const [hers] = await Promise.all([
            ada.startAdHoc({ factory: FACTORY, invite: [ben.uri], ...extra }),
            ben.answerNext({ setup: 'active' }),
          ]);
          assert.equal(hers.peer.setup, setup === 'passive' ? 'active' : 'passive');
          const [bens] = ben.rooms;
          assert.ok(bens);
          const referral = await Promise.all([
            ada.sip.refer({ to: hers.uri, referTo: `<${cyd.uri}>`, headers }),
            cyd.answerNext({ setup: 'active' }),
          ]);
          assertAccepted(referral[0].response, { isOutside: true });
          assert.equal((await progressOf(referral[0])).at(-1), 'SIP/2.0 200 OK');
          await assertTalking(hers, bens, referral[1]);

          const joined = await ada.join(GROUP, extra);
          const roster = await joined.watch();
          await roster.until((users) => users.length === 1);
          assert.equal((await joined.leave()).status, 200);
          assert.equal((await hers.leave()).status, 200);
        },
        CLIENT,
      ));
  }

  test('RCS-doubango looks for "isfocus already assigned" within the text of the Warning', () =>
    scene(oma, ['Ada'], async (ada) => {
      const response = await ada.sip
        .invite({
          to: FOCUS_GROUP,
          headers: [['Contact', `<${ada.sip.contactUri}>;isfocus`]],
          body: sdpBody('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'),
        })
        .final();
      assert.equal(response.status, 403);
      assert.ok(warningOf(response).text.includes('isfocus already assigned'));
    }));
});

describe('Google: spells maxsize, gives a fingerprint, and is told the session by its group', () => {
  test('RCS-google an offer with maxsize and fingerprint is taken, and large messages keep to it', () =>
    scene(
      oma,
      ['Ada', 'Ben'],
      async (ada, ben) => {
        const attributes = [
          'maxsize:1024',
          'fingerprint:SHA-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33',
        ];
        const [hers, his] = await Promise.all([ada.join(GROUP, { attributes }), ben.join(GROUP, {})] as [
          Promise<Room>,
          Promise<Room>,
        ]);
        await assertTalking(his, hers);
        assert.ok(hers.isFocus);
        for (const room of [hers, his]) assert.equal((await room.leave()).status, 200);
      },
      { userAgent: 'IM-client/OMA1.0 Google/Pixel_2-9 Google/c24v0v014-27.0' },
    ));
});
