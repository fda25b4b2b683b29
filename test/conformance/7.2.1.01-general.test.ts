/** 7.2.1.1 General: the 200 to an initial INVITE, wherever another clause asks for it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseNameAddr } from '../../src/agents/sip/header-values.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import type { UacInvite } from '../../src/agents/sip/uac-invite.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, gather } from './support/ad-hoc.ts';
import { evidence, rosterLine, wireLine } from './support/evidence.ts';
import { assertNotifies, assertRefused, methodsOf, sessionOf, stepOf } from './support/expect.ts';
import { freshUri, scene } from './support/scene.ts';

const GROUP = `sip:im-g-general@${DOMAIN}`;
const GINA = `sip:gina@${DOMAIN}`;
const GUS = `sip:gus@${DOMAIN}`;
const MIN_SE_S = 3;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    // Session timers of seconds, so that a test can await their end.
    config: { session: { minSeS: MIN_SE_S, expiresS: 1200 }, notify: { minIntervalMs: 0 } },
    groups: [groupDocument({ uri: GROUP, members: [GINA, GUS], displayName: 'General' })],
  });
});
after(() => stack.stop());

const twoHundreds = ({ responses }: UacInvite): number =>
  responses.filter(({ status }) => status === 200).length;

/** The 200 of a list-of-one session whose invitee answers at once. */
async function answered(call: UacInvite, invitee: { answerNext(): Promise<unknown> }): Promise<SipMessage> {
  await invitee.answerNext();
  const response = await call.final();
  assert.equal(response.status, 200);
  return response;
}

describe('7.2.1.1 the 200', () => {
  test('R-7.2.1.1-1 is well-formed, repeated until its ACK, and not after it', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo', 'Dan'], async (ada, ben, cleo, dan) => {
      const acked = dialFactory(ada, { invite: [ben.uri], autoAck: false });
      const silent = dialFactory(cleo, { invite: [dan.uri], autoAck: false });
      const answering = answered(silent, dan);
      const response = await answered(acked, ben);
      await acked.ack();
      // A slow machine takes 500 ms to come so far, and a copy was sent: what was on its way before the ACK is here now.
      await ada.sip.sync();
      const copies = twoHundreds(acked);
      await answering;
      const { request } = acked;
      assert.deepEqual(response.values('Via').length, 1);
      assert.equal(response.header('From'), request.header('From'));
      assert.equal(response.callId, request.callId);
      assert.equal(response.header('CSeq'), request.header('CSeq'));
      assert.match(response.header('To') ?? '', /;tag=[\w.~-]{8,}$/);
      assert.equal(response.values('Contact').length, 1);
      assert.equal(Number(response.header('Content-Length')), response.bodyBytes.length);
      evidence('R-7.2.1.1-1', wireLine(response, 'CSeq', 'To', 'Content-Length'));
      // The call beside it is not acknowledged: its copies are the clock for those that must not come.
      for (let count = 0; count < 3; count += 1) {
        const copy = await silent.nextFinal();
        assert.equal(copy.status, 200);
      }
      await ada.sip.sync();
      assert.equal(twoHundreds(acked), copies);
      await silent.ack();
      assert.equal((await silent.dialog.bye()).status, 200, 'the late ACK confirms the dialog');
    }));

  test('R-7.2.1.1-2 Allow lists every method that the server answers or sends, and none in vain', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, ...others] = await gather(ada, ben, cleo);
      const allowed = methodsOf(hers.setUpBy);
      for (const method of ['INVITE', 'ACK', 'BYE', 'CANCEL', 'SUBSCRIBE', 'NOTIFY', 'OPTIONS', 'UPDATE'])
        assert.ok(allowed.includes(method), `${method} in ${allowed.join(', ')}`);
      evidence('R-7.2.1.1-2', wireLine(hers.setUpBy, 'Allow'));
      for (const { setUpBy } of others)
        assert.deepEqual(methodsOf(setUpBy), allowed, 'the invitation says the same');
      const inDialog = allowed.filter((method) => !['ACK', 'CANCEL', 'INVITE', 'BYE'].includes(method));
      for (const method of inDialog) {
        const response = await hers.dialog.request(method, {
          headers: [
            ['Event', 'conference'],
            ['Refer-To', `<${freshUri('Nobody')}>`],
          ],
        });
        assert.notEqual(response.status, 405, `${method} is listed in Allow`);
        assert.notEqual(response.status, 501, `${method} is listed in Allow`);
      }
      for (const method of ['INFO', 'MESSAGE', 'PUBLISH'].filter((method) => !allowed.includes(method))) {
        const response = await hers.dialog.request(method);
        assert.equal(response.status, 405, `${method} is not listed in Allow`);
        assert.deepEqual(methodsOf(response), allowed);
      }
    }));

  test('R-7.2.1.1-3 Session-Expires has refresher=uac, with Require: timer for a client that knows timers', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const plain = await answered(dialFactory(ada, { invite: [ben.uri] }), ben);
      assert.equal(plain.header('Session-Expires'), '1200;refresher=uac');
      assert.equal(plain.header('Require'), undefined);
      const timer = await answered(
        dialFactory(ada, {
          invite: [ben.uri],
          headers: [
            ['Supported', 'timer'],
            ['Session-Expires', '600'],
          ],
        }),
        ben,
      );
      assert.equal(timer.header('Session-Expires'), '600;refresher=uac');
      assert.equal(timer.header('Require'), 'timer');
      evidence('R-7.2.1.1-3', wireLine(timer, 'Session-Expires', 'Require'));
      const tooLong = await answered(
        dialFactory(ada, {
          invite: [ben.uri],
          headers: [
            ['Supported', 'timer'],
            ['x', '7200;refresher=uas'],
          ],
        }),
        ben,
      );
      assert.equal(tooLong.header('Session-Expires'), '1200;refresher=uac', 'never above ours');
    }));

  test('R-7.2.1.1-3 the server supervises: a session that is not refreshed ends with BYE', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const call = dialFactory(ada, {
        invite: [ben.uri, cleo.uri],
        headers: [
          ['Supported', 'timer'],
          ['Session-Expires', String(MIN_SE_S)],
        ],
      });
      const [his, hers] = await Promise.all([ben.answerNext(), cleo.answerNext()]);
      const dialog = await call.answered();
      const roster = await his.watch();
      const bye = await dialog.nextRequest('BYE');
      assert.match(bye.request.header('Reason') ?? '', /session timer/);
      await roster.until((users) =>
        users.some(({ entity, status }) => entity === ada.uri && status === 'disconnected'),
      );
      assert.equal(await his.say('still here'), 200, 'the others go on');
      assert.equal((await hers.hear()).text, 'still here');
    }));

  test('R-7.2.1.1-3 an interval below Min-SE: 422 with Min-SE, or raised for a client without timers (A-6)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const short: [string, string] = ['Session-Expires', String(MIN_SE_S - 1)];
      const refused = await dialFactory(ada, {
        invite: [ben.uri],
        headers: [['Supported', 'timer'], short],
      }).final();
      assertRefused(refused, 422, /session interval/i);
      assert.equal(refused.header('Min-SE'), String(MIN_SE_S));
      const raised = await answered(dialFactory(ada, { invite: [ben.uri], headers: [short] }), ben);
      assert.equal(raised.header('Session-Expires'), `${MIN_SE_S};refresher=uac`);
    }));

  test('R-7.2.1.1-4 R-7.2.1.1-4a P-Asserted-Identity is the conference-factory URI, with Privacy too (A-4)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const plain = await answered(dialFactory(ada, { invite: [ben.uri] }), ben);
      const hidden = await answered(
        dialFactory(ada, { invite: [ben.uri], headers: [['Privacy', 'id']] }),
        ben,
      );
      for (const response of [plain, hidden]) {
        assert.deepEqual(response.values('P-Asserted-Identity'), [`<${FACTORY}>`]);
        evidence('R-7.2.1.1-4', wireLine(response, 'P-Asserted-Identity'));
        evidence('R-7.2.1.1-4a', wireLine(response, 'P-Asserted-Identity'));
      }
      assert.match((await stepOf(stack, { session: sessionOf(plain) }, 'R-7.2.1.1-4')).found, /4a/);
    }));

  test('R-7.2.1.1-4b R-7.2.1.1-7 P-Asserted-Identity is the group; subscribers learn of the join after its 200', async () => {
    const [gina, gus] = await Promise.all([stack.subscriber('gina'), stack.subscriber('gus')]);
    const [ginas] = await Promise.all([gina.join(GROUP), gus.answerNext()]);
    assert.deepEqual(ginas.setUpBy.values('P-Asserted-Identity'), [`<${GROUP}>`]);
    const roster = await ginas.watch();
    await roster.next();
    // From her other device, which has the same socket: what it gets comes in the order in which it was sent.
    const second = await gina.join(GROUP);
    assert.deepEqual(second.setUpBy.values('P-Asserted-Identity'), [`<${GROUP}>`]);
    evidence('R-7.2.1.1-4b', wireLine(second.setUpBy, 'P-Asserted-Identity'));
    await roster.next();
    const received = gina.sip.received(() => true);
    const answeredAt = received.findLastIndex(({ status, method }) => status === 200 && method === 'INVITE');
    const notifiedAt = received.findLastIndex(({ isRequest, method }) => isRequest && method === 'NOTIFY');
    assert.ok(answeredAt < notifiedAt, 'NOTIFY after the 200');
    assert.ok(roster.connected.includes(GUS));
    evidence('R-7.2.1.1-7', rosterLine(roster.subscription.notifies.at(-1), GUS));
    assertNotifies(roster, ginas.uri);
    assert.match((await stepOf(stack, { session: sessionOf(ginas.setUpBy) }, 'R-7.2.1.1-4')).found, /4b/);
  });

  test('R-7.2.1.1-5 Contact is one fresh session identity for all legs, with isfocus and +g.oma.sip-im', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, his, cleos] = await gather(ada, ben, cleo);
      const contact = parseNameAddr(hers.setUpBy.values('Contact')[0] ?? '');
      assert.match(contact.uri, /^sip:im-s-[a-z0-9]{16,}@/);
      assert.deepEqual(new Set(contact.params.keys()), new Set(['isfocus', '+g.oma.sip-im']));
      evidence('R-7.2.1.1-5', wireLine(hers.setUpBy, 'Contact'));
      for (const room of [his, cleos]) {
        assert.equal(room?.uri, hers.uri);
        assert.equal(room?.isFocus, true);
      }
      const [second] = await gather(ada, ben);
      assert.notEqual(second.uri, hers.uri, 'unique for each session');
    }));

  test('R-7.2.1.1-5 the session identity leads back: SUBSCRIBE, BYE, and INVITE to come back', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const [hers, , cleos] = await gather(ada, ben, cleo);
      const roster = await hers.watch();
      assert.equal((await cleos?.leave())?.status, 200);
      await roster.until((users) => users.some(({ status }) => status === 'disconnected'));
      const back = await cleo.join(hers.uri);
      assert.equal(back.uri, hers.uri);
      assert.deepEqual(back.setUpBy.values('P-Asserted-Identity'), [`<${FACTORY}>`]);
      await roster.until(() => roster.connected.includes(cleo.uri));
      assertNotifies(roster, hers.uri);
    }));

  test('R-7.2.1.1-6 Server is the IM release, in every response and once', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri] });
      const invite = await ben.sip.nextInvite();
      invite.ring();
      const ringing = await call.provisional(180);
      await ben.answer(invite);
      const response = await call.final();
      const refused = await dialFactory(ada, { to: `sip:im-s-none@${DOMAIN}`, body: null }).final();
      for (const message of [ringing, response, refused]) {
        assert.equal(message.headers('Server').length, 1, `one Server in ${message.summary}`);
        assert.match(message.header('Server') ?? '', /^IM-serv\/OMA1\.0( |$)/);
        evidence('R-7.2.1.1-6', wireLine(message, 'Server'));
      }
      assert.equal(invite.request.headers('User-Agent').length, 1, 'one User-Agent in the invitation');
      assert.match(invite.request.header('User-Agent') ?? '', /^IM-serv\/OMA1\.0( |$)/);
    }));

  test('R-7.2.1.1-7 subscribers of an ad hoc session learn of who comes; a list of one too', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      const roster = await hers.watch();
      await roster.until(() => roster.connected.length === 2);
      const again = await ben.join(his?.uri ?? '');
      await roster.next();
      assert.deepEqual(new Set(roster.connected), new Set([ada.uri, ben.uri]));
      assert.match(
        (await stepOf(stack, { callId: again.setUpBy.callId }, 'R-7.2.1.1-7')).found,
        /1 subscription/,
      );
      assertNotifies(roster, hers.uri);
    }));

  test('R-7.2.1.1-ims the core asserts, charges and routes: P-Charging-Vector echoed, Record-Route kept', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const vector = 'icid-value=x1y2z3;icid-generated-at=192.0.2.1';
      // Kamailio stands for the S-CSCF as well: what takes the route comes by it twice.
      const hop = `<sip:${stack.ready.sip};lr;core=1>`;
      const call = dialFactory(ada, {
        invite: [ben.uri],
        headers: [
          ['P-Charging-Vector', vector],
          ['Record-Route', hop],
          ['P-Asserted-Service', 'urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session'],
        ],
      });
      const invite = await ben.sip.nextInvite();
      assert.equal(invite.request.header('P-Charging-Vector'), vector, 'forwarded');
      const his = await ben.answer(invite);
      const response = await call.final();
      assert.equal(response.header('P-Charging-Vector'), vector, 'echoed');
      evidence('R-7.2.1.1-ims', wireLine(response, 'P-Charging-Vector', 'Record-Route'));
      assert.deepEqual(response.values('Record-Route'), [hop], 'once');
      const bye = call.dialog.nextRequest('BYE');
      await his.leave();
      assert.equal((await bye).request.values('Via').length, 2, 'requests of the focus take the route');
    }));
});
