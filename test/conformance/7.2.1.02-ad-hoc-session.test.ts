/** 7.2.1.2 Ad-hoc IM group set-up: the invitations, and what an invited user's 200 does. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import { sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, gather, isInvite, plainSdp, resourceListsPart } from './support/ad-hoc.ts';
import { evidence, msrpLine, rosterLine, wireLine } from './support/evidence.ts';
import { sessionOf, stepOf } from './support/expect.ts';
import { scene } from './support/scene.ts';

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { notify: { minIntervalMs: 0 } } });
});
after(() => stack.stop());

describe('7.2.1.2 the session comes up', () => {
  test('R-7.2.1.2-0 R-7.2.1.2-ok-3 R-7.2.1.2-ok-4 a list of one: 200 to the inviter, and messages both ways', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      evidence('R-7.2.1.2-0 R-7.2.1.2-ok-3', wireLine(hers.setUpBy, 'CSeq', 'Contact'));
      assert.equal(await hers.say('one to one'), 200);
      const heard = await his?.hear();
      assert.deepEqual([heard?.text, heard?.from, heard?.name], ['one to one', ada.uri, 'Ada']);
      assert.equal(await his?.say('and back'), 200);
      assert.equal((await hers.hear()).from, ben.uri);
      assert.equal(
        (await stepOf(stack, { session: sessionOf(hers.setUpBy) }, 'R-7.2.1.2-ok-4')).verdict,
        'done',
      );
    }));

  test('R-7.2.1.2-3 the methods of Allow are remembered, and none other is sent', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const allow = 'INVITE, ACK, BYE, CANCEL';
      const call = dialFactory(ada, { invite: [ben.uri], headers: [['Allow', allow]] });
      const his = await ben.answerNext();
      const dialog = await call.answered();
      assert.equal((await stepOf(stack, { callId: dialog.callId }, 'R-7.2.1.2-3')).found, allow);
      await his.leave();
      await dialog.nextRequest('BYE');
      const sent = ada.sip.received(({ isRequest }) => isRequest).map(({ method }) => method);
      for (const method of sent) assert.ok(allow.includes(method), `${method} is in Allow`);
    }));

  const names: readonly (readonly [what: string, pai: string, from: string, shown: string])[] = [
    ['P-Asserted-Identity before From', '"Ada Asserted" ', '"Ada From" ', 'Ada Asserted'],
    ['From where the asserted identity has none', '', '"Ada From" ', 'Ada From'],
    ['none at all', '', '', ''],
    ['as UTF-8, quotes and all', '"Åda \\"the\\" <b>" ', '', 'Åda "the" <b>'],
  ];
  for (const [what, pai, from, shown] of names) {
    test(`R-7.2.1.2-4 display name by priority: ${what}`, () =>
      scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
        const dialling = ada.dialAdHoc({
          acceptTypes: 'text/plain',
          factory: FACTORY,
          invite: [ben.uri, cleo.uri],
          headers: [
            ['P-Asserted-Identity', `${pai}<${ada.uri}>`],
            ['From', `${from}<${ada.uri}>;tag=display-name`],
          ],
        });
        const invite = await ben.sip.nextInvite();
        for (const field of ['P-Asserted-Identity', 'From']) {
          const { displayName } = parseNameAddr(invite.request.header(field) ?? '');
          assert.equal(displayName, shown, `${field} of the invitation`);
        }
        const [his] = await Promise.all([
          ben.answer(invite, { acceptTypes: 'message/cpim' }),
          cleo.answerNext(),
        ]);
        const hers = await (await dialling).room();
        const roster = await his.watch();
        await roster.next();
        const user = roster.users.find(({ entity }) => entity === ada.uri);
        assert.equal(user?.displayText, shown, 'conference-info');
        evidence('R-7.2.1.2-4', rosterLine(roster.subscription.notifies.at(-1), ada.uri));
        assert.equal(await hers.say('who am I'), 200);
        assert.equal(
          (await his.hear()).name,
          shown,
          'CPIM From, which the switch writes for a text/plain client',
        );
      }));
  }

  test('R-7.2.1.2-5 the identity is allocated before the invitations, and is the same for all (A-2)', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      const contact = toBen.request.header('Contact');
      assert.match(contact ?? '', /^<sip:im-s-[^>]+>;isfocus;\+g\.oma\.sip-im$/);
      assert.equal(toCleo.request.header('Contact'), contact);
      evidence('R-7.2.1.2-5', wireLine(toCleo.request, 'Contact'));
      toBen.ring();
      assert.equal((await call.provisional(180)).header('Contact'), contact);
      await Promise.all([ben.answer(toBen), cleo.answer(toCleo)]);
      assert.equal((await call.final()).header('Contact'), contact);
    }));

  test('R-7.2.1.2-8 each listed user gets one INVITE with all that 7.2.2.2 asks for', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const passed: [string, string][] = [
        ['Subject', 'Lunch? "12:30"'],
        ['Contribution-ID', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
        ['Conversation-ID', '1f2e3d4c'],
        ['Session-Replaces', 'ab12'],
        ['InReplyTo-Contribution-ID', 'cd34'],
      ];
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri], headers: passed });
      for (const person of [ben, cleo]) {
        const invite = await person.sip.nextInvite();
        const { request } = invite;
        assert.equal(parseNameAddr(request.header('To') ?? '').uri, person.uri);
        assert.deepEqual(request.values('P-Asserted-Identity'), [`"Ada" <${ada.uri}>`]);
        assert.equal(request.header('Referred-By'), `<${ada.uri}>`);
        assert.equal(request.header('Accept-Contact'), '*;+g.oma.sip-im');
        assert.match(request.header('Session-Expires') ?? '', /^\d+;refresher=uas$/);
        assert.match(request.header('Min-SE') ?? '', /^\d+$/);
        assert.ok(request.values('Supported').includes('timer'));
        for (const [name, value] of passed) assert.equal(request.header(name), value, name);
        evidence('R-7.2.1.2-8', wireLine(request, 'Referred-By', 'Accept-Contact', 'Subject'));
        const offer = sdpOf(request);
        assert.deepEqual(offer?.media.length, 1);
        assert.equal(offer?.setup, 'actpass');
        assert.ok(offer?.acceptTypes.includes('message/cpim'));
        assert.ok(offer?.path[0]?.startsWith(`msrp://${stack.ready.switches[0]}/`), 'the switch, not Ada');
        await person.answer(invite);
      }
      assert.equal((await call.final()).status, 200);
      for (const person of [ben, cleo]) {
        await person.sip.sync();
        assert.equal(person.sip.received(isInvite).length, 1);
      }
    }));

  test('R-7.2.1.2-8 SDP and list in whichever order, nested lists, other parts between them, no disposition', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const sdp = sdpBody(plainSdp());
      const nested = `<?xml version="1.0"?><rl:resource-lists xmlns:rl="urn:ietf:params:xml:ns:resource-lists"><rl:list><rl:list><rl:entry uri="${ben.uri}"/></rl:list><rl:entry uri="${cleo.uri}"><rl:display-name>Cleo</rl:display-name></rl:entry></rl:list></rl:resource-lists>`;
      const bodies = [
        multipart([resourceLists([ben.uri, cleo.uri]), sdp]),
        multipart([sdp, { contentType: 'text/plain', content: 'hello' }, resourceListsPart(nested)]),
        multipart([sdp, resourceLists([ben.uri, cleo.uri], '')], { boundary: 'boundary1' }),
        multipart([sdp, resourceLists([ben.uri, cleo.uri])], { subtype: 'related' }),
      ];
      for (const body of bodies) {
        const call = dialFactory(ada, { body });
        await Promise.all([ben.answerNext(), cleo.answerNext()]);
        assert.equal((await call.final()).status, 200);
      }
    }));

  test('R-7.2.1.2-ok-1 no 200 before an invitee answers; the first 200 of two makes one 200, the second none', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      toBen.ring();
      toCleo.ring();
      await call.provisional(180);
      await ada.sip.sync({ to: FACTORY });
      assert.deepEqual(call.statuses, [180], 'ringing is told once, nothing more');
      const his = await ben.answer(toBen);
      assert.equal((await call.final()).status, 200);
      const roster = await his.watch();
      await roster.until(() => roster.connected.length === 2);
      const late = await cleo.answer(toCleo);
      // who comes later is acknowledged, attached, counted and notified all the same.
      await roster.until(() => roster.connected.includes(cleo.uri));
      assert.equal(await late.say('late'), 200);
      assert.equal((await his.hear()).text, 'late');
      await ada.sip.sync();
      assert.deepEqual(call.statuses, [180, 200]);
      evidence('R-7.2.1.2-ok-1', wireLine(await call.final(), 'CSeq', 'P-Asserted-Identity'));
    }));

  test('R-7.2.1.2-ok-2 R-7.2.1.2-ok-2a R-7.2.1.2-ok-2b the answer: types of both, path of the switch, all that goes with it', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const sdp = plainSdp({
        acceptTypes: 'text/plain message/cpim image/png application/im-iscomposing+xml',
        setup: 'actpass',
      });
      const call = dialFactory(ada, { invite: [ben.uri], sdp });
      await ben.answerNext({ acceptTypes: 'message/cpim application/im-iscomposing+xml text/html' });
      const response = await call.final();
      assert.equal(response.header('Content-Type'), 'application/sdp');
      const answer = sdpOf(response);
      assert.deepEqual(
        new Set(answer?.acceptTypes),
        new Set(['message/cpim', 'application/im-iscomposing+xml']),
      );
      assert.equal(answer?.media.length, 1);
      assert.ok(answer?.path[0]?.startsWith(`msrp://${stack.ready.switches[0]}/`));
      assert.equal(answer?.setup, 'passive', 'the switch stays passive where the offer lets it');
      assert.deepEqual(answer?.acceptWrappedTypes, ['*']);
      evidence('R-7.2.1.2-ok-2', wireLine(response, 'Content-Type', /^m=message.*$/m));
      evidence('R-7.2.1.2-ok-2a', wireLine(response, /^a=accept-types:.*$/m));
      evidence(
        'R-7.2.1.2-ok-2b',
        wireLine(response, /^a=path:.*$/m, /^a=setup:.*$/m, /^a=accept-wrapped-types:.*$/m),
      );
      const { found } = await stepOf(stack, { session: sessionOf(response) }, 'R-7.2.1.2-ok-2a');
      assert.match(found, /message\/cpim/);
    }));

  test('R-7.2.1.2-ok-2b a=setup: passive offers are connected to, active ones awaited, none means the offerer', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      for (const [offered, answered] of [
        ['active', 'passive'],
        ['passive', 'active'],
        ['actpass', 'passive'],
      ] as const) {
        const [hers, his] = await Promise.all([
          ada.startAdHoc({ factory: FACTORY, invite: [ben.uri], setup: offered }),
          ben.answerNext({ setup: answered }),
        ]);
        assert.equal(hers.peer.setup, answered);
        // Over 2048 bytes, in chunks, in both directions.
        const long = `${offered} `.repeat(2_000);
        assert.equal(await hers.say(long, { chunkBytes: 1_000 }), 200);
        assert.equal((await his.hear()).text, long);
        assert.equal(await his.say(long, { chunkBytes: 4_096 }), 200);
        assert.equal((await hers.hear()).text, long);
        await hers.leave();
      }
      const bare = dialFactory(ada, { invite: [ben.uri], sdp: plainSdp().replace(/^a=setup:.*\r\n/m, '') });
      await ben.answerNext();
      assert.notEqual(sdpOf(await bare.final())?.setup, 'active', 'without a=setup the offerer connects');
    }));

  test('R-7.2.1.2-ok-4 clients of different types understand each other: text/plain and message/cpim', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite: [ben.uri, cleo.uri], acceptTypes: 'text/plain' }),
        ben.answerNext({ acceptTypes: 'message/cpim' }),
        cleo.answerNext({ acceptTypes: 'text/plain message/cpim' }),
      ]);
      assert.equal(await hers.say('plain'), 200);
      const toBen = await his.hear();
      assert.deepEqual(
        [toBen.message.contentType, toBen.text, toBen.from],
        ['message/cpim', 'plain', ada.uri],
      );
      evidence('R-7.2.1.2-ok-4', msrpLine(toBen.message.frame, 'Content-Type', /^From:.*$/m, /plain\s*$/));
      assert.equal((await cleos.hear()).text, 'plain');
      assert.equal(await his.say('wrapped'), 200);
      const toAda = await hers.hear();
      assert.deepEqual([toAda.message.contentType.split(';')[0], toAda.text], ['text/plain', 'wrapped']);
      assert.equal((await cleos.hear()).text, 'wrapped');
    }));

  test('R-7.2.1.2-ok-4 A-14 who answers late is in from then on: what was said while it rang is not for it', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const dialling = ada.dialAdHoc({
        factory: FACTORY,
        invite: [ben.uri, cleo.uri],
        acceptTypes: 'text/plain',
      });
      const [his, toCleo] = await Promise.all([ben.answerNext(), cleo.sip.nextInvite()]);
      const hers = await (await dialling).room();
      assert.equal(await hers.say('before you came'), 200);
      await his.hear();
      const late = await cleo.answer(toCleo, { acceptTypes: 'message/cpim' });
      assert.equal(await hers.say('now that you are here'), 200);
      const heard = await late.hear();
      assert.deepEqual(
        [heard.message.contentType, heard.text, heard.from],
        ['message/cpim', 'now that you are here', ada.uri],
      );
    }));

  test('R-7.2.1.2-4 A-25 with Privacy: id an alias stands for the inviter on every wire', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await Promise.all([
        ada.startAdHoc({ factory: FACTORY, invite: [ben.uri, cleo.uri], headers: [['Privacy', 'id']] }),
        ben.answerNext(),
        cleo.answerNext(),
      ]);
      const roster = await his.watch();
      await roster.next();
      const alias = roster.users.find(({ entity }) => entity.includes('anonymous.invalid'));
      assert.ok(alias, 'conference-info has the alias');
      assert.equal(parseNameAddr(his.setUpBy.header('P-Asserted-Identity') ?? '').uri, alias.entity);
      assert.equal(await hers.say('guess who'), 200);
      assert.equal((await his.hear()).from, alias.entity, 'CPIM From is rewritten');
      assert.equal(await his.say('psst', { to: alias.entity }), 200);
      assert.equal((await hers.hear()).text, 'psst', 'a private message to the alias arrives');
      const wire = [
        ...ben.sip.trace.filter(({ direction }) => direction === 'received'),
        ...his.msrp.trace.filter(({ direction }) => direction === 'received'),
      ];
      for (const { bytes } of wire) assert.ok(!bytes.includes(ada.uri), bytes.toString());
      for (const { bytes } of wire) assert.doesNotMatch(bytes.toString(), /\bAda\b/);
    }));

  test('R-7.2.1.2-ok-1 an answer without usable MSRP is no success: ACK, BYE, and the next one counts', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, { invite: [ben.uri, cleo.uri] });
      const [toBen, toCleo] = await Promise.all([ben.sip.nextInvite(), cleo.sip.nextInvite()]);
      const dialog = await toBen.accept({
        body: sdpBody(plainSdp().replace(/^m=message \d+/m, 'm=message 0')),
      });
      await dialog.nextRequest('BYE');
      await ada.sip.sync({ to: FACTORY });
      assert.deepEqual(call.responses, []);
      await cleo.answer(toCleo);
      assert.equal((await call.final()).status, 200);
    }));

  test('R-7.2.1.2-ims a tel URI of the core is an identity like another', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, {
        invite: [ben.uri],
        headers: [['P-Asserted-Identity', `<tel:+46700000003>, "Ada" <${ada.uri}>`]],
      });
      const invite = await ben.sip.nextInvite();
      assert.equal(invite.request.header('Referred-By'), `<${ada.uri}>`, 'the sip URI is the primary one');
      await ben.answer(invite);
      assert.equal((await call.final()).status, 200);
    }));
});
