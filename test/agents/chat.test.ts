import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Subscriber } from '../../src/agents/chat.ts';
import { MsrpSession } from '../../src/agents/msrp/session.ts';
import { msrpSdp, sdpBody, sdpOf } from '../../src/agents/sdp.ts';

for (const transport of ['udp', 'tcp'] as const) {
  describe(`two subscribers over ${transport}, nothing between them`, () => {
    let ada: Subscriber;
    let ben: Subscriber;
    before(async () => {
      ada = await Subscriber.start({ uri: 'sip:ada@127.0.0.1', displayName: 'Ada "A" L.', transport });
      ben = await Subscriber.start({ uri: 'sip:ben@127.0.0.1', displayName: 'Ben', transport });
    });
    after(async () => {
      await Promise.all([ada.stop(), ben.stop()]);
    });

    for (const setup of ['actpass', 'active', 'passive'] as const) {
      test(`a call whose offer says setup ${setup}: both speak, both hear, one leaves`, async () => {
        const [hers, his] = await Promise.all([ada.join(ben.sip.contactUri, { setup }), ben.answerNext()]);
        assert.equal(await hers.say('good morning'), 200);
        const heard = await his.hear();
        assert.deepEqual(
          [heard.from, heard.name, heard.text],
          ['sip:ada@127.0.0.1', 'Ada "A" L.', 'good morning'],
        );
        assert.equal(await his.say('and to you'), 200);
        assert.equal((await hers.hear()).text, 'and to you');
        assert.equal((await hers.leave()).status, 200);
        assert.equal(await his.ended, 'remote');
        assert.equal(await his.msrp.closed, 'closed by the peer');
        await his.msrp.close();
        assert.deepEqual([...ada.violations, ...ben.violations], []);
        assert.deepEqual([...ada.sip.unexpected, ...ben.sip.unexpected], []);
      });
    }

    for (const setup of ['actpass', 'active'] as const) {
      test(`a re-INVITE with another path (setup ${setup}) moves the MSRP connection`, async () => {
        const [hers, his] = await Promise.all([ada.join(ben.sip.contactUri), ben.answerNext()]);
        const elsewhere = await MsrpSession.open({ name: 'elsewhere' });
        const sdp = msrpSdp({ path: elsewhere.path, setup, sessionVersion: 2 });
        elsewhere.accept(his.msrp.path);
        const answer = await hers.dialog.reinvite({ body: sdpBody(sdp) }).final();
        assert.equal(sdpOf(answer)?.setup, setup === 'active' ? 'passive' : 'active');
        if (setup === 'active') assert.equal(await elsewhere.connect(his.msrp.path), 200);
        assert.equal(await his.nextMove(), 200);
        assert.equal(await his.say('still here'), 200);
        assert.equal((await elsewhere.nextMessage()).text, 'still here');
        await hers.leave();
        await Promise.all([elsewhere.close(), his.msrp.close()]);
        assert.deepEqual([...ada.violations, ...ben.violations, ...elsewhere.violations], []);
      });
    }

    test('the invited user refuses: the caller learns status and reason', async () => {
      const calling = ada.join(ben.sip.contactUri);
      const invite = await ben.sip.nextInvite();
      await Promise.all([assert.rejects(calling, /refused: 486 Busy Here/), invite.reject(486, 'Busy Here')]);
    });
  });
}
