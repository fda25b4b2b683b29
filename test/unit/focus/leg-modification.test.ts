/** A leg that is offered something new, as when its session moves to another switch (7.2.2.6). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concluded } from '../../../src/focus/decide.ts';
import { modifyLeg, nextOffer } from '../../../src/focus/leg-modification.ts';
import { Trace } from '../../../src/focus/procedure.ts';
import { Work } from '../../../src/focus/work.ts';
import { sdp } from './messages.ts';
import { headerOf, ofKind, requestsOf, Stage } from './stage.ts';

function offerTo(stage: Stage, name: string, isVital?: true) {
  const work = Work.on(stage.theOnly());
  const world = stage.world();
  const trace = new Trace();
  const { leg, sdp: offer } = nextOffer(work, world, stage.legOf(name));
  modifyLeg(work, world, trace, leg, { sdp: offer, ...(isVital === undefined ? {} : { isVital }) });
  const decision = stage.take(concluded(world, { clause: '7.2.2.6', name: 'a test' }, work, trace));
  return requestsOf(decision, 'INVITE')[0];
}

function running(): Stage {
  const stage = new Stage();
  stage.running();
  return stage;
}

describe('7.2.2.6 an offer of ours to a leg that stands', () => {
  test('a re-INVITE with the next version, the client goes on refreshing (A-6); its answer goes to the switch', () => {
    const stage = running();
    const before = stage.legOf('bob');
    const invite = offerTo(stage, 'bob') ?? assert.fail();
    assert.match(invite.body ?? '', /^o=\S+ \d+ 2 IN/m);
    assert.match(headerOf(invite, 'Session-Expires') ?? '', /;refresher=uas$/);
    assert.equal(invite.cseq, before.dialog.localCSeq + 1);
    const answer = sdp({ path: 'msrp://192.0.2.9:9/moved;tcp', setup: 'active', version: 2 });
    const decision = stage.respond(invite, { status: 200, body: answer });
    assert.match(JSON.stringify(ofKind(decision, 'switch')[0]?.body), /moved/);
    assert.equal(stage.legOf('bob').localSdp, invite.body);
    assert.equal(stage.legOf('bob').asked, undefined);
  });

  test('while one is under way the next waits for its answer, and a refresh does not displace it', () => {
    const stage = running();
    const first = offerTo(stage, 'bob') ?? assert.fail();
    assert.equal(offerTo(stage, 'bob'), undefined);
    const decision = stage.respond(first, { status: 200, body: sdp({ setup: 'active' }) });
    const [second] = requestsOf(decision, 'INVITE');
    assert.equal(second?.cseq, first.cseq + 1);
  });

  test('an offer to who has not acknowledged our 200 yet waits for the ACK', () => {
    const stage = new Stage();
    const { invites } = stage.adHoc(['bob']);
    stage.answer(invites[0] ?? assert.fail());
    assert.equal(offerTo(stage, 'alice'), undefined);
    const decision = stage.ack(stage.inDialog('alice'));
    assert.equal(requestsOf(decision, 'INVITE').length, 1);
  });

  for (const [isVital, state] of [
    [undefined, 'connected'],
    [true, 'leaving'],
  ] as const) {
    test(`488 to ${isVital === true ? 'a vital offer ends the leg' : 'an offer leaves the old parameters'}`, () => {
      const stage = running();
      const { localSdp } = stage.legOf('bob');
      const invite = offerTo(stage, 'bob', isVital) ?? assert.fail();
      const decision = stage.respond(invite, { status: 488 });
      assert.equal(stage.legOf('bob').state, state);
      assert.equal(stage.legOf('bob').localSdp, localSdp);
      assert.equal(requestsOf(decision, 'BYE').length, state === 'leaving' ? 1 : 0);
    });
  }

  test('491: asked again when the wait is over, 2.1 to 4 s in a call of ours and 0 to 2 s in one of theirs', () => {
    for (const [name, least, most] of [
      ['bob', 2_100, 4_000],
      ['alice', 0, 2_000],
    ] as const) {
      const stage = running();
      stage.respond(offerTo(stage, name) ?? assert.fail(), { status: 491 });
      const due = (stage.legOf(name).deadlines.wanted ?? Number.NaN) - stage.nowMs;
      assert.ok(due >= least && due <= most, `${name}: ${due} ms`);
      assert.equal(offerTo(stage, name), undefined, 'not before');
      stage.nowMs += due;
      assert.equal(requestsOf(stage.deadline(stage.legOf(name), 'wanted'), 'INVITE').length, 1);
    }
  });
});
