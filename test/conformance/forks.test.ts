/** Answers of several forks, late ones and repeated ones: an ACK for each, one BYE for each that nobody wants. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { sdpBody } from '../../src/agents/sdp.ts';
import type { UasInvite } from '../../src/agents/sip/uas-invite.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { dialFactory, plainSdp } from './support/ad-hoc.ts';
import { requests, sendAgain, settled } from './support/dialogs-raw.ts';
import { assertNoFaults, scene } from './support/scene.ts';

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { notify: { minIntervalMs: 0 } } });
});
after(() => stack.stop());

const isOk = ({ isRequest, status, method }: { isRequest: boolean; status: number; method: string }) =>
  !isRequest && status === 200 && method === 'INVITE';

/** Repeats the 200 and gets another ACK of its own dialog, but no other BYE. */
async function assertAckedAgain(person: Subscriber, { request, received }: UasInvite): Promise<void> {
  const { callId } = request;
  const before = requests(person, 'ACK', callId).length;
  sendAgain(person, isOk);
  await person.sip.sees('another ACK', () => requests(person, 'ACK', callId).length > before);
  await settled(person);
  for (const ack of requests(person, 'ACK', callId)) {
    assert.equal(ack.toTag, received.localTag);
    assert.equal(ack.cseq, request.cseq);
  }
  assert.equal(requests(person, 'BYE', callId).length, 1, 'one BYE');
}

/** A user with several devices, each of which is reached by the same invitation. */
async function withDevices(
  count: number,
  act: (caller: Subscriber, ...devices: Subscriber[]) => Promise<void>,
): Promise<void> {
  await scene(stack, ['Ada', 'Ben'], async (ada, ben) => {
    const more = await Promise.all(
      Array.from({ length: count - 1 }, (_, index) =>
        stack.subscriber(`device ${index}`, { uri: ben.uri, displayName: 'Ben' }),
      ),
    );
    try {
      await act(ada, ben, ...more);
      assertNoFaults(more);
    } finally {
      await Promise.all(more.map((device) => device.stop()));
    }
  });
}

/** All of them ring, and none gives up for a CANCEL. */
async function allRing(devices: readonly Subscriber[]): Promise<UasInvite[]> {
  return Promise.all(
    devices.map(async (device) => {
      const invite = await device.sip.nextInvite();
      invite.answersCancel = false;
      invite.ring();
      return invite;
    }),
  );
}

describe('forked answers', { concurrency: 4 }, () => {
  test('RFC3261-13.2.2.4 three devices answer: the first stays; each other gets an ACK of its own and one BYE', () =>
    withDevices(3, async (ada, ...devices) => {
      const dialling = await ada.dialAdHoc({ factory: FACTORY, invite: [devices[0]?.uri ?? ''] });
      const invites = await allRing(devices);
      const [first, ...others] = invites;
      const [firstDevice, ...otherDevices] = devices;
      assert.ok(first !== undefined && firstDevice !== undefined);
      const his = await firstDevice.answer(first);
      const hers = await dialling.room();
      for (const [index, invite] of others.entries()) {
        const device = otherDevices[index];
        assert.ok(device !== undefined);
        await invite.nextCancel();
        const dialog = await invite.accept({ body: sdpBody(plainSdp()) });
        const bye = await dialog.nextRequest('BYE');
        assert.equal(bye.request.toTag, invite.received.localTag);
        assert.equal(bye.request.cseq, invite.request.cseq + 1);
        await assertAckedAgain(device, invite);
        await assertAckedAgain(device, invite);
      }
      // A repeated answer of the one who stays is acknowledged, and that is all.
      sendAgain(firstDevice, isOk);
      await settled(firstDevice);
      assert.equal(his.dialog.state, 'confirmed');
      assert.equal(await hers.say('to the first'), 200);
      assert.equal((await his.hear()).text, 'to the first');
      assert.equal((await his.leave()).status, 200);
    }));

  test('RFC3261-13.2.2.4 two devices answer after the session was given up: an ACK of its own and one BYE for each', () =>
    withDevices(2, async (ada, ...devices) => {
      const call = dialFactory(ada, { invite: [devices[0]?.uri ?? ''] });
      const invites = await allRing(devices);
      await call.provisional(180);
      assert.equal((await call.cancel()).status, 200);
      assert.equal((await call.final()).status, 487);
      for (const [index, invite] of invites.entries()) {
        const device = devices[index];
        assert.ok(device !== undefined);
        await invite.nextCancel();
        const dialog = await invite.accept({ body: sdpBody(plainSdp()) });
        const bye = await dialog.nextRequest('BYE');
        assert.ok(bye.request.cseq > invite.request.cseq);
        await assertAckedAgain(device, invite);
      }
    }));
});

describe('late answers', { concurrency: 4 }, () => {
  test('RFC3261-15 of a user whom the session did not wait for: ACK and BYE, however often the answer is repeated', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const dialling = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri, cleo.uri] });
      const [invite] = await allRing([ben]);
      assert.ok(invite !== undefined);
      const cleos = await cleo.answerNext();
      const hers = await dialling.room();
      // He comes by himself: his invitation is cancelled, and he takes it all the same.
      const his = await ben.join(hers.uri);
      await invite.nextCancel();
      const stray = await invite.accept({ body: sdpBody(plainSdp()) });
      await stray.nextRequest('BYE');
      await assertAckedAgain(ben, invite);
      assert.equal(his.dialog.state, 'confirmed');
      assert.equal(await cleos.say('once'), 200);
      assert.equal((await his.hear()).text, 'once');
    }));

  test('RFC3261-15 the answer that made a leg, repeated after that leg has ended: no BYE any more', () =>
    scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
      const dialling = await ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri, cleo.uri] });
      const [his] = await Promise.all([ben.answerNext(), cleo.answerNext(), dialling.room()]);
      assert.equal((await his.leave()).status, 200);
      await settled(ben);
      sendAgain(ben, isOk);
      await settled(ben);
      assert.deepEqual(requests(ben, 'BYE', his.dialog.callId), []);
    }));
});
