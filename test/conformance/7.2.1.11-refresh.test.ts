/**
 * 7.2.1.11 Session refresh. The clients that do not refresh are the clock: whose interval is shorter is ended
 * earlier, and that is when the others look.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sdpOf } from '../../src/agents/sdp.ts';
import type { HeaderOverrides } from '../../src/agents/sip/message.ts';
import { evidence, wireLine } from './support/evidence.ts';
import { assertClosed, assertEnded, assertRefused, assertSteps, foundAt } from './support/groups-outcomes.ts';
import { nextOffer, sameOffer } from './support/groups-reoffer.ts';
import { Stage } from './support/groups-stage.ts';

const stage = new Stage();

const interval = (seconds: number): HeaderOverrides => [
  ['Session-Expires', `${seconds};refresher=uac`],
  ['Supported', 'timer'],
];
/** RFC 4028 section 10: min(32 s, a third) before the end. */
const earliestMs = (seconds: number): number => (seconds - Math.min(32, seconds / 3)) * 1000;
const WAIT_MS = 12_000;

describe('7.2.1.11 session timer', { concurrency: 8 }, () => {
  const refreshed = stage.cast('refreshed', {
    members: ['ada', 'ben', 'cyd', 'first', 'last'],
    inviteMembers: false,
  });
  it('R-7.2.1.11-1: a re-INVITE or UPDATE with Session-Expires is answered with refresher=uac and starts the timer anew', async () => {
    const [ada, ben, cyd, first, last] = await refreshed.come('ada', 'ben', 'cyd', 'first', 'last');
    const [firsts, adas, bens, cyds, lasts] = await Promise.all([
      first.join(refreshed.group, { headers: interval(5) }),
      ada.join(refreshed.group, { headers: interval(9) }),
      ben.join(refreshed.group, { headers: interval(9) }),
      cyd.join(refreshed.group, { headers: interval(9) }),
      last.join(refreshed.group, { headers: interval(10) }),
    ]);
    assert.equal(adas.setUpBy.header('Session-Expires'), '9;refresher=uac');
    await assertEnded(firsts.dialog);
    const [byInvite, byUpdate] = await Promise.all([
      adas.dialog.reinvite({ headers: interval(10), body: sameOffer(adas) }).final(),
      bens.dialog.update({ headers: interval(10) }),
    ]);
    for (const response of [byInvite, byUpdate]) {
      assert.equal(response.status, 200);
      assert.equal(response.header('Session-Expires'), '10;refresher=uac');
      assert.ok(response.values('Require').includes('timer'));
      evidence('R-7.2.1.11-1', wireLine(response, 'CSeq', 'Session-Expires', 'Require'));
    }
    assert.equal(sdpOf(byInvite)?.sessionVersion, adas.peer.sessionVersion);
    assert.equal(byUpdate.bodyBytes.length, 0, 'an UPDATE without offer gets no answer');
    await assertSteps(stage.stack, adas.dialog.callId, ['R-7.2.1.6-1 skip', 'R-7.2.1.11-1 done']);
    // cyd did not refresh; last's interval ends later than ada's and ben's first one would have.
    await Promise.all([
      assertEnded(cyds.dialog, { timeoutMs: WAIT_MS }),
      lasts.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS }),
    ]);
    assert.deepEqual([adas.dialog.state, bens.dialog.state], ['confirmed', 'confirmed']);
    assert.equal(await adas.say('still here'), 200);
    assert.equal((await bens.hear()).text, 'still here');
    await Promise.all([
      adas.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS }),
      bens.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS }),
    ]);
  });

  const expired = stage.cast('expired', { members: ['ada', 'ben', 'cyd'], inviteMembers: false });
  it('R-7.2.1.11-exp: without a refresh the focus ends the leg by 7.2.1.9, not before its time', async () => {
    const [ada, ben, cyd] = await expired.come('ada', 'ben', 'cyd');
    const bens = await ben.join(expired.group);
    const roster = await bens.watch();
    const cyds = await cyd.join(expired.group, { headers: interval(10) });
    const startMs = Date.now();
    const room = await ada.join(expired.group, { headers: interval(3) });
    const bye = await room.dialog.nextRequest('BYE');
    assert.ok(Date.now() - startMs >= earliestMs(3), `${Date.now() - startMs} ms`);
    assert.equal(cyds.dialog.state, 'confirmed', 'the longer interval still runs');
    assert.match(bye.request.header('Reason') ?? '', /session timer/);
    evidence('R-7.2.1.11-exp', wireLine(bye.request, 'CSeq', 'Reason'));
    await assertClosed(room.msrp);
    await roster.until((users) =>
      users.some(
        ({ entity, status, disconnectionMethod }) =>
          entity === ada.uri && status === 'disconnected' && disconnectionMethod === 'booted',
      ),
    );
    assert.match(
      await foundAt(stage.stack, room.dialog.callId, 'R-7.2.1.11-exp'),
      /not refreshed within 3 s/,
    );
    await assertSteps(stage.stack, room.dialog.callId, ['R-7.2.1.9-ok-1 done']);
    assertRefused(
      await room.dialog.reinvite({ headers: interval(3), body: sameOffer(room) }).final(),
      481,
      /dialog/,
    );
    await bens.say('the others go on');
    assert.equal((await cyds.hear()).text, 'the others go on');
  });

  const invited = stage.cast('invited', { members: ['ada', 'ben', 'cyd'] });
  it('R-7.2.1.11-exp: an invited client that agreed to refresh and does not is ended too', async () => {
    const [ada, ben, cyd] = await invited.come('ada', 'ben', 'cyd');
    const call = await ada.dial(invited.group);
    const [room, bens, cyds] = await Promise.all([
      call.room(),
      ben.answerNext({
        headers: [
          ['Session-Expires', '3;refresher=uas'],
          ['Require', 'timer'],
        ],
      }),
      cyd.answerNext(),
    ]);
    await bens.dialog.nextRequest('BYE');
    assert.deepEqual([room.dialog.state, cyds.dialog.state], ['confirmed', 'confirmed']);
    assert.match(await foundAt(stage.stack, bens.dialog.callId, 'R-7.2.1.11-exp'), /3 s/);
  });

  const untimed = stage.cast('untimed', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.11-exp: a client without timer support is supervised all the same (A-6)', async () => {
    const [ada] = await untimed.come('ada');
    const room = await ada.join(untimed.group);
    assert.equal(room.setUpBy.header('Session-Expires'), '10;refresher=uac');
    assert.equal(room.setUpBy.header('Require'), undefined);
    await room.dialog.nextRequest('BYE', { timeoutMs: WAIT_MS });
    await assertSteps(stage.stack, room.dialog.callId, ['R-7.2.1.11-exp done']);
  });

  const short = stage.cast('short', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.11-1: a refresh with too short an interval is answered 422 with Min-SE, and the session goes on', async () => {
    const [ada, ben] = await short.come('ada', 'ben');
    const room = await ada.join(short.group);
    const bens = await ben.join(short.group);
    for (const method of ['INVITE', 'UPDATE'] as const) {
      const options = { headers: interval(1) };
      const response =
        method === 'INVITE'
          ? await room.dialog.reinvite({ ...options, body: sameOffer(room) }).final()
          : await room.dialog.update(options);
      assertRefused(response, 422, /at least 2 s/);
      assert.equal(response.header('Min-SE'), '2');
    }
    const raised = await room.dialog
      .reinvite({ headers: [['Session-Expires', '1']], body: sameOffer(room) })
      .final();
    assert.equal(raised.header('Session-Expires'), '2;refresher=uac', 'raised for who knows no timer');
    const none = await room.dialog.reinvite({ body: sameOffer(room) }).final();
    assert.equal(none.header('Session-Expires'), '10;refresher=uac', 'ours where none is asked for (A-45)');
    const long = await room.dialog.update({ headers: interval(7200) });
    assert.equal(long.header('Session-Expires'), '10;refresher=uac', 'never above ours');
    await room.say('refreshed');
    assert.equal((await bens.hear()).text, 'refreshed');
  });

  const both = stage.cast('both', { members: ['ada', 'ben'], inviteMembers: false });
  it('R-7.2.1.11-1, R-7.2.1.6-3: one re-INVITE with a new offer and Session-Expires gets one 200 for both (A-31)', async () => {
    const [ada] = await both.come('ada');
    const room = await ada.join(both.group);
    const call = room.dialog.reinvite({
      headers: interval(9),
      body: nextOffer(room, { acceptTypes: 'text/plain' }),
    });
    const response = await call.final();
    assert.equal(response.header('Session-Expires'), '9;refresher=uac');
    assert.deepEqual(sdpOf(response)?.acceptTypes, ['text/plain']);
    assert.ok((sdpOf(response)?.sessionVersion ?? 0) > room.peer.sessionVersion);
    await assertSteps(stage.stack, room.dialog.callId, ['R-7.2.1.6-1 done', 'R-7.2.1.11-1 done']);
  });
});

before(() => stage.open({ session: { expiresS: 10, minSeS: 2 } }));
after(() => stage.close());
