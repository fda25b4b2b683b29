/** Offers that we are to make: an INVITE or re-INVITE without SDP, its 200 with ours, the answer in the ACK (RFC 3264). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { MsrpSession } from '../../src/agents/msrp/session.ts';
import { msrpSdp, type ReadSdp, sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import type { UacInvite } from '../../src/agents/sip/uac-invite.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { gather } from './support/ad-hoc.ts';
import { settled } from './support/dialogs-raw.ts';
import { sameOffer } from './support/groups-reoffer.ts';
import { freshUri, scene } from './support/scene.ts';

const OPEN = `sip:im-g-open@${DOMAIN}`;
const CALLED = `sip:im-g-called@${DOMAIN}`;
const INITIATOR = freshUri('initiator');
const MEMBER = freshUri('member');
const EVERYBODY = `<cr:rule id="all"><cr:conditions><cr:identity><cr:many/></cr:identity></cr:conditions><cr:actions>
  <allow-initiate-conference>true</allow-initiate-conference><join-handling>true</join-handling>
  <allow-conference-state>true</allow-conference-state></cr:actions></cr:rule>`;

let stack: Stack;
before(async () => {
  stack = await Stack.start({
    config: { notify: { minIntervalMs: 0 } },
    groups: [
      groupDocument({ uri: OPEN, members: [], inviteMembers: false, rules: EVERYBODY }),
      groupDocument({ uri: CALLED, members: [INITIATOR, MEMBER] }),
    ],
  });
});
after(() => stack.stop());

interface Entered {
  readonly call: UacInvite;
  readonly offer: ReadSdp;
  readonly msrp: MsrpSession;
}

/** The INVITE has no body; our answer goes with the ACK, and MSRP with that. */
async function enterLate(person: Subscriber, call: UacInvite): Promise<Entered> {
  const response = await call.final();
  assert.equal(response.status, 200, response.header('Warning'));
  const offer = sdpOf(response);
  assert.ok(offer !== undefined, 'the 200 has an offer');
  assert.equal(offer.setup, 'actpass');
  assert.ok(offer.acceptTypes.includes('message/cpim'));
  const msrp = await MsrpSession.open({ name: person.name, listen: false });
  await call.ack({ body: sdpBody(msrpSdp({ path: msrp.path, setup: 'active' })) });
  assert.equal(await msrp.connect(offer.path), 200);
  return { call, offer, msrp };
}

describe('an INVITE without an offer', { concurrency: 4 }, () => {
  test('RFC3264-5 joining a running group: our offer in the 200, the answer in the ACK, and messages both ways', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const his = await ben.join(OPEN);
      const { msrp, call } = await enterLate(ada, ada.sip.invite({ to: OPEN, autoAck: false }));
      await settled(ada);
      assert.equal(await his.say('welcome'), 200);
      assert.match((await msrp.nextMessage()).text, /welcome/);
      assert.equal(await msrp.send('thanks', { cpim: { from: ada.uri, to: his.uri } }), 200);
      assert.equal((await his.hear()).text, 'thanks');
      assert.equal((await call.dialog.bye()).status, 200);
      await msrp.close();
    }));

  test('RFC3264-5 setting a group up: the 200 waits for a member and has our offer', async () => {
    const [ada, ben] = await Promise.all([
      stack.subscriber('initiator', { uri: INITIATOR }),
      stack.subscriber('member', { uri: MEMBER }),
    ]);
    const call = ada.sip.invite({ to: CALLED, autoAck: false });
    const [entered, his] = await Promise.all([enterLate(ada, call), ben.answerNext()]);
    await settled(ada);
    assert.equal(await his.say('here'), 200);
    assert.match((await entered.msrp.nextMessage()).text, /here/);
    await entered.msrp.close();
  });

  for (const [name, body] of [
    ['no answer', undefined],
    [
      'an answer that refuses the media',
      sdpBody(
        msrpSdp({ path: 'msrp://127.0.0.1:9/x;tcp', setup: 'active' }).replace(
          /^m=message \d+/m,
          'm=message 0',
        ),
      ),
    ],
  ] as const) {
    test(`RFC3261-13.2.2.4 the ACK brings ${name}: BYE`, () =>
      scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
        const his = await ben.join(OPEN);
        const roster = await his.watch();
        const call = ada.sip.invite({ to: OPEN, autoAck: false });
        assert.equal((await call.final()).status, 200);
        await call.ack(body === undefined ? {} : { body });
        const bye = await call.dialog.nextRequest('BYE');
        assert.match(bye.request.header('Reason') ?? '', /no usable answer/);
        await roster.until((users) =>
          users.some(({ entity, status }) => entity === ada.uri && status === 'disconnected'),
        );
      }));
  }
});

describe('a re-INVITE without an offer', { concurrency: 4 }, () => {
  test('RFC3264-5, R-7.2.1.6-3 an ACK without an answer leaves all as it was', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      assert.ok(his !== undefined);
      const response = await hers.dialog.reinvite().final();
      assert.equal(response.status, 200);
      assert.deepEqual(sdpOf(response)?.path, hers.peer.path);
      await settled(ada);
      assert.equal(await his.say('still here'), 200);
      assert.equal((await hers.hear()).text, 'still here');
    }));

  test('RFC3264-5 an ACK with SDP that nobody asked for moves nothing', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers, his] = await gather(ada, ben);
      assert.ok(his !== undefined);
      const call = hers.dialog.reinvite({ body: sameOffer(hers), autoAck: false });
      await call.final();
      await call.ack({
        body: sdpBody(msrpSdp({ path: 'msrp://127.0.0.1:9/elsewhere-0123456789;tcp', setup: 'passive' })),
      });
      await settled(ada);
      assert.equal(await his.say('still here'), 200);
      assert.equal((await hers.hear()).text, 'still here');
    }));
});
