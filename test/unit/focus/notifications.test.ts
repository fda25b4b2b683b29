/** 7.2.1.12 and 7.2.2.10: what subscribers are told, when, and how often. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision } from '../../../src/focus/decide.ts';
import { decideDeadline } from '../../../src/focus/decide-outcome.ts';
import { type RequestOptions, sdpBody, user } from './messages.ts';
import { group, headerOf, ofKind, requestsOf, Stage } from './stage.ts';

const EVENT = ['Event', 'conference'] as const;

function running(): Stage {
  const stage = new Stage();
  stage.running();
  return stage;
}

function subscribe(stage: Stage, name: string, options: RequestOptions = {}): Decision {
  const uri = stage.theOnly().row.identity;
  return stage.request({
    method: 'SUBSCRIBE',
    uri,
    from: user(name),
    callId: `sub-${name}`,
    extra: [EVENT],
    ...options,
  });
}

function subscriptionOf(stage: Stage, index = 0) {
  const row = [...stage.theOnly().subscriptions.values()][index];
  assert(row !== undefined);
  return row;
}

/** Subscription-State and version of each NOTIFY. */
const told = (decision: Decision | undefined) =>
  requestsOf(decision, 'NOTIFY').map((notify) => [
    headerOf(notify, 'Subscription-State'),
    Number(/<conference-info[^>]* version="(\d+)"/.exec(notify.body ?? '')?.[1]),
  ]);
const statusOf = (decision: Decision | undefined, name: string) => {
  const body = requestsOf(decision, 'NOTIFY')[0]?.body ?? '';
  return new RegExp(`<user entity="${user(name)}".*?<status>([a-z-]+)<`, 's').exec(body)?.[1];
};

function due(stage: Stage, name: 'notify' | 'expiry', index = 0): Decision | undefined {
  const at = {
    conference: stage.theOnly().row.id,
    row: 'subscription',
    id: subscriptionOf(stage, index).id,
    name,
  } as const;
  return stage.take(decideDeadline(stage.world(), at));
}

describe('subscribing', () => {
  test('R-7.2.1.12-5 to -9 the 200, then the full state in a NOTIFY', () => {
    const stage = running();
    const decision = subscribe(stage, 'bob', {
      extra: [
        ['Event', 'conference;id=7'],
        ['Expires', '600'],
      ],
    });
    const [reply] = ofKind(decision, 'reply');
    assert.deepEqual([reply?.reply.code, headerOf(reply?.reply, 'Expires')], [200, '600']);
    assert.deepEqual(told(decision), [['active;expires=600', 0]]);
    const [notify] = requestsOf(decision, 'NOTIFY');
    assert.equal(headerOf(notify, 'Event'), 'conference;id=7');
    assert.equal(headerOf(notify, 'CSeq'), '1 NOTIFY');
    assert((notify?.stage ?? 0) > (reply?.stage ?? 9));
    for (const name of ['alice', 'bob', 'carol']) assert.equal(statusOf(decision, name), 'connected');
  });

  for (const [asked, granted] of [
    [undefined, 3600],
    ['60', 60],
    ['999999', 7200],
  ] as const) {
    test(`Expires ${asked}: ${granted}`, () => {
      const extra = asked === undefined ? [EVENT] : [EVENT, ['Expires', asked] as const];
      assert.equal(
        headerOf(ofKind(subscribe(running(), 'bob', { extra }), 'reply')[0]?.reply, 'Expires'),
        String(granted),
      );
    });
  }

  test('A-46 Expires: 0 is a fetch: one NOTIFY, terminated, and no subscription', () => {
    const stage = running();
    const decision = subscribe(stage, 'bob', { extra: [EVENT, ['Expires', '0']] });
    assert.deepEqual(told(decision), [['terminated;reason=timeout', 0]]);
    assert.equal(stage.theOnly().subscriptions.size, 0);
  });

  test('RFC6665-4.2.1.2 a refresh is answered and told again at its new target; Expires: 0 ends it', () => {
    const stage = running();
    subscribe(stage, 'bob');
    const refreshed = stage.request({
      method: 'SUBSCRIBE',
      ...stage.inDialog('bob', subscriptionOf(stage)),
      contact: '<sip:bob@203.0.113.9>',
      extra: [EVENT, ['Expires', '300']],
    });
    assert.deepEqual(told(refreshed), [['active;expires=300', 1]]);
    assert.equal(requestsOf(refreshed, 'NOTIFY')[0]?.requestUri, 'sip:bob@203.0.113.9');
    const ended = stage.request({
      method: 'SUBSCRIBE',
      ...stage.inDialog('bob', subscriptionOf(stage)),
      extra: [EVENT, ['Expires', '0']],
    });
    assert.deepEqual(told(ended), [['terminated;reason=timeout', 2]]);
    assert.equal(stage.theOnly().subscriptions.size, 0);
  });
});

describe('changes', () => {
  test('R-7.2.1.12-chg a change is told at once when the last NOTIFY is old enough', () => {
    const stage = running();
    subscribe(stage, 'bob');
    stage.nowMs += 500;
    const decision = stage.request({ ...stage.inDialog('carol'), method: 'BYE' });
    assert.deepEqual(told(decision), [['active;expires=3600', 1]]);
    assert.equal(statusOf(decision, 'carol'), 'disconnected');
  });

  test('notify.minIntervalMs: a burst of changes costs one NOTIFY at the end of the interval', () => {
    const stage = new Stage({}, [group('room', ['alice', 'bob', 'carol', 'dave'], { inviteMembers: false })]);
    const join = (name: string) =>
      stage.request({ uri: user('room'), from: user(name), callId: `${name}-1`, ...sdpBody() });
    join('alice');
    subscribe(stage, 'alice');
    stage.nowMs += 100;
    for (const name of ['bob', 'carol', 'dave']) assert.deepEqual(told(join(name)), []);
    const { deadlines, isStale } = subscriptionOf(stage);
    assert.deepEqual([deadlines.notify, isStale], [stage.nowMs + 400, true]);
    stage.nowMs += 399;
    assert.equal(due(stage, 'notify'), undefined);
    stage.nowMs += 1;
    const merged = due(stage, 'notify');
    assert.deepEqual(told(merged), [['active;expires=3600', 1]]);
    for (const name of ['bob', 'carol', 'dave']) assert.equal(statusOf(merged, name), 'connected');
    assert.deepEqual(
      [subscriptionOf(stage).deadlines.notify, subscriptionOf(stage).isStale],
      [undefined, false],
    );
    assert.equal(due(stage, 'notify'), undefined);
  });

  test('what is no change of the roster is not told', () => {
    const stage = running();
    subscribe(stage, 'bob');
    stage.nowMs += 1_000;
    assert.deepEqual(told(stage.request({ ...stage.inDialog('alice'), method: 'UPDATE' })), []);
    assert.deepEqual(told(stage.ack(stage.inDialog('alice'))), []);
  });
});

describe('the end of a subscription', () => {
  test('R-7.2.1.12-term it expires', () => {
    const stage = running();
    subscribe(stage, 'bob', { extra: [EVENT, ['Expires', '60']] });
    stage.nowMs += 59_999;
    assert.equal(due(stage, 'expiry'), undefined);
    stage.nowMs += 1;
    assert.deepEqual(told(due(stage, 'expiry')), [['terminated;reason=timeout', 1]]);
    assert.equal(stage.theOnly().subscriptions.size, 0);
  });

  test('R-7.2.1.10-4 with who left, and with the session', () => {
    const stage = running();
    subscribe(stage, 'bob');
    subscribe(stage, 'carol');
    const left = stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    assert.deepEqual(
      told(left).map(([state]) => state),
      ['terminated;reason=noresource'],
    );
    assert.equal(stage.theOnly().subscriptions.size, 1);
    stage.request({ ...stage.inDialog('alice'), method: 'BYE' });
    const ended = stage.request({ ...stage.inDialog('carol'), method: 'BYE' });
    assert.deepEqual(
      told(ended).map(([state]) => state),
      ['terminated;reason=noresource'],
    );
  });

  for (const [status, isKept] of [
    [200, true],
    [491, true],
    [500, true],
    [503, true],
    [481, false],
    [408, false],
    [404, false],
  ] as const) {
    test(`RFC6665-4.2.2 a NOTIFY answered ${status} ${isKept ? 'keeps' : 'ends'} it`, () => {
      const stage = running();
      const [notify] = requestsOf(subscribe(stage, 'bob'), 'NOTIFY');
      const decision = stage.respond(notify ?? assert.fail(), { status });
      assert.equal(stage.theOnly().subscriptions.size, isKept ? 1 : 0);
      assert.deepEqual(told(decision), []);
    });
  }
});
