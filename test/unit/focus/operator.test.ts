/** An operator's orders to a running session, as decisions: what leaves, what the roster shows, who may return. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decideOperatorOrder, type OperatorOrder } from '../../../src/focus/operator.ts';
import { addressKey } from '../../../src/sip/uri.ts';
import { listBody, sdpBody, user } from './messages.ts';
import { group, headerOf, ofKind, requestsOf, Stage, warningOf } from './stage.ts';

type Given = OperatorOrder extends infer O
  ? O extends OperatorOrder
    ? Omit<O, 'session' | 'by'>
    : never
  : never;

function order(stage: Stage, given: Given) {
  const outcome = decideOperatorOrder(stage.world(), {
    session: stage.theOnly().row.id,
    by: 'token:ops',
    ...given,
  } as OperatorOrder);
  if (outcome.kind === 'decided') stage.take(outcome.decision);
  return outcome;
}

function decisionOf(outcome: ReturnType<typeof order>) {
  assert.equal(outcome.kind, 'decided');
  return outcome.kind === 'decided' ? outcome.decision : assert.fail();
}

const bob = { kind: 'remove', userKey: addressKey(user('bob')) } as const;

function running(): Stage {
  const stage = new Stage();
  stage.running();
  return stage;
}

function call(stage: Stage, name: string, callId: string) {
  return stage.request({
    method: 'INVITE',
    uri: stage.theOnly().row.identity,
    from: user(name),
    fromTag: `${name}-${callId}`,
    callId,
    ...sdpBody(),
  });
}

/** The BYE has its answer. */
function byeAnswered(stage: Stage, decision: ReturnType<typeof decisionOf>): void {
  for (const bye of requestsOf(decision, 'BYE')) {
    stage.respond(bye, { status: 200, reason: 'OK' });
  }
}

describe('7.2.1.9 an operator removes a participant', () => {
  test('the only one who was invited: whoever waits for them is refused, and the session is given up', () => {
    const stage = new Stage();
    stage.request({ callId: 'alice-1', ...listBody([user('bob')]) });
    const decision = decisionOf(order(stage, bob));
    assert.deepEqual(
      ofKind(decision, 'reply').map(({ transaction, reply }) => [transaction.tid, reply.code]),
      [['tid-1', 480]],
    );
    assert.equal(ofKind(decision, 'cancel').length, 1);
    assert.equal(stage.sessions.size, 0);
  });

  test('who set the session up, before anybody has answered: the invitations are cancelled', () => {
    const stage = new Stage();
    stage.request({ callId: 'alice-1', ...listBody([user('bob'), user('carol')]) });
    const decision = decisionOf(order(stage, { kind: 'remove', userKey: addressKey(user('alice')) }));
    assert.deepEqual(
      ofKind(decision, 'reply').map(({ reply }) => reply.code),
      [480],
    );
    assert.equal(ofKind(decision, 'cancel').length, 2);
    assert.equal(stage.sessions.size, 0);
  });

  test('BYE with the reason given, booted in the roster, and no way back', () => {
    const stage = running();
    const decision = decisionOf(order(stage, { ...bob, reason: 'abuse' }));
    const byes = requestsOf(decision, 'BYE');
    assert.deepEqual(
      byes.map(({ requestUri, headers }) => [requestUri.includes('bob'), headerOf({ headers }, 'Reason')]),
      [[true, 'SIP;cause=200;text="abuse"']],
    );
    assert.deepEqual(
      decision.trace.slice(0, 2).map(({ found }) => found.split(';')[0]),
      ['token:ops', user('bob')],
    );
    byeAnswered(stage, decision);
    const row = [...stage.theOnly().participants.values()].find(({ address }) => address === user('bob'));
    assert.deepEqual(row?.left, { method: 'booted', reason: 'abuse' });
    assert.equal(row?.presence, 'disconnected');
    const back = call(stage, 'bob', 'back-1');
    assert.equal(back.reply?.code, 403);
    assert.match(warningOf(back.reply), /the user was removed from this session/);
  });

  test('the others go on while enough of them are left, and not when too few are (A-43)', () => {
    const stage = running();
    const first = decisionOf(order(stage, bob));
    assert.equal(stage.theOnly().row.phase, 'active');
    byeAnswered(stage, first);
    const second = decisionOf(order(stage, { kind: 'remove', userKey: addressKey(user('carol')) }));
    assert.equal(stage.theOnly().row.phase, 'ending');
    assert.equal(requestsOf(second, 'BYE').length, 2);
  });

  test('somebody who is still being called: CANCEL', () => {
    const stage = new Stage();
    const { invites } = stage.adHoc();
    const [, carol] = invites;
    assert(carol !== undefined);
    stage.answer(carol);
    stage.ack(stage.inDialog('alice'));
    const decision = decisionOf(order(stage, bob));
    assert.equal(ofKind(decision, 'cancel').length, 1);
    assert.equal(requestsOf(decision, 'BYE').length, 0);
  });

  test('twice is as once; somebody who was never there is nobody', () => {
    const stage = running();
    byeAnswered(stage, decisionOf(order(stage, bob)));
    assert.equal(order(stage, bob).kind, 'unchanged');
    assert.equal(order(stage, { kind: 'remove', userKey: addressKey(user('mallory')) }).kind, 'no-user');
  });
});

describe('7.2.2.8 an operator ends a session', () => {
  test('a BYE to everybody, and the session is over when they are answered', () => {
    const stage = running();
    const { id } = stage.theOnly().row;
    const decision = decisionOf(order(stage, { kind: 'end', reason: 'maintenance' }));
    const byes = requestsOf(decision, 'BYE');
    assert.equal(byes.length, 3);
    for (const { headers } of byes)
      assert.match(headerOf({ headers }, 'Reason') ?? '', /text="maintenance"$/);
    assert.equal(order(stage, { kind: 'end' }).kind, 'unchanged');
    assert.equal(order(stage, bob).kind, 'ending');
    assert.equal(order(stage, { kind: 'limit', isFrozen: true }).kind, 'ending');
    byeAnswered(stage, decision);
    assert.equal(stage.sessions.size, 0);
    const late = decideOperatorOrder(stage.world(), { kind: 'end', session: id, by: 'token:ops' });
    assert.equal(late.kind, 'no-session');
  });

  test('a session that is still forming: the caller gets 480, who is called a CANCEL', () => {
    const stage = new Stage();
    stage.adHoc();
    const decision = decisionOf(order(stage, { kind: 'end' }));
    assert.deepEqual(
      ofKind(decision, 'reply').map(({ reply }) => reply.code),
      [480],
    );
    assert.equal(ofKind(decision, 'cancel').length, 2);
    assert.equal(stage.sessions.size, 0);
  });
});

describe('an operator limits a session', () => {
  const members = ['alice', 'bob', 'carol', 'dave'];

  function groupSession(): Stage {
    const stage = new Stage({}, [group('team', members, { inviteMembers: false })]);
    for (const name of ['alice', 'bob']) join(stage, name);
    return stage;
  }

  function join(stage: Stage, name: string) {
    const decision = stage.request({
      method: 'INVITE',
      uri: user('team'),
      from: user(name),
      fromTag: `tag-${name}`,
      callId: `call-${name}`,
      ...sdpBody(),
    });
    if (decision.reply === undefined) stage.ack(stage.inDialog(name));
    return decision;
  }

  test('frozen: 480 with a Warning to who is not there; who is there may come back; thawed: all as before', () => {
    const stage = groupSession();
    decisionOf(order(stage, { kind: 'limit', isFrozen: true }));
    const refused = join(stage, 'carol');
    assert.equal(refused.reply?.code, 480);
    assert.match(warningOf(refused.reply), /the session takes nobody new at the moment/);
    assert.match(refused.trace.at(-1)?.found ?? '', /an operator has frozen it/);
    assert.equal(call(stage, 'bob', 'bob-2').reply, undefined);
    assert.equal(order(stage, { kind: 'limit', isFrozen: true }).kind, 'unchanged');
    decisionOf(order(stage, { kind: 'limit', isFrozen: false }));
    assert.equal(join(stage, 'carol').reply, undefined);
  });

  test('frozen: nobody is added by REFER either', () => {
    const stage = running();
    decisionOf(order(stage, { kind: 'limit', isFrozen: true }));
    const decision = stage.request({
      ...stage.inDialog('alice'),
      method: 'REFER',
      extra: [['Refer-To', `<${user('dave')}>`]],
    });
    assert.equal(decision.reply?.code, 480);
  });

  test('of what was seen: nothing is done when somebody else has changed it meanwhile', () => {
    const stage = running();
    const mutedKeys = [addressKey(user('bob'))];
    const seen = { maxParticipants: 10, isFrozen: false, muted: [] };
    decisionOf(order(stage, { kind: 'limit', maxParticipants: 10 }));
    decisionOf(order(stage, { kind: 'limit', mutedKeys, seen }));
    assert.equal(order(stage, { kind: 'limit', mutedKeys: [], seen }).kind, 'changed');
    const now = { ...seen, muted: [user('bob')] };
    for (const other of [{ muted: [user('carol')] }, { isFrozen: true }, { maxParticipants: null }]) {
      const late = order(stage, { kind: 'limit', mutedKeys: [], seen: { ...now, ...other } });
      assert.equal(late.kind, 'changed');
    }
    decisionOf(order(stage, { kind: 'limit', mutedKeys: [], seen: now }));
  });

  test('muted: the switch is told of the legs, again when they come back, and the list is the whole of it', () => {
    const stage = running();
    const mutedKeys = [addressKey(user('bob'))];
    const [put, ...more] = ofKind(decisionOf(order(stage, { kind: 'limit', mutedKeys })), 'switch');
    assert(put !== undefined);
    assert.deepEqual([put.op, more], ['leg.put', []]);
    const { legs } = put.body as { legs: { identities: string[]; muted?: true }[] };
    assert.deepEqual(
      legs.map(({ identities, muted }) => [identities[0], muted]),
      [[user('bob'), true]],
    );
    assert.equal(order(stage, { kind: 'limit', mutedKeys }).kind, 'unchanged');
    assert.equal(order(stage, { kind: 'limit', mutedKeys: ['sip:nobody@im.example'] }).kind, 'no-user');
    const back = ofKind(call(stage, 'bob', 'bob-3'), 'switch').flatMap(({ body }) =>
      (body as { legs: { muted?: true }[] }).legs.map(({ muted }) => muted),
    );
    assert.deepEqual(back.includes(true), true);
    const outcome = order(stage, { kind: 'limit', mutedKeys: [] });
    assert(outcome.kind === 'decided');
    assert.deepEqual([outcome.before['muted'], outcome.now['muted']], [[user('bob')], []]);
  });

  test('a maximum below who is there lets nobody more in and removes nobody; null gives the old one back', () => {
    const stage = groupSession();
    const outcome = order(stage, { kind: 'limit', maxParticipants: 2 });
    assert(outcome.kind === 'decided');
    assert.deepEqual(
      [outcome.before, outcome.now],
      [
        { maxParticipants: null, isFrozen: false, muted: [] },
        { maxParticipants: 2, isFrozen: false, muted: [] },
      ],
    );
    assert.equal(join(stage, 'carol').reply?.code, 486);
    decisionOf(order(stage, { kind: 'limit', maxParticipants: 3 }));
    assert.equal(join(stage, 'carol').reply, undefined);
    assert.equal(join(stage, 'dave').reply?.code, 486);
    decisionOf(order(stage, { kind: 'limit', maxParticipants: null }));
    assert.equal(join(stage, 'dave').reply, undefined);
  });
});
