import assert from 'node:assert/strict';
import test from 'node:test';
import type { SessionFilter, SessionView } from '../../../src/admin/view.ts';
import { asking } from './asking.ts';
import { DECISION, recordingDecisions, session, sessionsOf, summary } from './fake-view.ts';

interface SessionPage {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
}

const idsOf = (body: unknown) => (body as SessionPage).items.map(({ id }) => id);

test('a list shows summaries only', async (t) => {
  const { body } = await asking(t, sessionsOf([session('im-s-1'), session('im-s-2')])).get(
    '/api/v1/sessions',
  );
  assert.deepEqual(body, { items: [summary('im-s-1'), summary('im-s-2')], nextCursor: null });
});

test('pages follow one another to the end, each of at most limit items', async (t) => {
  const all = ['a', 'b', 'c', 'd', 'e'].map((id) => session(id));
  const { get } = asking(t, sessionsOf(all));
  const seen: string[][] = [];
  let url = '/api/v1/sessions?limit=2';
  for (;;) {
    const { body } = await get(url);
    seen.push(idsOf(body));
    const { nextCursor } = body as SessionPage;
    if (nextCursor === null) break;
    url = `/api/v1/sessions?limit=2&cursor=${nextCursor}`;
  }
  assert.deepEqual(seen, [['a', 'b'], ['c', 'd'], ['e']]);
});

test('a full last page has no cursor', async (t) => {
  const { body } = await asking(t, sessionsOf([session('a'), session('b')])).get('/api/v1/sessions?limit=2');
  assert.deepEqual(idsOf(body), ['a', 'b']);
  assert.equal((body as SessionPage).nextCursor, null);
});

test('50 items unless asked otherwise', async (t) => {
  const all = Array.from({ length: 60 }, (_, index) => session(`s${index}`));
  const { body } = await asking(t, sessionsOf(all)).get('/api/v1/sessions');
  assert.equal(idsOf(body).length, 50);
});

test('filters by kind and phase, together with pages', async (t) => {
  const all: SessionView[] = [
    session('a'),
    { ...session('b'), kind: 'group' },
    { ...session('c'), kind: 'group', phase: 'ending' },
    { ...session('d'), kind: 'group' },
  ];
  const { get } = asking(t, sessionsOf(all));
  assert.deepEqual(idsOf((await get('/api/v1/sessions?kind=group')).body), ['b', 'c', 'd']);
  assert.deepEqual(idsOf((await get('/api/v1/sessions?phase=ending')).body), ['c']);
  const { body } = await get('/api/v1/sessions?kind=group&phase=active&limit=1');
  assert.deepEqual(idsOf(body), ['b']);
  const next = await get(
    `/api/v1/sessions?kind=group&phase=active&limit=1&cursor=${(body as SessionPage).nextCursor}`,
  );
  assert.deepEqual(next.body, { items: [summary('d', { kind: 'group' })], nextCursor: null });
});

const SPELLINGS: readonly (readonly [user: string, userKey: string])[] = [
  ['sip:alice@example.com', 'sip:alice@example.com'],
  ['alice@example.com', 'sip:alice@example.com'],
  ['sips:alice@EXAMPLE.com:5061;transport=tcp', 'sip:alice@example.com'],
  ['Alice@example.com', 'sip:Alice@example.com'],
  ['tel:+4930123', 'tel:+4930123'],
  ['tel:%2B49-30-123', 'tel:+4930123'],
  ['sip:+4930123@any.example;user=phone', 'tel:+4930123'],
  ['sip:+4930123@any.example', 'sip:+4930123@any.example'],
];
for (const [user, userKey] of SPELLINGS) {
  test(`asks for the sessions of ${user} by the key of that user`, async (t) => {
    const filters: SessionFilter[] = [];
    const sessions = (filter: SessionFilter) => {
      filters.push(filter);
      return { items: [], nextCursor: null };
    };
    const { status } = await asking(t, { sessions }).get(`/api/v1/sessions?user=${user}&ended=true`);
    assert.equal(status, 200);
    assert.deepEqual(filters, [{ limit: 50, after: undefined, userKey, withEnded: true }]);
  });
}

test('one session with its roster, legs and subscriptions', async (t) => {
  const one = session('im-s-1', ['sip:alice@example.com']);
  const still: SessionView = {
    ...one,
    roster: one.roster.map((user) => ({ ...user, presence: 'connected', left: null })),
  };
  const { get } = asking(t, sessionsOf([one, { ...still, id: 'im-s-2' }]));
  assert.deepEqual((await get('/api/v1/sessions/im-s-1')).body, one);
  assert.deepEqual((await get('/api/v1/sessions/im-s-2')).body, { ...still, id: 'im-s-2' });
});

test('fields that the schemas do not name are never shown', async (t) => {
  const one = session('im-s-1', ['sip:alice@example.com']);
  const secret = { content: 'MESSAGE-CONTENT' };
  const loud = {
    ...one,
    ...secret,
    participants: { ...one.participants, ...secret },
    roster: one.roster.map((user) => ({
      ...user,
      ...secret,
      left: { method: 'x', reason: null, ...secret },
    })),
    legs: one.legs.map((leg) => ({ ...leg, ...secret })),
    subscriptions: one.subscriptions.map((row) => ({ ...row, ...secret })),
  };
  const decision = { ...DECISION, ...secret, steps: DECISION.steps.map((step) => ({ ...step, ...secret })) };
  const { get } = asking(t, { ...sessionsOf([loud]), decisions: () => [decision] });
  for (const url of ['', '/im-s-1', '/im-s-1/decisions']) {
    const { status, text } = await get(`/api/v1/sessions${url}`);
    assert.equal(status, 200);
    assert.match(text, /im-s-1/);
    assert.doesNotMatch(text, /content/i);
  }
});

test('decisions of a session, also of one that has ended', async (t) => {
  const { filters, decisions } = recordingDecisions([DECISION]);
  const { get } = asking(t, { decisions });
  const { status, body } = await get('/api/v1/sessions/im-s-1/decisions?limit=5');
  assert.equal(status, 200);
  assert.deepEqual(body, { items: [DECISION] });
  assert.deepEqual(filters, [{ session: 'im-s-1', limit: 5 }]);
});

test('a session without decisions has an empty list; one that never was is 404', async (t) => {
  const { get } = asking(t, sessionsOf([session('im-s-1')]));
  assert.deepEqual((await get('/api/v1/sessions/im-s-1/decisions')).body, { items: [] });
  assert.equal((await get('/api/v1/sessions/im-s-2/decisions')).status, 404);
});
