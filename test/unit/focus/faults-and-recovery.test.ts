/** What did not come in time, what did not leave, and what a restart cut off. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decideAnswerLost,
  decideGateFailure,
  decideRequestLost,
} from '../../../src/focus/decide-failed-effect.ts';
import { decideKamailioRestarted, decideReinvite, decideResend } from '../../../src/focus/decide-recovery.ts';
import { sdp, sdpBody, user } from './messages.ts';
import { alone, finals, methods, pair } from './outcomes.ts';
import { effectsOf, group, headerOf, ofKind, requestsOf, Stage } from './stage.ts';

describe('deadlines', () => {
  test('an invitation that nobody answers is cancelled and counts as 408', () => {
    const { stage, invite } = alone();
    const leg = stage.legOf('bob');
    assert.equal(leg.deadlines.invite, stage.nowMs + 60_000);
    stage.nowMs += 59_999;
    assert.equal(stage.deadline(leg, 'invite'), undefined);
    stage.nowMs += 1;
    const decision = stage.deadline(leg, 'invite');
    assert.deepEqual(methods(decision), ['CANCEL']);
    assert.deepEqual(finals(decision), ['tid-1 408']);
    assert.deepEqual(methods(stage.answer(invite)), ['BYE']);
  });

  test('a 200 that is not acknowledged ends in a BYE after 32 s, an acknowledged one does not', () => {
    for (const isAcknowledged of [true, false]) {
      const { stage, invite } = alone();
      stage.answer(invite);
      const leg = stage.legOf('alice');
      if (isAcknowledged) stage.ack(stage.inDialog('alice'));
      stage.nowMs += 32_000;
      const decision = stage.deadline(leg, 'ack');
      assert.deepEqual(methods(decision), isAcknowledged ? [] : ['BYE']);
    }
  });

  test('R-7.2.1.11-exp a session that is not refreshed ends before its interval does', () => {
    const { stage, invite } = alone();
    stage.answer(invite);
    stage.ack(stage.inDialog('alice'));
    const leg = stage.legOf('alice');
    assert.equal(leg.deadlines.session, stage.nowMs + (1800 - 32) * 1000);
    stage.nowMs += (1800 - 32) * 1000;
    const decision = stage.deadline(leg, 'session');
    assert.deepEqual(methods(decision), ['BYE']);
    assert.equal(stage.legOf('alice').leaveAs, 'booted');
  });

  test('A-42 a BYE without a response ends the leg after its time', () => {
    const stage = new Stage();
    stage.running();
    stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    stage.request({ ...stage.inDialog('carol'), method: 'BYE' });
    const leg = stage.legOf('alice');
    assert.equal(leg.state, 'leaving');
    stage.nowMs += 34_000;
    const decision = stage.deadline(leg, 'bye');
    assert.equal(decision?.clause, '7.2.1.9');
    assert.equal(stage.sessions.size, 0);
  });

  test('deadlines of a session that is over do nothing', () => {
    const { stage } = alone();
    const leg = stage.legOf('bob');
    const conference = stage.theOnly().row.id;
    stage.cancel({ callId: 'alice-1' });
    stage.nowMs += 1e9;
    assert.equal(stage.sessions.byId(conference), undefined);
    assert.throws(() => stage.deadline(leg, 'invite'), /0 sessions/);
  });
});

describe('what did not leave', () => {
  test('7.2.3 the switch refuses a new session: 503 to the inviter, nobody was invited', () => {
    const { stage, decision } = pair();
    const dropped = effectsOf(decision).filter((effect) => effect.stage > 0);
    const failed = stage.take(
      decideGateFailure(stage.world(), stage.theOnly().row.id, dropped, 'limit: full'),
    );
    assert.deepEqual(finals(failed), ['tid-1 503']);
    assert.deepEqual(methods(failed), []);
    assert.equal(stage.sessions.size, 0);
  });

  test('7.2.3 the switch refuses who joins: 503 to them alone, and their cancelled invitation stays cancelled', () => {
    const stage = new Stage({}, [group('crew', ['alice', 'bob', 'carol'])]);
    const invites = requestsOf(
      stage.request({ uri: user('crew'), callId: 'alice-1', ...sdpBody() }),
      'INVITE',
    );
    stage.answer(invites[0] ?? assert.fail());
    const join = stage.request({ uri: user('crew'), from: user('carol'), callId: 'carol-1', ...sdpBody() });
    const dropped = effectsOf(join).filter((effect) => effect.stage > 0);
    const failed = stage.take(decideGateFailure(stage.world(), stage.theOnly().row.id, dropped, 'silent'));
    assert.deepEqual(finals(failed), ['tid-2 503']);
    assert.deepEqual(methods(failed), ['CANCEL']);
    assert.deepEqual(stage.presence(), { alice: 'connected', bob: 'connected', carol: 'disconnected' });
  });

  test('7.2.3 the switch refuses a new offer of somebody who is in: 503, and a BYE ends their dialog', () => {
    const stage = new Stage();
    stage.running();
    const change = stage.request({
      ...stage.inDialog('bob'),
      ...sdpBody(sdp({ version: 2, path: 'msrp://192.0.2.9:9/new;tcp' })),
    });
    assert.equal(ofKind(change, 'switch')[0]?.op, 'leg.put');
    const dropped = effectsOf(change).filter((effect) => effect.stage > 0);
    const failed = stage.take(decideGateFailure(stage.world(), stage.theOnly().row.id, dropped, 'silent'));
    assert.deepEqual(finals(failed), ['tid-2 503']);
    assert.deepEqual(methods(failed), ['BYE']);
    assert.equal(stage.legOf('bob').state, 'leaving');
  });

  test('RFC3261-15 nor of somebody whose ACK is still to come: their BYE waits for it', () => {
    const { stage, bob } = pair();
    stage.answer(bob);
    const change = stage.request({
      ...stage.inDialog('alice'),
      ...sdpBody(sdp({ version: 2, path: 'msrp://192.0.2.9:9/new;tcp' })),
    });
    const dropped = effectsOf(change).filter((effect) => effect.stage > 0);
    const failed = stage.take(decideGateFailure(stage.world(), stage.theOnly().row.id, dropped, 'silent'));
    assert.deepEqual(finals(failed), ['tid-2 503']);
    assert.equal(stage.legOf('alice').state, 'leaving');
    stage.nowMs += 32_000;
    assert.deepEqual(methods(stage.deadline(stage.legOf('alice'), 'ack')), ['BYE']);
  });

  test('RFC3261-13.3.1.4 the caller was gone before the answer', () => {
    const { stage, bob } = pair();
    const [lost] = ofKind(stage.answer(bob), 'reply');
    assert(lost !== undefined);
    const decision = stage.take(decideAnswerLost(stage.world(), stage.theOnly().row.id, lost));
    assert.deepEqual(methods(decision), []);
    assert.equal(stage.presence()['alice'], 'disconnected');
  });

  test('the answer to a re-INVITE was lost: the dialog stands, so it is ended with a BYE', () => {
    for (const name of ['alice', 'bob']) {
      const stage = new Stage();
      stage.running();
      const [lost] = ofKind(
        stage.request({ ...stage.inDialog(name), ...sdpBody(sdp({ version: 2 })) }),
        'reply',
      );
      assert(lost !== undefined);
      const decision = stage.take(decideAnswerLost(stage.world(), stage.theOnly().row.id, lost));
      assert.deepEqual(methods(decision), ['BYE'], name);
    }
  });

  test('an INVITE that could not leave counts as 503, a NOTIFY is tried again, a BYE is left to its deadline', () => {
    const { stage, invite } = alone();
    const conference = stage.theOnly().row.id;
    const lost = stage.take(decideRequestLost(stage.world(), conference, invite, 'refused'));
    assert.deepEqual(finals(lost), ['tid-1 503']);
    assert.equal(decideRequestLost(stage.world(), conference, invite, 'refused'), undefined);

    const on = new Stage();
    on.running();
    const subscribed = on.request({
      method: 'SUBSCRIBE',
      uri: on.theOnly().row.identity,
      callId: 'sub',
      extra: [['Event', 'conference']],
    });
    const [notify] = requestsOf(subscribed, 'NOTIFY');
    assert(notify !== undefined);
    on.take(decideRequestLost(on.world(), on.theOnly().row.id, notify, 'refused'));
    const [subscription] = on.theOnly().subscriptions.values();
    assert.equal(subscription?.deadlines.notify, on.nowMs + 2000);
    on.request({ ...on.inDialog('bob'), method: 'BYE' });
    const [bye] = requestsOf(on.request({ ...on.inDialog('carol'), method: 'BYE' }), 'BYE');
    assert(bye !== undefined);
    assert.equal(decideRequestLost(on.world(), on.theOnly().row.id, bye, 'refused'), undefined);
  });
});

describe('after a restart', () => {
  test('an invitation of unknown fate: CANCEL, then a new INVITE with a new Call-ID behind the switch', () => {
    const { stage, invite } = alone();
    const decision = stage.take(decideReinvite(stage.world(), stage.theOnly().row.id, stage.legOf('bob').id));
    const [cancel] = ofKind(decision, 'cancel');
    const [again] = requestsOf(decision, 'INVITE');
    assert.equal(cancel?.callId, invite.callId);
    assert.notEqual(again?.callId, invite.callId);
    assert.equal(again?.requestUri, user('bob'));
    assert.equal(ofKind(decision, 'switch').find(({ isGate }) => isGate)?.op, 'leg.put');
    assert.deepEqual(finals(stage.answer(again ?? assert.fail())), ['tid-1 200']);
  });

  test('the switch refuses the new invitation: the CANCEL of the old one still leaves, the inviter gets 503', () => {
    const { stage, invite } = alone();
    const { id } = stage.theOnly().row;
    const decision = stage.take(decideReinvite(stage.world(), id, stage.legOf('bob').id));
    const dropped = effectsOf(decision).filter((effect) => effect.stage > 0);
    const failed = stage.take(decideGateFailure(stage.world(), id, dropped, 'silent'));
    assert.deepEqual(
      ofKind(failed, 'cancel').map(({ callId }) => callId),
      [invite.callId],
    );
    assert.deepEqual(finals(failed), ['tid-1 503']);
    assert.equal(stage.sessions.size, 0);
  });

  test('a BYE and a NOTIFY of unknown fate go again with the next CSeq; one whose row is gone does not', () => {
    const stage = new Stage();
    stage.running();
    const subscribed = stage.request({
      method: 'SUBSCRIBE',
      uri: stage.theOnly().row.identity,
      callId: 'sub',
      extra: [['Event', 'conference']],
    });
    const [notify] = requestsOf(subscribed, 'NOTIFY');
    const { id } = stage.theOnly().row;
    const again = stage.take(decideResend(stage.world(), id, notify ?? assert.fail()));
    assert.equal(requestsOf(again, 'NOTIFY')[0]?.cseq, (notify?.cseq ?? 0) + 1);
    stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    const released = stage.request({ ...stage.inDialog('carol'), method: 'BYE' });
    const [bye] = requestsOf(released, 'BYE');
    const resent = stage.take(decideResend(stage.world(), id, bye ?? assert.fail()));
    const [second] = requestsOf(resent, 'BYE');
    assert.equal(second?.cseq, (bye?.cseq ?? 0) + 1);
    // The response to the first BYE is not the one that counts now.
    assert.equal(stage.respond(bye ?? assert.fail(), { status: 481 }), undefined);
    stage.respond(second ?? assert.fail(), { status: 481 });
    assert.equal(stage.sessions.size, 0);
    assert.equal(decideResend(stage.world(), id, bye ?? assert.fail()), undefined);
  });

  test('the progress of a REFER goes again and counts in the dialog of its leg; so does the invitation it tells of', () => {
    const stage = new Stage();
    stage.running();
    const refer = stage.request({
      ...stage.inDialog('alice'),
      method: 'REFER',
      extra: [['Refer-To', `<${user('dave')}>`]],
    });
    const { id } = stage.theOnly().row;
    const [trying] = requestsOf(refer, 'NOTIFY');
    const [invite] = requestsOf(refer, 'INVITE');
    const again = stage.take(decideResend(stage.world(), id, trying ?? assert.fail()));
    const [repeated] = requestsOf(again, 'NOTIFY');
    assert.deepEqual([repeated?.cseq, headerOf(repeated, 'CSeq')], [2, '2 NOTIFY']);
    assert.equal(repeated?.body, trying?.body);
    assert.equal(stage.legOf('alice').dialog.localCSeq, 2);

    // The invitation goes again too, under another leg, and the referrer is told what becomes of that one.
    const anew = stage.take(decideReinvite(stage.world(), id, stage.legOf('dave').id));
    const [second] = requestsOf(anew, 'INVITE');
    assert.notEqual(second?.callId, invite?.callId);
    const refused = stage.respond(second ?? assert.fail(), { status: 486 });
    const [told] = requestsOf(refused, 'NOTIFY');
    assert.match(told?.body ?? '', /^SIP\/2\.0 486/);
    assert.equal(told?.cseq, 3);
  });

  test('RFC3261-17 Kamailio was restarted: the caller is gone, and the invitations are cancelled', () => {
    const { stage } = pair();
    const { id } = stage.theOnly().row;
    assert.equal(decideKamailioRestarted(stage.world(), id, 'k2', 'e2'), undefined);
    const decision = stage.take(decideKamailioRestarted(stage.world(), id, 'k1', 'e2'));
    assert.deepEqual(finals(decision), []);
    assert.deepEqual(methods(decision), ['CANCEL', 'CANCEL']);
    assert.equal(stage.sessions.size, 0);
  });

  test('RFC3261-17 of a running session the invitations that died with it have failed, one by one', () => {
    const stage = new Stage();
    const { invites } = stage.adHoc(['bob', 'carol', 'dave']);
    stage.answer(invites[0] ?? assert.fail());
    const { id } = stage.theOnly().row;
    const decisions = [1, 2, 3].map(() => stage.take(decideKamailioRestarted(stage.world(), id, 'k1', 'e2')));
    assert.deepEqual(
      decisions.map((decision) => decision !== undefined),
      [true, true, false],
    );
    assert.deepEqual(stage.presence(), {
      alice: 'connected',
      bob: 'connected',
      carol: 'disconnected',
      dave: 'disconnected',
    });
  });
});
