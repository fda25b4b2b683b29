/** What happens to invitations and to the one who sent them: the "-ok-" and "-fail-" lists, forks, CANCEL. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision } from '../../../src/focus/decide.ts';
import { STAGE } from '../../../src/focus/decision.ts';
import { listBody, sdp, sdpBody, user } from './messages.ts';
import { alone, clausesOf, finals, methods, pair } from './outcomes.ts';
import { group, headerOf, ofKind, requestsOf, SETTINGS, Stage } from './stage.ts';

describe('adding', () => {
  test('RFC3515-2.4.4 who was referred to joins by itself: the invitation is cancelled, and the REFER has its end', () => {
    const stage = new Stage();
    stage.running();
    const { identity } = stage.theOnly().row;
    const extra = [['Refer-To', `<${user('dave')}>`]] as const;
    for (const options of [stage.inDialog('alice'), { uri: identity, callId: 'refer-1' }])
      stage.request({ ...options, method: 'REFER', extra });
    const joined = stage.request({ uri: identity, from: user('dave'), callId: 'dave-1', ...sdpBody() });
    assert.equal(ofKind(joined, 'cancel').length, 1);
    const [told, ...others] = requestsOf(joined, 'NOTIFY');
    assert.deepEqual(others, []);
    assert.match(headerOf(told, 'Subscription-State') ?? '', /^terminated/);
    assert.match(told?.body ?? '', /^SIP\/2\.0 200 /);
    assert.equal(stage.theOnly().subscriptions.size, 0);
  });
});

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
    const list = second?.trace.filter(({ id }) => id.startsWith('R-7.2.1.2-ok-'));
    assert.deepEqual(
      list?.map(({ id, verdict }) => [id, verdict]),
      [['R-7.2.1.2-ok-1', 'stop']],
    );
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
      const stage = new Stage({ adHoc: { ...SETTINGS.adHoc, failureCode: policy } });
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
    stage.ack(stage.inDialog('alice'));
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

test('the trace of a set-up has the steps of its clause in their order', () => {
  assert.deepEqual(
    clausesOf(new Stage().request({ ...listBody([user('bob')]) }))?.filter((id) => id.startsWith('R-')),
    ['-1', '-2', '-ims', '-3', '-4', '-5', '-6', '-7', '-8'].map((step) => `R-7.2.1.2${step}`),
  );
});
