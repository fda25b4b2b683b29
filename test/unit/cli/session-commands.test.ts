/** `parley sessions`, `kick`, `drain` …: what they ask of an admin interface, what they print, and how they end. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SwitchView } from '../../../src/admin/view.ts';
import type { OperatorOrder } from '../../../src/focus/operator.ts';
import { fakeControl } from '../admin/fake-control.ts';
import { fakeView, SWITCH, session, sessionsOf } from '../admin/fake-view.ts';
import { commandsOn } from './run-command.ts';

/** @param busy how many orders come to a session that has changed meanwhile */
async function bench(t: TestContext, busy = 0) {
  const orders: OperatorOrder[] = [];
  let drained = { draining: false, isEmptying: false };
  const run = await commandsOn(t, {
    withoutToken: 'operator',
    control: fakeControl({
      order: (order) => {
        orders.push(order);
        if (order.session === 'im-s-9') return { kind: 'no-session' };
        if (orders.length <= busy) return { kind: 'changed' };
        return { kind: 'done', before: {}, now: { maxParticipants: 7, isFrozen: true, muted: [] } };
      },
      announce: ({ text }) =>
        text === 'soon' ? { kind: 'done', reach: { sent: 2, waiting: 1, unable: 0 } } : { kind: 'ending' },
      drain: (_, { draining, empty }) => {
        drained = { draining, isEmptying: empty };
      },
    }),
    view: fakeView({
      ...sessionsOf([session('im-s-1', ['sip:ann@example.com']), session('im-s-2')]),
      switches: () => [{ ...SWITCH, ...drained }],
    }),
  });
  return { run, orders };
}

test('sessions and one of them, as tables and as JSON', async (t) => {
  const { run } = await bench(t);
  const { status, out } = await run('sessions');
  assert.equal(status, 0);
  assert.match(out, /^SESSION +PHASE +IN +CALLED .*\nim-s-1 +active +1 +0 .*\nim-s-2 .*\n$/);
  const items = JSON.parse((await run('sessions', '--json', '--limit', '1')).out) as { id: string }[];
  assert.deepEqual(
    items.map(({ id }) => id),
    ['im-s-1'],
  );
  const one = await run('session', 'im-s-1');
  assert.match(one.out, /^sip:im-s-1@example.com: active ad-hoc session of sip:factory@example.com\n/);
  assert.match(one.out, /\nsip:ann@example.com +Alice +Al the great +disconnected +yes +departed\n/);
  assert.equal((JSON.parse((await run('session', 'im-s-1', '--json')).out) as { id: string }).id, 'im-s-1');
});

test('kick, end and limit: the order that the focus gets', async (t) => {
  const { run, orders } = await bench(t);
  const kicked = await run('kick', '--reason', 'abuse', 'im-s-1', 'ann@example.com');
  assert.deepEqual([kicked.status, kicked.out], [0, 'ann@example.com is removed from im-s-1\n']);
  assert.equal((await run('end', 'im-s-1')).status, 0);
  const limited = await run('limit', '--max', 'none', '--frozen', 'yes', 'im-s-1');
  assert.equal(limited.out, 'im-s-1: at most 7 participants, frozen\n');
  const head = { session: 'im-s-1', by: 'loopback' };
  assert.deepEqual(orders, [
    { ...head, kind: 'remove', userKey: 'sip:ann@example.com', reason: 'abuse' },
    { ...head, kind: 'end' },
    { ...head, kind: 'limit', maxParticipants: null, isFrozen: true },
  ]);
});

test('mute: the whole list is sent, with one more or one less', async (t) => {
  const { run, orders } = await bench(t);
  const muted = await run('mute', 'im-s-1', 'bob@example.com');
  assert.deepEqual([muted.status, muted.out], [0, 'im-s-1: bob@example.com is not heard\n']);
  assert.equal((await run('mute', '--off', 'im-s-1', 'ann@example.com')).status, 0);
  assert.deepEqual(
    orders.map((order) => ('mutedKeys' in order ? order.mutedKeys : order)),
    [['sip:bob@example.com'], []],
  );
});

test('mute: of what was read, and once more when it has changed meanwhile', async (t) => {
  const { run, orders } = await bench(t, 1);
  assert.equal((await run('mute', 'im-s-1', 'bob@example.com')).status, 0);
  const seen = { maxParticipants: null, isFrozen: false, muted: [] };
  assert.deepEqual(
    orders.map((order) => ('seen' in order ? order.seen : undefined)),
    [seen, seen],
  );
  const busy = await bench(t, 9);
  const given = await busy.run('mute', 'im-s-1', 'bob@example.com');
  assert.deepEqual([given.status, busy.orders.length], [1, 2]);
  assert.match(given.err, /^parley: mute: .*changed meanwhile \(ADMIN_PRECONDITION_FAILED\)\n$/);
});

test('announce: how many it got to', async (t) => {
  const { run } = await bench(t);
  const { status, out } = await run('announce', 'im-s-1', 'soon');
  assert.deepEqual([status, out], [0, 'im-s-1: sent to 2; 1 will get it, 0 cannot\n']);
  assert.deepEqual(JSON.parse((await run('announce', '--json', 'im-s-1', 'soon')).out), {
    sent: 2,
    waiting: 1,
    unable: 0,
  });
  assert.match((await run('announce', 'im-s-1', 'late')).err, /is ending \(ADMIN_CONFLICT\)/);
});

test('switches, drained and resumed', async (t) => {
  const { run } = await bench(t);
  const emptied = (await run('drain', 'switch-0')).out;
  assert.equal(emptied, 'switch-0 takes no new sessions, and those it has move; it has 2\n');
  const stays = (await run('drain', '--stay', 'switch-0')).out;
  assert.equal(stays, 'switch-0 takes no new sessions; it has 2\n');
  assert.match((await run('switches')).out, /\nswitch-0 +up, draining +2 +5 +0\.25 /);
  assert.equal((JSON.parse((await run('resume', '--json', 'switch-0')).out) as SwitchView).draining, false);
});

test('status 1 for what is refused, 2 for what is not understood', async (t) => {
  const { run, orders } = await bench(t);
  const gone = await run('end', 'im-s-9');
  assert.deepEqual(
    [gone.status, gone.out, gone.err],
    [1, '', 'parley: end: no session im-s-9 is known (ADMIN_SESSION_NOT_FOUND)\n'],
  );
  assert.equal((await run('drain', 'switch-7')).status, 1);
  assert.equal(orders.length, 1);
  const wrong: readonly string[][] = [
    ['session'],
    ['kick', 'im-s-1'],
    ['end'],
    ['announce', 'im-s-1'],
    ['mute', 'im-s-1'],
    ['limit', 'im-s-1'],
    ['limit', '--max', '0', 'im-s-1'],
    ['limit', '--frozen', 'perhaps', 'im-s-1'],
    ['drain'],
    ['sessions', '--limit', 'all'],
  ];
  for (const words of wrong) assert.equal((await run(...words)).status, 2, words.join(' '));
  assert.equal(orders.length, 1);
});
