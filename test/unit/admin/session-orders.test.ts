/** Orders to sessions over REST: who may give them, what the focus is told, and what the audit log keeps. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { AdminControl, OrderResult } from '../../../src/admin/control.ts';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import type { OperatorOrder } from '../../../src/focus/operator.ts';
import { asking } from './asking.ts';
import { fakeControl } from './fake-control.ts';
import { session } from './fake-view.ts';

const JSON_BODY = { 'content-type': 'application/json' };
const ANN = '/api/v1/sessions/im-s-1/participants/sip%3Aann%40example.com';
const DONE: OrderResult = { kind: 'done', before: { isFrozen: false }, now: { isFrozen: true } };

function bench(t: TestContext, result: OrderResult, withoutToken: 'viewer' | 'operator' = 'operator') {
  const orders: OperatorOrder[] = [];
  const order: AdminControl['order'] = (given) => {
    orders.push(given);
    return result;
  };
  const records = openRecords(':memory:');
  const { ask } = asking(t, {}, { control: fakeControl({ order }), records, withoutToken });
  const audited = () =>
    new AuditLog(records, () => 0).find({ limit: 10 }).map(({ atMs: _atMs, id: _id, ...entry }) => entry);
  return { ask, orders, audited };
}

describe('DELETE /api/v1/sessions/:id/participants/:address', () => {
  test('the focus is told by the key of the user, and the audit log who did it and what was before', async (t) => {
    const { ask, orders, audited } = bench(t, DONE);
    const { status, text } = await ask('DELETE', `${ANN}?reason=abuse`);
    assert.deepEqual([status, text], [204, '']);
    assert.deepEqual(orders, [
      { kind: 'remove', session: 'im-s-1', by: 'loopback', userKey: 'sip:ann@example.com', reason: 'abuse' },
    ]);
    assert.deepEqual(audited(), [
      {
        who: 'loopback',
        action: 'session.remove',
        target: 'im-s-1 sip:ann@example.com',
        before: { isFrozen: false },
        after: { isFrozen: true, reason: 'abuse' },
      },
    ]);
  });

  test('somebody who is removed already: the same answer, and no audit entry', async (t) => {
    const { ask, audited } = bench(t, { kind: 'unchanged', now: {} });
    assert.equal((await ask('DELETE', ANN)).status, 204);
    assert.deepEqual(audited(), []);
  });

  for (const [kind, status, code] of [
    ['no-session', 404, 'ADMIN_SESSION_NOT_FOUND'],
    ['no-user', 404, 'ADMIN_NOT_FOUND'],
    ['ending', 409, 'ADMIN_CONFLICT'],
  ] as const) {
    test(`${kind}: ${status} ${code}, and no audit entry`, async (t) => {
      const { ask, audited } = bench(t, { kind });
      const answer = await ask('DELETE', ANN);
      assert.deepEqual([answer.status, (answer.body as { code: string }).code], [status, code]);
      assert.deepEqual(audited(), []);
    });
  }

  for (const reason of ['', 'x'.repeat(129), 'say "no"', 'a\\b', 'a\r\nVia: b']) {
    test(`a reason that could not stand in a header field is refused: ${JSON.stringify(reason.slice(0, 20))}`, async (t) => {
      const { ask, orders } = bench(t, DONE);
      assert.equal((await ask('DELETE', `${ANN}?reason=${encodeURIComponent(reason)}`)).status, 400);
      assert.deepEqual(orders, []);
    });
  }

  test('an address that is none is refused; a viewer may not remove anybody', async (t) => {
    const { ask, orders } = bench(t, DONE);
    assert.equal((await ask('DELETE', '/api/v1/sessions/im-s-1/participants/sip%3A')).status, 400);
    const viewer = bench(t, DONE, 'viewer');
    assert.equal((await viewer.ask('DELETE', ANN)).status, 403);
    assert.deepEqual([...orders, ...viewer.orders], []);
  });
});

describe('DELETE /api/v1/sessions/:id', () => {
  test('ends it; one that has ended is no fault', async (t) => {
    const { ask, orders, audited } = bench(t, {
      kind: 'done',
      before: { phase: 'active' },
      now: { phase: 'ending' },
    });
    assert.equal((await ask('DELETE', '/api/v1/sessions/im-s-1')).status, 204);
    assert.deepEqual(orders, [{ kind: 'end', session: 'im-s-1', by: 'loopback' }]);
    assert.deepEqual(
      audited().map(({ action, after }) => [action, after]),
      [['session.end', { phase: 'ending' }]],
    );
    const gone = asking(t, { session: () => session('im-s-1') });
    assert.equal((await gone.ask('DELETE', '/api/v1/sessions/im-s-1')).status, 204);
    assert.equal((await gone.ask('DELETE', ANN)).status, 409);
    const never = asking(t);
    assert.equal((await never.ask('DELETE', '/api/v1/sessions/im-s-1')).status, 404);
  });
});

describe('PATCH /api/v1/sessions/:id', () => {
  const patch = (ask: ReturnType<typeof asking>['ask'], body: unknown, ifMatch?: string) =>
    ask(
      'PATCH',
      '/api/v1/sessions/im-s-1',
      { ...JSON_BODY, ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) },
      JSON.stringify(body),
    );

  test('freezes and limits, and answers what is in force', async (t) => {
    const now = { maxParticipants: null, isFrozen: true, muted: ['sip:ann@example.com'] };
    const { ask, orders, audited } = bench(t, {
      kind: 'done',
      before: { maxParticipants: 5, isFrozen: false },
      now,
    });
    const { status, body } = await patch(
      ask,
      { maxParticipants: null, isFrozen: true, muted: ['ann@example.com'] },
      '*',
    );
    assert.deepEqual([status, body], [200, now]);
    assert.deepEqual(orders, [
      {
        kind: 'limit',
        session: 'im-s-1',
        by: 'loopback',
        maxParticipants: null,
        isFrozen: true,
        mutedKeys: ['sip:ann@example.com'],
      },
    ]);
    assert.deepEqual(
      audited().map(({ action, before, after }) => [action, before, after]),
      [['session.limit', { maxParticipants: 5, isFrozen: false }, now]],
    );
  });

  test('the ETag that was read: the focus is told what it stands for, and the answer has the next one', async (t) => {
    let state = session('im-s-1', ['sip:ann@example.com']);
    const orders: OperatorOrder[] = [];
    const { get, ask } = asking(
      t,
      { session: () => state },
      {
        control: fakeControl({
          order: (order) => {
            orders.push(order);
            state = { ...state, revision: 8, roster: state.roster.map((one) => ({ ...one, isMuted: true })) };
            const now = { maxParticipants: null, isFrozen: false, muted: ['sip:ann@example.com'] };
            return { kind: 'done', before: {}, now };
          },
        }),
      },
    );
    const etag = String((await get('/api/v1/sessions/im-s-1')).headers['etag']);
    const muted = await patch(ask, { muted: ['sip:ann@example.com'] }, etag);
    assert.equal(muted.status, 200, muted.text);
    assert.deepEqual(orders, [
      {
        kind: 'limit',
        session: 'im-s-1',
        by: 'loopback',
        mutedKeys: ['sip:ann@example.com'],
        seen: { maxParticipants: null, isFrozen: false, muted: [] },
      },
    ]);
    const next = muted.headers['etag'];
    assert.notEqual(next, etag);
    assert.equal((await get('/api/v1/sessions/im-s-1')).headers['etag'], next);
    for (const body of [{ muted: [] }, { isFrozen: true }]) {
      const late = await patch(ask, body, etag);
      assert.deepEqual(
        [late.status, (late.body as { code: string }).code],
        [412, 'ADMIN_PRECONDITION_FAILED'],
      );
    }
    assert.equal((await patch(ask, { muted: [] })).status, 428);
    assert.equal(orders.length, 1);
    assert.equal((await patch(ask, { isFrozen: true })).status, 200, 'one field alone overwrites no other');
  });

  test('changed while the order was on its way: 412, and no audit entry', async (t) => {
    const { ask, audited } = bench(t, { kind: 'changed' });
    const answer = await patch(ask, { muted: [] }, '*');
    assert.deepEqual(
      [answer.status, (answer.body as { code: string }).code],
      [412, 'ADMIN_PRECONDITION_FAILED'],
    );
    assert.deepEqual(audited(), []);
  });

  for (const body of [
    {},
    { maxParticipants: 0 },
    { maxParticipants: 5000 },
    { isFrozen: 'perhaps' },
    { more: 1 },
    [],
  ]) {
    test(`another shape is refused: ${JSON.stringify(body)}`, async (t) => {
      const { ask, orders } = bench(t, DONE);
      assert.equal((await patch(ask, body)).status, 400);
      assert.deepEqual(orders, []);
    });
  }
});
