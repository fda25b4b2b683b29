/** 7.2.1.8 REFER with method=BYE, in both readings of A-39: the sender leaves, or a participant is removed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { resourceLists } from '../../src/agents/documents.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { DOMAIN, FACTORY } from '../support/stack.ts';
import { plainSdp } from './support/ad-hoc.ts';
import { evidence, rosterLine, wireLine } from './support/evidence.ts';
import { assertRefused, stepOf } from './support/expect.ts';
import { ruleFor, Stage } from './support/groups-stage.ts';
import {
  arrivals,
  assertAccepted,
  assertNoProgress,
  isProgress,
  progressOf,
} from './support/refer-progress.ts';
import { together } from './support/refer-rooms.ts';
import { assertNotInvited, scene } from './support/scene.ts';

const MEMBERS = { 'allow-initiate-conference': true, 'join-handling': true, 'allow-conference-state': true };

const stage = new Stage();
const ruled = stage.cast('ruled', {
  members: ['ada', 'ben', 'cleo'],
  inviteMembers: false,
  actions: { ...MEMBERS, 'allow-anonymity': true },
  rules: ruleFor([`sip:ada.ruled@${DOMAIN}`], { 'allow-expelling': true }),
});

before(() => stage.open({ notify: { minIntervalMs: 0 } }));
after(() => stage.close());

const isBye = ({ isRequest, method }: SipMessage): boolean => isRequest && method === 'BYE';
const is2xxToRefer = ({ isRequest, method, status }: SipMessage): boolean =>
  !isRequest && method === 'REFER' && status >= 200 && status < 300;
const KINDS = { '2xx': is2xxToRefer, NOTIFY: isProgress, BYE: isBye };

describe('7.2.1.8 Refer-To is the session identity: the sender leaves', () => {
  test('R-7.2.1.8-2 R-7.2.1.8-2a R-7.2.1.8-2a-i R-7.2.1.8-2a-iv R-7.2.1.8-2a-v A-41 in the dialog: 2xx, the result, then the BYE', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      // Ben has called: what he gets does not pass through several workers of Kamailio, where the BYE may overtake the result.
      const [his, hers, cleos] = await together(ben, ada, cleo);
      const roster = await hers.watch();
      const refer = await his.dialog.refer(`<${hers.uri};method=BYE>`);
      assertAccepted(refer.response, { isOutside: false }, 'R-7.2.1.8-2 R-7.2.1.8-2a R-7.2.1.8-2a-i');
      assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
      const bye = await his.dialog.nextRequest('BYE');
      assert.equal(bye.status, 200);
      assert.deepEqual(arrivals(ben, KINDS), ['2xx', 'NOTIFY', 'NOTIFY', 'BYE']);
      evidence(
        'R-7.2.1.8-2a-iv',
        `${wireLine(refer.response, 'CSeq')} · then ${wireLine(bye.request, 'CSeq')}`,
      );
      const numbers = [...refer.notifies.map(({ cseq }) => cseq), bye.request.cseq];
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
      await his.msrp.closed;
      await roster.until((users) =>
        users.some(
          ({ entity, status, disconnectionMethod }) =>
            entity === ben.uri && status === 'disconnected' && disconnectionMethod === 'departed',
        ),
      );
      evidence('R-7.2.1.8-2a-v', rosterLine(roster.subscription.notifies.at(-1), ben.uri));
      assert.equal(await cleos.say('without Ben'), 200);
      assert.equal((await hers.hear()).text, 'without Ben');
      const step = await stepOf(
        stage.stack,
        { callId: his.dialog.callId, clause: '7.2.1.8' },
        'R-7.2.1.8-2a',
      );
      assert.match(step.found, /^-2a: the session identity/);
    }));

  test('R-7.2.1.8-2a-ii R-7.2.1.8-2a-ix R-7.2.1.8-3 R-7.2.1.8-note outside a dialog: Supported: norefersub; 2xx, BYE, and the result after the 200 to it', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await together(ada, ben, cleo);
      his.dialog.onRequest = () => 'withhold';
      const refer = await ben.sip.refer({ to: hers.uri, referTo: `<${hers.uri}>;method=BYE` });
      assertAccepted(refer.response, { isOutside: true }, 'R-7.2.1.8-2a-ii');
      assert.equal((await refer.nextNotify()).body.split('\r\n')[0], 'SIP/2.0 100 Trying');
      const bye = await his.dialog.nextRequest('BYE');
      await ben.sip.sync({ to: FACTORY });
      assert.equal(refer.notifies.length, 1, 'the BYE is not answered yet');
      bye.reply(200);
      assert.deepEqual(await progressOf(refer, 'R-7.2.1.8-2a-ix R-7.2.1.8-3 R-7.2.1.8-note'), [
        'SIP/2.0 100 Trying',
        'SIP/2.0 200 OK',
      ]);
      assert.equal(arrivals(ben, KINDS)[0], '2xx');
      await his.msrp.closed;
    }));

  test('R-7.2.1.8-2a-iii R-7.2.1.8-3 A-40 Refer-Sub: false is echoed, and no refer NOTIFY comes', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await together(ada, ben, cleo);
      const headers = [['Refer-Sub', 'false']] as const;
      const inside = await his.dialog.refer(`<${hers.uri};method=BYE>`, { headers });
      await his.dialog.nextRequest('BYE');
      const outside = await hers.dialog.refer(`<${cleo.uri};method=BYE>`, { headers });
      for (const { response } of [inside, outside]) {
        assertAccepted(response, { isOutside: false }, 'R-7.2.1.8-2a-iii');
        assert.equal(response.header('Refer-Sub'), 'false');
      }
      await hers.dialog.nextRequest('BYE');
      await assertNoProgress(ada, ben);
    }));

  test('R-7.2.1.8-2a-vi R-7.2.1.8-2a-vii two-party: the last one is removed too, and every subscription ends', () =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await together(ada, ben);
      const [adas, bens] = await Promise.all([hers.watch(), his.watch()]);
      // Both policies are asked with the removal: neither waits for his client to answer its BYE.
      his.dialog.onRequest = () => 'withhold';
      await ben.sip.refer({
        to: hers.uri,
        referTo: `<${hers.uri};method=BYE>`,
        headers: [['Refer-Sub', 'false']],
      });
      const [toBen, toAda] = await Promise.all([
        his.dialog.nextRequest('BYE'),
        hers.dialog.nextRequest('BYE'),
      ]);
      evidence('R-7.2.1.8-2a-vi', wireLine(toAda.request, 'CSeq', 'Reason'));
      assert.equal(await bens.subscription.untilTerminated(), 'noresource');
      toBen.reply(200);
      assert.equal(await his.ended, 'remote');
      for (const roster of [adas, bens]) {
        assert.equal(await roster.subscription.untilTerminated(), 'noresource');
        const [last] = roster.subscription.notifies.slice(-1);
        assert.ok(last);
        evidence('R-7.2.1.8-2a-vii', wireLine(last, 'Event', 'Subscription-State'));
      }
      await Promise.all([hers.msrp.closed, his.msrp.closed]);
      const back = await ada.sip.invite({ to: hers.uri, body: sdpBody(plainSdp()) }).final();
      assertRefused(back, 403, /does not exist/);
    }));

  test('A-39 who left by REFER was not removed by anybody: the way back is open', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [his, hers] = await together(ben, ada, cleo);
      await his.dialog.refer(`<${hers.uri};method=BYE>`);
      await his.msrp.closed;
      const back = await ben.join(hers.uri);
      assert.equal(await back.say('again'), 200);
      assert.equal((await hers.hear()).text, 'again');
    }));
});

describe('7.2.1.8 Refer-To is a participant: that one is removed', () => {
  test('R-7.2.1.8-1 R-7.2.1.8-2a-v R-7.2.1.8-2a-vii R-7.2.1.8-3 who set an ad hoc session up removes another: BYE, booted, told, and no way back', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await together(ada, ben, cleo);
      const [watching, own] = await Promise.all([cleos.watch(), his.watch()]);
      his.dialog.onRequest = () => 'withhold';
      const refer = await hers.dialog.refer(`<${ben.uri};method=BYE>`);
      assertAccepted(refer.response, { isOutside: false });
      const bye = await his.dialog.nextRequest('BYE');
      await ada.sip.sync({ to: FACTORY });
      assert.deepEqual(arrivals(ada, KINDS), ['2xx', 'NOTIFY']);
      bye.reply(200);
      assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
      await his.msrp.closed;
      assert.equal(await own.subscription.untilTerminated(), 'noresource');
      await watching.until((users) =>
        users.some(
          ({ entity, status, disconnectionMethod }) =>
            entity === ben.uri && status === 'disconnected' && disconnectionMethod === 'booted',
        ),
      );
      const back = await ben.sip.invite({ to: hers.uri, body: sdpBody(plainSdp()) }).final();
      assertRefused(back, 403, /was removed/);
      const watch = await ben.sip.subscribe({ to: hers.uri, event: 'conference' });
      assertRefused(watch.response, 403, /take part/);
      // Only an invitation by a participant brings him back.
      const [, again] = await Promise.all([
        hers.dialog.refer(`<${ben.uri}>`),
        ben.answerNext({ ring: false }),
      ]);
      assert.equal(await again.say('thank you'), 200);
      assert.equal((await cleos.hear())?.text, 'thank you');
    }));

  test('R-7.2.1.8-3 A-42 the result is what the BYE got, and the participant is gone whatever that was', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await together(ada, ben, cleo);
      his.dialog.onRequest = () => ({ status: 481 });
      const refer = await ada.sip.refer({ to: hers.uri, referTo: `${ben.uri};method=BYE` });
      assertAccepted(refer.response, { isOutside: true });
      const [first, last, ...more] = await progressOf(refer);
      assert.deepEqual([first, more], ['SIP/2.0 100 Trying', []]);
      assert.match(last ?? '', /^SIP\/2\.0 481 /);
      await his.msrp.closed;
    }));

  test('R-7.2.1.8-2a-v who still rings is removed by CANCEL, and the referrer is told', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await together(ada, ben);
      const [, invite] = await Promise.all([
        hers.dialog.refer(`<${dan.uri}>`, { headers: [['Refer-Sub', 'false']] }),
        dan.sip.nextInvite(),
      ]);
      invite.ring();
      const refer = await ada.sip.refer({ to: hers.uri, referTo: `<${dan.uri};method=BYE>` });
      assertAccepted(refer.response, { isOutside: true });
      await invite.nextCancel();
      assert.match((await progressOf(refer)).at(-1) ?? '', /^SIP\/2\.0 (200|487) /);
    }));

  test('R-7.2.1.8-1 R-7.2.1.8-1-warn A-39 in an ad hoc session nobody else may remove others: 403', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await together(ada, ben, cleo);
      assertRefused(
        (await his.dialog.refer(`<${cleo.uri};method=BYE>`)).response,
        403,
        /not allowed to remove/,
        'R-7.2.1.8-1 R-7.2.1.8-1-warn',
      );
      assertRefused(
        (await his.dialog.refer(`<${ada.uri};method=BYE>`)).response,
        403,
        /not allowed to remove/,
      );
      assert.equal(await cleos.say('I stay'), 200);
      assert.equal((await hers.hear()).text, 'I stay');
      // Oneself one may always name.
      const refer = await ben.sip.refer({ to: his.uri, referTo: `<${ben.uri};method=BYE>` });
      assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
      assert.equal(await his.ended, 'remote');
    }));

  test('R-7.2.1.8-1 a group: allow-expelling decides; who hides behind an alias is removed by the alias', async () => {
    const [ada, ben, cleo] = await ruled.come('ada', 'ben', 'cleo');
    const hers = await ada.join(ruled.group);
    const his = await ben.join(ruled.group, { headers: [['Privacy', 'id']] });
    const cleos = await cleo.join(ruled.group);
    const none = await cleos.dialog.refer(`<${ada.uri};method=BYE>`);
    assertRefused(none.response, 403, /not allowed to remove/);
    const roster = await hers.watch();
    const [alias] = await roster
      .until((users) => users.length === 3)
      .then((users) => users.filter(({ entity }) => entity.includes('anonymous.invalid')));
    assert.ok(alias);
    const refer = await ada.sip.refer({ to: ruled.group, referTo: `<${alias.entity};method=BYE>` });
    assertAccepted(refer.response, { isOutside: true });
    assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
    assert.equal(await his.ended, 'remote');
    const back = await ben.sip.invite({ to: ruled.group, body: sdpBody(plainSdp()) }).final();
    assertRefused(back, 403, /was removed/);
    assert.equal(await cleos.say('on we go'), 200);
    assert.equal((await hers.hear()).text, 'on we go');
  });
});

describe('7.2.1.8 everything else is refused', () => {
  test('R-7.2.1.8-2b R-7.2.1.8-2b-i R-7.2.1.8-2b-i-warn no such session, or not in it: 403 with a Warning', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Xena'], async (ada, ben, cleo, xena) => {
      const [hers, his] = await together(ada, ben, cleo);
      const never = hers.uri.replace(/im-s-[^@]+/, 'im-s-neverwas0123456789');
      const leaves = (who: typeof ada, uri: string) =>
        who.sip.refer({ to: uri, referTo: `<${uri};method=BYE>` });
      assertRefused((await leaves(ada, never)).response, 403, /no session/);
      assertRefused(
        (await leaves(xena, hers.uri)).response,
        403,
        /does not take part/,
        'R-7.2.1.8-2b R-7.2.1.8-2b-i R-7.2.1.8-2b-i-warn',
      );
      const removes = await xena.sip.refer({ to: hers.uri, referTo: `<${ben.uri};method=BYE>` });
      assertRefused(removes.response, 403, /does not take part/);
      for (const target of [xena.uri, never]) {
        const refer = await hers.dialog.refer(`<${target};method=BYE>`);
        assertRefused(refer.response, 403, /to remove does not take part/);
      }
      assert.equal(await his.say('nobody was removed'), 200);
      assert.equal((await hers.hear()).text, 'nobody was removed');
    }));

  test('R-7.2.1.8-1 without an identity: 403', () =>
    scene(stage.stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await together(ada, ben);
      const refer = await ada.sip.refer({
        to: hers.uri,
        referTo: `<${ben.uri};method=BYE>`,
        headers: [['P-Asserted-Identity', null]],
      });
      assertRefused(refer.response, 403, /not authenticated/);
    }));

  test('R-7.2.1.8-2 a list of nobody, or one that asks for different methods: 400, nobody is removed or invited', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const [hers, his] = await together(ada, ben, cleo);
      const bad: readonly (readonly [referTo: string, uris: readonly string[], warning: RegExp])[] = [
        [`${LIST};method=BYE`, [], /names no users/],
        [`${LIST};method=BYE`, [ben.uri, `${cleo.uri};method=INVITE`], /different methods/],
        [LIST, [`${ben.uri};method=BYE`, dan.uri], /different methods/],
        [LIST, [`${dan.uri};method=INVITE`, `${ben.uri};method=BYE`], /different methods/],
      ];
      for (const [referTo, uris, warning] of bad)
        assertRefused((await hers.dialog.refer(referTo, listOf(uris))).response, 400, warning);
      const other = await hers.dialog.refer(LIST, listOf([`${ben.uri};method=MESSAGE`]));
      assertRefused(other.response, 501, /method MESSAGE/);
      await assertNotInvited(dan);
      assert.equal(await his.say('nobody was removed'), 200);
      assert.equal((await hers.hear()).text, 'nobody was removed');
    }));
});

/** A list as the only body, and the Refer-To that names it (RFC 5368). */
const LIST = '<cid:list@home>';
const listOf = (uris: readonly string[]) => ({
  headers: [
    ['Content-ID', '<list@home>'],
    ['Require', 'multiple-refer'],
  ] as const,
  body: resourceLists(uris),
});

describe('RFC 5368 section 9: Refer-To names a list, and each of it is removed', () => {
  for (const [where, referTo, method] of [
    ['in each entry', LIST, ';method=BYE'],
    ['in Refer-To', `${LIST};method=BYE`, ''],
  ] as const) {
    test(`R-7.2.1.8-2a-v A-34 A-35 method=BYE ${where}: BYE to each, one result each, and who is not there is told as refused`, () =>
      scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'], async (ada, ben, cleo, dan, eve) => {
        const [hers, his, cleos, dans] = await together(ada, ben, cleo, dan);
        const roster = await hers.watch();
        const list = [ben, cleo, eve, ben].map(({ uri }) => `${uri}${method}`);
        const refer = await hers.dialog.refer(referTo, listOf(list));
        assertAccepted(refer.response, { isOutside: false });
        const [trying, absent, ...results] = await progressOf(refer);
        assert.deepEqual([trying, absent], ['SIP/2.0 100 Trying', 'SIP/2.0 403 Forbidden']);
        assert.match(
          refer.notifies[1]?.body ?? '',
          /Warning: 399 \S+ "the user to remove does not take part/,
        );
        assert.deepEqual(results, ['SIP/2.0 200 OK', 'SIP/2.0 200 OK']);
        for (const [room, person] of [
          [his, ben],
          [cleos, cleo],
        ] as const) {
          assert.equal(await room.ended, 'remote');
          assert.equal(person.sip.received(isBye).length, 1);
          await roster.until((users) =>
            users.some((user) => user.entity === person.uri && user.disconnectionMethod === 'booted'),
          );
          const back = await person.sip.invite({ to: hers.uri, body: sdpBody(plainSdp()) }).final();
          assertRefused(back, 403, /was removed/);
        }
        assert.equal(await dans.say('two are left'), 200);
        assert.equal((await hers.hear()).text, 'two are left');
        await assertNotInvited(eve);
      }));
  }

  test('R-7.2.1.8-2a-v A-41 the sender is in the list too: it is told before its own BYE, and the others are removed as well', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const [hers, his, cleos, dans] = await together(ada, ben, cleo, dan);
      const refer = await hers.dialog.refer(
        LIST,
        listOf([`${hers.uri};method=BYE`, `${ben.uri};method=BYE`]),
      );
      assertAccepted(refer.response, { isOutside: false });
      for (const room of [hers, his]) assert.equal(await room.ended, 'remote');
      assert.deepEqual(arrivals(ada, KINDS), ['2xx', 'NOTIFY', 'NOTIFY', 'BYE']);
      assert.equal(await dans.say('the two of us'), 200);
      assert.equal((await cleos.hear()).text, 'the two of us');
    }));

  test('R-7.2.1.8-1 A-34 who may not remove others: 403; where the sender is in the list it leaves, and the others stay', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const [hers, his, cleos] = await together(ada, ben, cleo, dan);
      const others = listOf([cleo, dan].map(({ uri }) => `${uri};method=BYE`));
      assertRefused((await his.dialog.refer(LIST, others)).response, 403, /not allowed to remove/);
      const all = listOf([ben, cleo].map(({ uri }) => `${uri};method=BYE`));
      const refer = await ben.sip.refer({ to: his.uri, referTo: LIST, ...all });
      assertAccepted(refer.response, { isOutside: true });
      assert.deepEqual(await progressOf(refer), [
        'SIP/2.0 100 Trying',
        'SIP/2.0 403 Forbidden',
        'SIP/2.0 200 OK',
      ]);
      assert.equal(await his.ended, 'remote');
      assert.equal(await hers.say('still three'), 200);
      assert.equal((await cleos.hear()).text, 'still three');
    }));

  test('R-7.2.1.8-2b-i a list of whom nobody is there: 403', () =>
    scene(stage.stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers] = await together(ada, ben);
      const refer = await hers.dialog.refer(LIST, listOf([`${cleo.uri};method=BYE`]));
      assertRefused(refer.response, 403, /to remove does not take part/);
    }));
});
