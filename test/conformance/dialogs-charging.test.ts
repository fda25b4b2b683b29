/** What a core charges by goes back to it in every answer of a session, however late. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { SipMessage } from '../../src/agents/sip/message.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { dialFactory, gather, plainSdp } from './support/ad-hoc.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { nextOffer } from './support/groups-reoffer.ts';
import { freshUri, scene } from './support/scene.ts';

const GROUP = `sip:im-g-charged@${DOMAIN}`;
const ADA = freshUri('ada');
const BEN = freshUri('ben');

const charging = (icid: string) =>
  [
    ['P-Charging-Vector', `icid-value="${icid}";icid-generated-at=192.0.2.7;orig-ioi=home1.example`],
    ['P-Charging-Function-Addresses', 'ccf=192.0.2.8;ecf=192.0.2.9'],
  ] as const;

function assertCharged(response: SipMessage, icid: string): void {
  for (const [name, value] of charging(icid)) assert.equal(response.header(name), value, response.summary);
  evidence('R-7.2.1.1-ims', wireLine(response, 'P-Charging-Vector'));
}

let stack: Stack;
before(async () => {
  stack = await Stack.start({ groups: [groupDocument({ uri: GROUP, members: [ADA, BEN] })] });
});
after(() => stack.stop());

describe('charging', { concurrency: 4 }, () => {
  test('R-7.2.1.1-ims the 200 that waits for an invited user has both header fields (ad hoc)', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const call = dialFactory(ada, { invite: [ben.uri], headers: charging('late-1') });
      await ben.answerNext();
      const response = await call.final();
      assert.equal(response.status, 200);
      assertCharged(response, 'late-1');
    }));

  test('R-7.2.1.1-ims the 200 that waits for a member has both (group)', async () => {
    const [ada, ben] = await Promise.all([
      stack.subscriber('ada', { uri: ADA }),
      stack.subscriber('ben', { uri: BEN }),
    ]);
    const call = ada.sip.invite({ to: GROUP, headers: charging('late-2'), body: sdpBody(plainSdp()) });
    await ben.answerNext();
    const response = await call.final();
    assert.equal(response.status, 200);
    assertCharged(response, 'late-2');
  });

  test('R-7.2.1.6-ims, R-7.2.1.11-ims the 200 to a re-INVITE and to an UPDATE has what that request had', () =>
    scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
      const [hers] = await gather(ada, ben);
      const call = hers.dialog.reinvite({ headers: charging('again-1'), body: nextOffer(hers) });
      assertCharged(await call.final(), 'again-1');
      assertCharged(await hers.dialog.update({ headers: charging('again-2') }), 'again-2');
      const without = await hers.dialog.update();
      assert.equal(without.header('P-Charging-Vector'), undefined);
    }));
});
