/** 7.2.1.7 Adding participants: a REFER that invites one user, its answer, and what the referrer is told. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Room } from '../../src/agents/room.ts';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { gather, isInvite } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { stepOf } from './support/expect.ts';
import {
  arrivals,
  assertAccepted,
  assertNoProgress,
  isProgress,
  progressOf,
  ring,
} from './support/refer-progress.ts';
import { assertNotInvited, scene } from './support/scene.ts';

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { notify: { minIntervalMs: 0 } } });
});
after(() => stack.stop());

/** Says something that all the others hear. */
async function chats(speaker: Room | undefined, ...others: readonly (Room | undefined)[]): Promise<void> {
  assert.equal(await speaker?.say('do you hear me?'), 200);
  for (const other of others) assert.equal((await other?.hear())?.text, 'do you hear me?');
}

describe('7.2.1.7 adding one user', () => {
  test('R-7.2.1.7-0 R-7.2.1.7-3 R-7.2.1.7-3a R-7.2.1.7-5 R-7.2.1.7-9 R-7.2.1.7-10 in the INVITE dialog: 202, the INVITE, 100, 180, 200', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers, his] = await gather(ada, ben);
      const roster = await hers.watch();
      const [refer, invite] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.sip.nextInvite()]);
      await ring(invite, refer);
      const dans = await dan.answer(invite);
      assertAccepted(refer.response, { isOutside: false }, 'R-7.2.1.7-0 R-7.2.1.7-5');
      assert.equal(refer.response.header('Refer-Sub'), undefined);
      assert.deepEqual(await progressOf(refer, 'R-7.2.1.7-10'), [
        'SIP/2.0 100 Trying',
        'SIP/2.0 180 Ringing',
        'SIP/2.0 200 OK',
      ]);
      assert.equal(dans.uri, hers.uri, 'invited to the same session');
      evidence('R-7.2.1.7-3 R-7.2.1.7-3a R-7.2.1.7-9', wireLine(dans.setUpBy, 'To', 'Referred-By'));
      assert.equal(parseNameAddr(dans.setUpBy.header('Referred-By') ?? '').uri, ada.uri);
      assert.equal(dan.sip.received(isInvite).length, 1);
      await chats(dans, hers, his);
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === dan.uri && status === 'connected'),
      );
      assert.equal(roster.documents.at(-1)?.userCount, 3);
      const { found } = await stepOf(
        stack,
        { callId: hers.dialog.callId, clause: '7.2.1.7' },
        'R-7.2.1.7-3a',
      );
      assert.equal(found, dan.uri);
    }));

  test('R-7.2.1.7-8 R-7.2.1.7-note the 2xx comes before any NOTIFY, and the implicit subscription lives in that dialog', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const [refer, invite] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.sip.nextInvite()]);
      await ring(invite, refer);
      await dan.answer(invite);
      assertAccepted(refer.response, { isOutside: false }, 'R-7.2.1.7-8');
      await progressOf(refer, 'R-7.2.1.7-note');
      assert.deepEqual(
        arrivals(ada, {
          '2xx': ({ isRequest, method }) => !isRequest && method === 'REFER',
          NOTIFY: isProgress,
        }),
        ['2xx', 'NOTIFY', 'NOTIFY', 'NOTIFY'],
      );
      const numbers = refer.notifies.map(({ cseq }) => cseq);
      assert.deepEqual(numbers, [1, 2, 3], 'CSeq of the server counts on in the INVITE dialog');
      for (const notify of refer.notifies) assert.equal(notify.callId, hers.dialog.callId);
      // The dialog is as before.
      assert.equal((await hers.leave()).status, 200);
    }));

  test('R-7.2.1.7-6 outside a dialog: Supported: norefersub, and NOTIFYs in the dialog that the REFER made', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers, his] = await gather(ada, ben);
      const [refer, invite] = await Promise.all([
        ben.sip.refer({ to: hers.uri, referTo: `<${dan.uri}>` }),
        dan.sip.nextInvite(),
      ]);
      await ring(invite, refer);
      const dans = await dan.answer(invite);
      assertAccepted(refer.response, { isOutside: true }, 'R-7.2.1.7-6');
      assert.deepEqual(await progressOf(refer), [
        'SIP/2.0 100 Trying',
        'SIP/2.0 180 Ringing',
        'SIP/2.0 200 OK',
      ]);
      for (const notify of refer.notifies) {
        assert.equal(notify.callId, refer.callId);
        assert.equal(notify.fromTag, refer.response.toTag);
      }
      assert.equal(parseNameAddr(dans.setUpBy.header('Referred-By') ?? '').uri, ben.uri);
      await chats(dans, hers, his);
    }));

  test('R-7.2.1.7-10 Refer-Sub: true is as none at all', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const [refer] = await Promise.all([
        hers.dialog.refer(`<${dan.uri}>`, { headers: [['Refer-Sub', 'true']] }),
        dan.answerNext({ ring: false }),
      ]);
      assert.equal(refer.response.header('Refer-Sub'), undefined);
      assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
    }));

  test('R-7.2.1.7-7 R-7.2.1.7-10-neg Refer-Sub: false is echoed, and no refer NOTIFY comes, in a dialog and outside', () =>
    scene(stack, ['Ada', 'Ben', 'Dan', 'Eve'], async (ada, ben, dan, eve) => {
      const [hers] = await gather(ada, ben);
      const headers = [['Refer-Sub', 'false']] as const;
      const [inside, dans] = await Promise.all([
        hers.dialog.refer(`<${dan.uri}>`, { headers }),
        dan.answerNext(),
      ]);
      const [outside] = await Promise.all([
        ben.sip.refer({ to: hers.uri, referTo: `<${eve.uri}>`, headers }),
        eve.sip.nextInvite().then((invite) => invite.reject(603)),
      ]);
      assertAccepted(inside.response, { isOutside: false }, 'R-7.2.1.7-7 R-7.2.1.7-10-neg');
      assertAccepted(outside.response, { isOutside: true });
      for (const { response } of [inside, outside]) assert.equal(response.header('Refer-Sub'), 'false');
      await chats(dans, hers);
      await assertNoProgress(ada, ben);
    }));

  test('R-7.2.1.7-0 R-7.2.1.7-3 R-7.2.1.7-3a every way to write Refer-To: brackets or none, method in the URI, in the header, absent', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const forms = [
        `<${dan.uri}>`,
        dan.uri,
        `<${dan.uri};method=INVITE>`,
        `<${dan.uri}>;method=INVITE`,
        `${dan.uri};method=INVITE`,
        `"Dan D." <${dan.uri}>`,
      ];
      for (const [index, form] of forms.entries()) {
        const [refer, invite] = await Promise.all([hers.dialog.refer(form), dan.sip.nextInvite()]);
        assertAccepted(refer.response, { isOutside: false });
        assert.equal(parseNameAddr(invite.request.header('To') ?? '').uri, dan.uri, form);
        await invite.reject(603);
        assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 603 Decline'], form);
        assert.equal(dan.sip.received(isInvite).length, index + 1, form);
      }
    }));

  test('R-7.2.1.7-3a a tel: URI, bare as RCS clients write it, reaches the user registered with that number', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const number = '+46700000717';
      const tess = await stack.subscriber('tess', { uri: `sip:${number}@${DOMAIN}` });
      const [hers] = await gather(ada, ben);
      const [refer, hersToo] = await Promise.all([hers.dialog.refer(`tel:${number}`), tess.answerNext()]);
      assertAccepted(refer.response, { isOutside: false });
      assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
      assert.equal(parseNameAddr(hersToo.setUpBy.header('To') ?? '').uri, `tel:${number}`);
      // In the session she is who was invited, in whichever of the two forms her client writes it.
      for (const from of [`<tel:${number}>`, `<sip:${number}@${DOMAIN};user=phone>`]) {
        assert.equal(await hersToo.say('by number', { cpim: { from, to: hers.uri } }), 200, from);
        assert.equal((await hers.hear()).text, 'by number');
      }
      // The same user by the other form of the address is there already.
      const again = await hers.dialog.refer(`<sip:${number}@${DOMAIN};user=phone>`);
      assert.deepEqual(await progressOf(again), ['SIP/2.0 200 OK']);
    }));

  for (const [status, reason] of [
    [486, 'Busy Here'],
    [480, 'Temporarily Unavailable'],
    [603, 'Decline'],
  ] as const) {
    test(`R-7.2.1.7-10 the invitee's ${status} is told as it came, and to the watchers as failed or busy`, () =>
      scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
        const [hers, his] = await gather(ada, ben);
        const roster = await his?.watch();
        const [refer] = await Promise.all([
          hers.dialog.refer(`<${dan.uri}>`),
          dan.sip.nextInvite().then((invite) => invite.reject(status)),
        ]);
        assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', `SIP/2.0 ${status} ${reason}`]);
        await roster?.until((users) =>
          users.some(
            ({ entity, disconnectionMethod, disconnectionReason }) =>
              entity === dan.uri &&
              disconnectionMethod === (status === 486 ? 'busy' : 'failed') &&
              disconnectionReason.includes(`cause=${status}`),
          ),
        );
        await chats(his, hers);
      }));
  }

  test('R-7.2.1.7-fwd403 an invitee that is a focus itself: its 403 is told with the Warning line, the leg is dropped', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers] = await gather(ada, ben);
      const warning = [['Warning', '399 other.example "isfocus already assigned"']] as const;
      const [refer] = await Promise.all([
        hers.dialog.refer(`<${dan.uri}>`),
        dan.sip.nextInvite().then((invite) => invite.reject(403, 'Forbidden', warning)),
      ]);
      assert.deepEqual(await progressOf(refer), ['SIP/2.0 100 Trying', 'SIP/2.0 403 Forbidden']);
      const [told] = refer.notifies.slice(-1);
      assert.ok(told);
      evidence(
        'R-7.2.1.7-fwd403',
        wireLine(told, 'Event', 'Subscription-State', /^SIP\/2\.0 403.*\r\nWarning:.*$/m),
      );
      assert.match(told.body, /^SIP\/2\.0 403 Forbidden\r\nWarning: 399 \S+ "isfocus already assigned"\r\n/);
      const [silent] = await Promise.all([
        ben.sip.refer({ to: hers.uri, referTo: `<${dan.uri}>`, headers: [['Refer-Sub', 'false']] }),
        dan.sip.nextInvite().then((invite) => invite.reject(403, 'Forbidden', warning)),
      ]);
      assert.equal(silent.response.status, 202);
      await assertNoProgress(ben);
    }));

  test('A-34 who is in the session already counts as reached: 200 at once, no second INVITE', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await gather(ada, ben);
      const invited = ben.sip.received(isInvite).length;
      for (const target of [ben.uri, ada.uri]) {
        const refer = await hers.dialog.refer(`<${target}>`);
        assertAccepted(refer.response, { isOutside: false });
        assert.deepEqual(await progressOf(refer), ['SIP/2.0 200 OK']);
      }
      await ben.sip.sync({ to: FACTORY });
      assert.equal(ben.sip.received(isInvite).length, invited);
      await assertNotInvited(ada);
    }));

  test('R-7.2.1.7-9 who has left is invited again, into the same seat', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his] = await gather(ada, ben, cleo);
      await his?.leave();
      const [refer, back] = await Promise.all([hers.dialog.refer(`<${ben.uri}>`), ben.answerNext()]);
      assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 200 OK');
      await chats(back, hers);
      const roster = await hers.watch();
      await roster.next();
      assert.deepEqual(roster.connected.toSorted(), [ada.uri, ben.uri, cleo.uri].toSorted());
      assert.equal(roster.users.length, 3);
    }));

  test('R-7.2.1.7-10 the referrer leaves while the invitee rings: the invitation stands, nobody is told', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers, his] = await gather(ada, ben);
      const [refer, invite] = await Promise.all([hers.dialog.refer(`<${dan.uri}>`), dan.sip.nextInvite()]);
      invite.ring();
      await refer.nextNotify();
      await hers.leave();
      const dans = await dan.answer(invite);
      await chats(dans, his);
      await ada.sip.sync({ to: FACTORY });
      assert.equal(refer.state, 'active', 'its dialog was over before');
    }));

  test('R-7.2.1.7-10 the session ends while the invitee rings: CANCEL', () =>
    scene(stack, ['Ada', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers, his] = await gather(ada, ben);
      const [refer, invite] = await Promise.all([
        ada.sip.refer({ to: hers.uri, referTo: `<${dan.uri}>` }),
        dan.sip.nextInvite(),
      ]);
      invite.ring();
      await Promise.all([hers.leave(), his?.leave()]);
      await invite.nextCancel();
      assert.equal((await progressOf(refer)).at(-1), 'SIP/2.0 487 Request Terminated');
    }));
});

describe('7.2.1.7 privacy', () => {
  test('R-7.2.1.7-2 R-7.2.1.7-2-note Privacy: id hides the referrer from the invited user, not from the others', () =>
    scene(stack, ['Adelheid', 'Ben', 'Dan'], async (ada, ben, dan) => {
      const [hers, his] = await gather(ada, ben);
      const roster = await his?.watch();
      const [refer, invite] = await Promise.all([
        hers.dialog.refer(`<${dan.uri}>`, { headers: [['Privacy', 'id']] }),
        dan.sip.nextInvite(),
      ]);
      assertAccepted(refer.response, { isOutside: false });
      const { request } = invite;
      assert.doesNotMatch(request.raw.toString('utf8'), /adelheid/i);
      for (const name of ['P-Asserted-Identity', 'Referred-By'])
        assert.match(request.header(name) ?? '', /<sip:anonymous[^@>]*@anonymous\.invalid>/);
      evidence('R-7.2.1.7-2 R-7.2.1.7-2-note', wireLine(request, 'P-Asserted-Identity', 'Referred-By'));
      await invite.reject(603);
      await roster?.until((users) => users.some(({ entity }) => entity === dan.uri));
      assert.ok(roster?.users.some(({ entity }) => entity === ada.uri));
      await progressOf(refer);
    }));
});
