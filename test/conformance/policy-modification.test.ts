/** 7.2.2.6 IM Session modification policy: the others are told of a re-INVITE that changes what all of them take. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Room } from '../../src/agents/room.ts';
import { sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { together } from './support/refer-rooms.ts';
import { scene } from './support/scene.ts';

let stack: Stack;
before(async () => {
  stack = await Stack.start({ config: { readings: { modificationTells: 'others' } } });
});
after(async () => {
  assert.equal(await stack.stop(), 0);
});

/** The room's SDP once more, in its next version, with other accept-types. */
function offerOf(room: Room, acceptTypes: string) {
  const { localSdp } = room.dialog;
  assert.ok(localSdp);
  return sdpBody(
    localSdp
      .replace(/^a=accept-types:.*$/m, `a=accept-types:${acceptTypes}`)
      .replace(/^o=.*$/m, (line) =>
        line.replace(/ (\d+) IN /, (_, version) => ` ${Number(version) + 1} IN `),
      ),
  );
}

test('R-7.2.1.6-note A-31 with readings.modificationTells others: each other leg gets a re-INVITE with what all take; one that refuses goes on', () =>
  scene(stack, ['Ada', 'Ben', 'Cleo'], async (ada, ben, cleo) => {
    const [hers, his, cleos] = await together(ada, ben, cleo);
    cleos.dialog.onRequest = () => ({ status: 488 });
    const body = offerOf(hers, 'text/plain');
    const response = await hers.dialog.reinvite({ body }).final();
    assert.equal(response.status, 200);
    const [toBen, toCleo] = await Promise.all([
      his.dialog.nextRequest('INVITE'),
      cleos.dialog.nextRequest('INVITE'),
    ]);
    for (const { request } of [toBen, toCleo]) assert.deepEqual(sdpOf(request)?.acceptTypes, ['text/plain']);
    evidence('R-7.2.1.6-note', wireLine(toBen.request, 'CSeq', /^a=accept-types:.*$/m));
    for (const person of [ada, ben, cleo]) await person.sip.sync({ to: FACTORY });
    assert.equal(await his.say('still together'), 200);
    for (const room of [hers, cleos]) assert.equal((await room.hear()).text, 'still together');
  }));
