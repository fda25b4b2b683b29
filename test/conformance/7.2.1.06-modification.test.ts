/** 7.2.1.6 Session modification: a re-INVITE or UPDATE with a new offer inside a session. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readSdp, sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import { evidence, msrpLine, wireLine } from './support/evidence.ts';
import { audioOnly, picturesOnly } from './support/groups-offers.ts';
import {
  assertClosed,
  assertNotAcceptable,
  assertRefused,
  assertSessionContact,
  assertSteps,
} from './support/groups-outcomes.ts';
import { move, nextOffer, sameOffer } from './support/groups-reoffer.ts';
import { Stage } from './support/groups-stage.ts';

const stage = new Stage();

describe('7.2.1.6 an offer inside a session', { concurrency: 4 }, () => {
  const refused = stage.cast('refused', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6-1: an offer that cannot be accepted is answered 488, and the session goes on as it was', async () => {
    const [ada, ben] = await refused.come('ada', 'ben');
    const room = await ada.join(refused.group);
    const bens = await ben.join(refused.group);
    const { localSdp } = room.dialog;
    for (const body of [audioOnly(), picturesOnly()]) {
      const call = room.dialog.reinvite({ body });
      assertNotAcceptable(await call.final(), 'R-7.2.1.6-1');
      assertNotAcceptable(await room.dialog.update({ body }));
    }
    await assertSteps(stage.stack, room.dialog.callId, ['R-7.2.1.6-1 refuse']);
    await room.say('the old way');
    assert.equal((await bens.hear()).text, 'the old way');
    await bens.say('both ways');
    assert.equal((await room.hear()).text, 'both ways');
    // Not even the dialog has suffered: a good offer is taken.
    room.dialog.localSdp = localSdp;
    const good = room.dialog.reinvite({ body: nextOffer(room) });
    assert.equal((await good.final()).status, 200);
    assert.equal((await room.leave()).status, 200);
  });

  const unreadable = stage.cast('unreadable', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6-1: an offer that cannot be read is answered 400, and the session goes on', async () => {
    const [ada, ben] = await unreadable.come('ada', 'ben');
    const room = await ada.join(unreadable.group);
    const bens = await ben.join(unreadable.group);
    const call = room.dialog.reinvite({ body: sdpBody('v=1\r\nnonsense\r\n') });
    assertRefused(await call.final(), 400, /SDP/);
    await room.say('unharmed');
    assert.equal((await bens.hear()).text, 'unharmed');
  });

  for (const method of ['INVITE', 'UPDATE'] as const) {
    const moved = stage.cast(`moved-${method.toLowerCase()}`, {
      members: ['ada', 'ben'],
      inviteMembers: false,
    });
    it(`R-7.2.1.6-2, -3, -3a, -3b, -note: with ${method} the client moves to another connection; the old one is released, nobody else is asked`, async () => {
      const [ada, ben] = await moved.come('ada', 'ben');
      const room = await ada.join(moved.group);
      const bens = await ben.join(moved.group);
      const { response, msrp } = await move(room, method, { acceptTypes: 'text/plain application/x-other' });
      assert.equal(response.status, 200);
      assert.equal(assertSessionContact(response), room.uri);
      const answer = sdpOf(response);
      assert.deepEqual(answer?.acceptTypes, ['text/plain'], 'from the list of the new offer');
      assert.ok((answer?.sessionVersion ?? 0) > room.peer.sessionVersion, 'the version of o= is stepped');
      assert.equal(answer?.setup, 'passive');
      evidence('R-7.2.1.6-3', wireLine(response, 'CSeq', 'Contact'));
      evidence('R-7.2.1.6-3a', wireLine(response, /^o=.*$/m, /^a=accept-types:.*$/m));
      evidence('R-7.2.1.6-3b', wireLine(response, 'Via', 'CSeq'));
      await assertClosed(room.msrp);
      assert.equal(await msrp.send('on the new connection'), 200);
      assert.equal((await bens.hear()).text, 'on the new connection');
      await bens.say('to the new connection');
      const heard = await msrp.nextMessage();
      assert.deepEqual(
        [heard.text, heard.contentType.split(';')[0]],
        ['to the new connection', 'text/plain'],
      );
      evidence('R-7.2.1.6-2', msrpLine(heard.frame, 'Content-Type', /to the new connection/));
      await ben.sip.sync();
      assert.deepEqual(
        ben.sip.received(({ isRequest, method: name }) => isRequest && /^(INVITE|UPDATE)$/.test(name)),
        [],
        'the others keep their parameters (default policy)',
      );
      const all = ben.sip.received(({ isRequest, status }) => isRequest || status >= 200);
      evidence('R-7.2.1.6-note', all.map((message) => wireLine(message, 'CSeq')).join(' · '));
      await assertSteps(stage.stack, room.dialog.callId, ['R-7.2.1.6-1 done', 'R-7.2.1.11-1 done']);
      await msrp.close();
    });
  }

  const again = stage.cast('again', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6-1: the same offer again changes nothing (A-31)', async () => {
    const [ada, ben] = await again.come('ada', 'ben');
    const room = await ada.join(again.group);
    const bens = await ben.join(again.group);
    const response = await room.dialog.reinvite({ body: sameOffer(room) }).final();
    assert.equal(response.status, 200);
    assert.equal(sdpOf(response)?.sessionVersion, room.peer.sessionVersion);
    assert.deepEqual(sdpOf(response)?.path, room.peer.path);
    await room.say('same connection');
    assert.equal((await bens.hear()).text, 'same connection');
    await bens.say('and back');
    assert.equal((await room.hear()).text, 'and back');
  });

  const late = stage.cast('late', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6-3: a re-INVITE without an offer gets one in the 200, and its answer comes with the ACK (A-31)', async () => {
    const [ada, ben] = await late.come('ada', 'ben');
    const room = await ada.join(late.group);
    const bens = await ben.join(late.group);
    const call = room.dialog.reinvite({ autoAck: false });
    const response = await call.final();
    assert.equal(response.status, 200);
    const offered = readSdp(response.body);
    assert.deepEqual(offered.path, room.peer.path);
    await call.ack({ body: nextOffer(room, { setup: offered.setup === 'active' ? 'passive' : 'active' }) });
    await room.say('still here');
    assert.equal((await bens.hear()).text, 'still here');
    await bens.say('so am I');
    assert.equal((await room.hear()).text, 'so am I');
  });

  const oneWay = stage.cast('one-way', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6-3a: a direction that the client offers is answered with its counterpart', async () => {
    const [ada] = await oneWay.come('ada');
    const room = await ada.join(oneWay.group);
    const response = await room.dialog.reinvite({ body: nextOffer(room, { direction: 'sendonly' }) }).final();
    assert.equal(response.status, 200);
    assert.match(response.body, /^a=recvonly\r?$/m);
  });

  const dialogs = stage.cast('dialogs', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6: without its dialog a re-INVITE is answered 481, out of order 500', async () => {
    const [ada] = await dialogs.come('ada');
    const room = await ada.join(dialogs.group);
    room.dialog.localCseq = 0;
    assert.equal((await room.dialog.update()).status, 500);
    room.dialog.localCseq = 10;
    await room.leave();
    assertRefused(await room.dialog.reinvite({ body: nextOffer(room) }).final(), 481, /no such dialog/);
  });

  const twice = stage.cast('twice', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6: of two re-INVITEs at one moment none is lost, and the session goes on', async () => {
    const [ada, ben] = await twice.come('ada', 'ben');
    const room = await ada.join(twice.group);
    const bens = await ben.join(twice.group);
    const calls = [
      room.dialog.reinvite({ body: nextOffer(room) }),
      room.dialog.reinvite({ body: nextOffer(room) }),
    ];
    const finals = await Promise.all(calls.map((call) => call.final()));
    assert.ok(finals.some(({ status }) => status === 200));
    assert.ok(finals.every(({ status }) => [200, 491, 500].includes(status)));
    await room.say('none the worse');
    assert.equal((await bens.hear()).text, 'none the worse');
  });

  const target = stage.cast('target', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.6-3b: the Contact of a re-INVITE is where the focus sends from then on', async () => {
    const [ada] = await target.come('ada');
    const room = await ada.join(target.group);
    const elsewhere = `sip:ada.elsewhere@${ada.sip.address}`;
    const response = await room.dialog
      .reinvite({ body: sameOffer(room), headers: [['Contact', `<${elsewhere}>`]] })
      .final();
    assert.equal(response.status, 200);
    // A rejoin ends the old dialog: its BYE goes to the new Contact.
    await ada.join(room.uri);
    assert.equal((await room.dialog.nextRequest('BYE')).request.requestUri, elsewhere);
  });
});

before(() => stage.open());
after(() => stage.close());
