/** What happens to invitations and to the one who sent them: the "-ok-" and "-fail-" lists, forks, CANCEL, deadlines. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision } from '../../../src/focus/decide.ts';
import { decideAnswerLost, decideGateFailure, decideRequestLost } from '../../../src/focus/decide-outcome.ts';
import { decideKamailioRestarted, decideReinvite, decideResend } from '../../../src/focus/decide-recovery.ts';
import { STAGE } from '../../../src/focus/decision.ts';
import { listBody, sdp, sdpBody, user } from './messages.ts';
import { effectsOf, group, headerOf, ofKind, requestsOf, Stage } from './stage.ts';

/** Final replies, as `tid code`. */
const finals = (decision: Decision | undefined) =>
  ofKind(decision, 'reply')
    .filter(({ reply }) => reply.code >= 200)
    .map(({ transaction, reply }) => `${transaction.tid} ${reply.code}`);
const methods = (decision: Decision | undefined) =>
  effectsOf(decision).flatMap((effect) =>
    effect.kind === 'request' ? [effect.method] : effect.kind === 'cancel' ? ['CANCEL'] : [],
  );
const clausesOf = (decision: Decision | undefined) => decision?.trace.map(({ id }) => id);

const alone = () => {
  const stage = new Stage();
  const { invites } = stage.adHoc(['bob']);
  const [invite] = invites;
  assert(invite !== undefined);
  return { stage, invite };
};
const pair = () => {
  const stage = new Stage();
  const { invites, decision } = stage.adHoc();
  const [bob, carol] = invites;
  assert(bob !== undefined && carol !== undefined);
  return { stage, bob, carol, decision };
};

describe('setting up', () => {
  test('R-7.2.1.2-8 the switch is told first, then every user is invited once; nobody is answered', () => {
    const { stage, decision } = pair();
    assert.deepEqual(
      ofKind(decision, 'switch').map(({ stage: order, op, isGate }) => [order, op, isGate]),
      [[STAGE.switch, 'session.put', true]],
    );
    assert.deepEqual(
      requestsOf(decision, 'INVITE').map(({ stage: order, requestUri }) => [order, requestUri]),
      [
        [STAGE.requests, user('bob')],
        [STAGE.requests, user('carol')],
      ],
    );
    assert.deepEqual(finals(decision), []);
    assert.equal(stage.theOnly().row.phase, 'forming');
    assert.equal(stage.sessions.pendingInvites, 3);
  });

  test('7.2.2.2 an invitation names the session, its focus and who invites', () => {
    const stage = new Stage();
    const { invites } = stage.adHoc(['bob'], {
      asserted: undefined,
      extra: [
        ['Subject', 'Harbour'],
        ['Contribution-ID', 'c-1'],
      ],
    } as object);
    const { identity } = stage.theOnly().row;
    const [invite] = invites;
    assert.equal(headerOf(invite, 'Contact'), `<${identity}>;isfocus;+g.oma.sip-im`);
    assert.equal(headerOf(invite, 'From')?.replace(/;tag=.*/, ''), `<${identity}>`);
    assert.equal(headerOf(invite, 'P-Asserted-Identity'), `<${user('alice')}>`);
    assert.equal(headerOf(invite, 'Referred-By'), `<${user('alice')}>`);
    assert.equal(headerOf(invite, 'Session-Expires'), '1800;refresher=uas');
    assert.equal(headerOf(invite, 'Subject'), 'Harbour');
    assert.equal(headerOf(invite, 'Contribution-ID'), 'c-1');
    assert.match(invite?.body ?? '', /a=path:msrp:\/\/192\.0\.2\.1:2855\/t\d+;tcp/);
    assert.match(invite?.body ?? '', /a=setup:actpass/);
  });

  test('A-18 with nobody to invite the sender is answered behind the switch', () => {
    const stage = new Stage({}, [
      group('solo', ['alice']),
      group('room', ['alice', 'bob'], { inviteMembers: false }),
    ]);
    for (const name of ['solo', 'room']) {
      const decision = stage.request({ uri: user(name), callId: name, ...sdpBody() });
      assert.equal(finals(decision).length, 1);
      assert.deepEqual(methods(decision), []);
      assert.equal(ofKind(decision, 'switch')[0]?.isGate, true);
    }
  });

  test('R-7.2.1.3-8a members are invited, the initiator is not, up to the maximum', () => {
    const members = ['alice', 'bob', 'carol', 'dave'];
    const stage = new Stage({}, [group('crew', members, { maxParticipantCount: 3 })]);
    const decision = stage.request({ uri: user('crew'), ...sdpBody() });
    const invited = requestsOf(decision, 'INVITE').map(({ requestUri }) => requestUri);
    assert.deepEqual(invited, [user('bob'), user('carol')]);
  });
});

describe('answers of invited users', () => {
  test('180 reaches the inviter once, 100 and 183 change nothing of it', () => {
    const { stage, bob, carol } = pair();
    const codes = (decision: Decision | undefined) =>
      ofKind(decision, 'reply').map(({ reply }) => reply.code);
    assert.deepEqual(codes(stage.respond(bob, { status: 100 })), []);
    assert.deepEqual(codes(stage.respond(bob, { status: 180, toTag: 'b' })), [180]);
    assert.deepEqual(codes(stage.respond(carol, { status: 180, toTag: 'c' })), []);
    assert.deepEqual(stage.presence(), { alice: 'disconnected', bob: 'alerting', carol: 'alerting' });
  });

  test('R-7.2.1.2-ok-1 the first 200 answers the inviter by 7.2.1.1, the second does not', () => {
    const { stage, bob, carol } = pair();
    const first = stage.answer(bob);
    assert.deepEqual(finals(first), ['tid-1 200']);
    const [reply] = ofKind(first, 'reply');
    assert.equal(headerOf(reply?.reply, 'Session-Expires'), '1800;refresher=uac');
    assert.equal(headerOf(reply?.reply, 'Require'), 'timer');
    assert.equal(headerOf(reply?.reply, 'P-Asserted-Identity'), '<sip:chat@im.example>');
    assert.equal(
      headerOf(reply?.reply, 'Contact'),
      `<${stage.theOnly().row.identity}>;isfocus;+g.oma.sip-im`,
    );
    assert.match(headerOf(reply?.reply, 'Server') ?? '', /^IM-serv\/OMA1\.0/);
    assert.match(headerOf(reply?.reply, 'Allow') ?? '', /SUBSCRIBE/);
    const second = stage.answer(carol);
    assert.deepEqual(finals(second), []);
    assert.equal(second?.trace.at(-1)?.id, 'R-7.2.1.2-ok-1');
    assert.deepEqual(stage.presence(), { alice: 'connected', bob: 'connected', carol: 'connected' });
    assert.equal(stage.sessions.pendingInvites, 0);
  });

  test('R-7.2.1.2-ok-2a accept-types: in the offer, in the answer, allowed', () => {
    for (const [theirs, expected] of [
      ['text/plain', 'text/plain'],
      ['message/cpim text/plain text/html', 'message/cpim text/plain'],
      // Nothing in common: the switch converts, so the offer and policy decide.
      ['text/html', 'message/cpim text/plain'],
    ] as const) {
      const { stage, invite } = alone();
      const decision = stage.answer(invite, { body: sdp({ acceptTypes: theirs }) });
      const [reply] = ofKind(decision, 'reply');
      assert.match(reply?.reply.body ?? '', new RegExp(`a=accept-types:${expected}\r\n`));
    }
  });

  test('R-7.2.1.2-fail-1 the inviter is refused after the last failure, with the lowest code', () => {
    const { stage, bob, carol } = pair();
    assert.deepEqual(finals(stage.respond(bob, { status: 603 })), []);
    const decision = stage.respond(carol, { status: 486 });
    assert.deepEqual(finals(decision), ['tid-1 486']);
    assert.equal(stage.sessions.size, 0);
    assert.equal(ofKind(decision, 'switch').at(-1)?.op, 'session.drop');
  });

  for (const [policy, expected] of [
    ['lowest', 480],
    ['highest-class', 600],
    [404, 404],
  ] as const) {
    test(`R-7.2.1.2-fail-1s policy ${policy}`, () => {
      const stage = new Stage({ adHoc: { maxParticipants: 4, allowEmptyList: false, failureCode: policy } });
      const { invites } = stage.adHoc(['bob', 'carol', 'dave']);
      const decisions = [603, 600, 302].map((status, index) =>
        stage.respond(invites[index] ?? { headers: [] }, { status }),
      );
      assert.deepEqual(finals(decisions.at(-1)), [`tid-1 ${expected}`]);
    });
  }

  test('R-7.2.1.2-fail-2 who answered has left and the last invitation fails: the inviter is removed (A-15)', () => {
    const { stage, bob, carol } = pair();
    stage.answer(bob);
    stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    assert.equal(stage.theOnly().row.phase, 'active');
    const decision = stage.respond(carol, { status: 480 });
    assert.deepEqual(methods(decision), ['BYE']);
    assert.equal(stage.legOf('alice').state, 'leaving');
  });

  test('an answer without a usable MSRP line is ended and counts as a failure', () => {
    const { stage, bob, carol } = pair();
    const decision = stage.answer(bob, { body: sdp({ media: 'audio' }) });
    assert.deepEqual(methods(decision), ['BYE']);
    assert.deepEqual(finals(decision), []);
    assert.deepEqual(finals(stage.respond(carol, { status: 603 })), ['tid-1 488']);
  });

  test('when it was the only one the inviter is refused at once', () => {
    const { stage, invite } = alone();
    const decision = stage.answer(invite, { body: sdp({ port: 0 }) });
    assert.deepEqual(finals(decision), ['tid-1 488']);
    assert.deepEqual(methods(decision), ['BYE']);
    const [bye] = requestsOf(decision, 'BYE');
    assert(bye !== undefined);
    stage.respond(bye, { status: 200 });
    assert.equal(stage.sessions.size, 0);
  });

  test('RFC3261-13.2.2.4 another fork is ACKed with its own tag and ended; the same answer again is nothing', () => {
    const { stage, invite } = alone();
    stage.answer(invite);
    assert.equal(stage.answer(invite), undefined);
    const fork = stage.answer(invite, { toTag: 'fork', contact: '<sip:bob@fork.example>' });
    assert.deepEqual(
      ofKind(fork, 'request').map(({ method, cseq, requestUri }) => [method, cseq, requestUri]),
      [
        ['ACK', 1, 'sip:bob@fork.example'],
        ['BYE', 2, 'sip:bob@fork.example'],
      ],
    );
    assert.match(headerOf(ofKind(fork, 'request')[0], 'To') ?? '', /;tag=fork$/);
    assert.equal(stage.legOf('bob').state, 'connected');
  });

  test('an answer that comes after the end is ended with a BYE; other responses are nothing', () => {
    const { stage, invite } = alone();
    stage.cancel({ callId: 'alice-1' });
    assert.equal(stage.sessions.size, 0);
    assert.equal(stage.respond(invite, { status: 487 }), undefined);
    const stray = stage.answer(invite);
    assert.deepEqual(methods(stray), ['BYE']);
    assert.equal(requestsOf(stray, 'BYE')[0]?.cseq, 2);
    assert.equal(stray?.changes, undefined);
  });

  test('a response that is not to a request of ours changes nothing', () => {
    const { stage } = alone();
    const headers = [
      ['From', '<sip:x@y>;tag=unknown'],
      ['To', '<sip:z@y>;tag=z'],
      ['Call-ID', 'unknown'],
      ['CSeq', '1 NOTIFY'],
    ] as const;
    assert.equal(stage.respond({ headers }, { status: 481 }), undefined);
  });
});

describe('who gives up', () => {
  test('RFC3261-9.2 CANCEL of the inviter: 487, every invitation is cancelled, the session is over', () => {
    const { stage } = pair();
    const decision = stage.cancel({ callId: 'alice-1' });
    assert.deepEqual(finals(decision), ['tid-1 487']);
    assert.deepEqual(methods(decision), ['CANCEL', 'CANCEL']);
    assert.equal(stage.sessions.size, 0);
    assert.equal(stage.sessions.pendingInvites, 0);
  });

  test('CANCEL of another Call-ID, of another caller, or after the answer is nothing', () => {
    const { stage, bob } = pair();
    assert.equal(stage.cancel({ callId: 'other' }), undefined);
    assert.equal(stage.cancel({ callId: 'alice-1', fromTag: 'other' }), undefined);
    stage.answer(bob);
    assert.equal(stage.cancel({ callId: 'alice-1' }), undefined);
  });

  test('RFC3261-15.1.2 a BYE in the early dialog ends the pending INVITE with 487', () => {
    const { stage, bob } = pair();
    stage.respond(bob, { status: 180, toTag: 'b' });
    const decision = stage.request({ ...stage.inDialog('alice'), method: 'BYE' });
    assert.deepEqual(finals(decision).toSorted(), ['tid-1 487', 'tid-2 200']);
    assert.deepEqual(methods(decision), ['CANCEL', 'CANCEL']);
    assert.equal(stage.sessions.size, 0);
  });

  test('who joins by itself has its pending invitation cancelled', () => {
    const stage = new Stage({}, [group('crew', ['alice', 'bob'])]);
    const [invite] = requestsOf(
      stage.request({ uri: user('crew'), callId: 'alice-1', ...sdpBody() }),
      'INVITE',
    );
    assert(invite !== undefined);
    const decision = stage.request({ uri: user('crew'), from: user('bob'), callId: 'bob-1', ...sdpBody() });
    assert.deepEqual(finals(decision).toSorted(), ['tid-1 200', 'tid-2 200']);
    assert.deepEqual(methods(decision), ['CANCEL']);
    assert.deepEqual(stage.presence(), { alice: 'connected', bob: 'connected' });
  });
});

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

  test('RFC3261-13.3.1.4 the caller was gone before the answer', () => {
    const { stage, bob } = pair();
    stage.answer(bob);
    const decision = stage.take(
      decideAnswerLost(stage.world(), stage.theOnly().row.id, stage.legOf('alice').id),
    );
    assert.deepEqual(methods(decision), []);
    assert.equal(stage.presence()['alice'], 'disconnected');
  });

  test('the answer to a re-INVITE was lost: the dialog stands, so it is ended with a BYE', () => {
    for (const name of ['alice', 'bob']) {
      const stage = new Stage();
      stage.running();
      const { id } = stage.legOf(name);
      const decision = stage.take(decideAnswerLost(stage.world(), stage.theOnly().row.id, id));
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

test('the trace of a set-up has the steps of its clause in their order', () => {
  assert.deepEqual(
    clausesOf(new Stage().request({ ...listBody([user('bob')]) }))?.filter((id) => id.startsWith('R-')),
    ['-1', '-2', '-3', '-4', '-5', '-6', '-7', '-8', '-0'].map((step) => `R-7.2.1.2${step}`),
  );
});
