import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_SESSIONS, type ReadPage, SessionBook } from '../../../src/page/live/session-book.ts';
import type { SessionChange, SessionSummary } from '../../../src/page/net/shapes.ts';
import { manySessions } from '../../integration/page/page-rig.ts';

/** Pages of a list that the test changes, by the place of the last one. */
function paged(all: () => readonly SessionSummary[]): { read: ReadPage; asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    read: async ({ limit, cursor }) => {
      asked.push(limit);
      const from = cursor === undefined ? 0 : all().findIndex(({ id }) => id === cursor) + 1;
      const items = all().slice(from, from + limit);
      return { items, nextCursor: from + limit < all().length ? (items.at(-1)?.id ?? null) : null };
    },
  };
}

const told = (own: Partial<SessionChange> & Pick<SessionChange, 'session' | 'change'>): SessionChange => ({
  participant: null,
  reason: null,
  at: '2026-11-22T10:00:00.000Z',
  decision: 1,
  participants: { connected: 3, invited: 0 },
  ...own,
});

test('all pages are read; changes keep counts and phase; what ended is gone', async () => {
  const all = manySessions(1_200);
  const { read, asked } = paged(() => all);
  const book = new SessionBook(read, () => {});
  await book.load();
  assert.equal(book.size, 1_200);
  assert.equal(asked.length, 3);
  assert.deepEqual(
    book.sessions.slice(0, 3).map(({ id }) => id),
    ['im-s-00000', 'im-s-00001', 'im-s-00002'],
  );
  assert.equal(book.get('im-s-00000')?.phase, 'forming');
  assert.equal(book.take(told({ session: 'im-s-00000', change: 'joined' })), false);
  assert.deepEqual(book.get('im-s-00000')?.participants, { connected: 3, invited: 0 });
  assert.equal(book.get('im-s-00000')?.phase, 'active');
  book.take(told({ session: 'im-s-00001', change: 'ended' }));
  assert.equal(book.get('im-s-00001'), undefined);
  assert.equal(book.sessions.length, 1_199);
});

test('a new session is read from the first page only; one that ended meanwhile does not come back', async () => {
  let all = manySessions(800);
  const { read, asked } = paged(() => all);
  const book = new SessionBook(read, () => {});
  await book.load();
  const fresh = manySessions(2, Date.now() + 60_000).map((one) => ({ ...one, id: `${one.id}-new` }));
  all = [...fresh, ...all];
  assert.equal(book.take(told({ session: 'im-s-00000-new', change: 'created' })), true);
  const reading = book.loadNew();
  book.take(told({ session: 'im-s-00001-new', change: 'ended' }));
  await reading;
  assert.deepEqual(asked.slice(2), [100]);
  assert.deepEqual(
    book.sessions.slice(0, 2).map(({ id }) => id),
    ['im-s-00000-new', 'im-s-00000'],
  );
});

test('reading all anew drops what is not listed any more, and there is a bound', async () => {
  let all = manySessions(30);
  const { read } = paged(() => all);
  const book = new SessionBook(read, () => {});
  await book.load();
  all = all.slice(10);
  await book.load();
  assert.deepEqual([book.size, book.isCut], [20, false]);
  all = manySessions(MAX_SESSIONS + 700);
  await book.load();
  assert.deepEqual([book.size, book.isCut], [MAX_SESSIONS, true]);
});

test('a reading that fails is told, and the next one works', async () => {
  const all = manySessions(5);
  const { read } = paged(() => all);
  let isDown = true;
  const book = new SessionBook(
    (query) => (isDown ? Promise.reject(new Error('down')) : read(query)),
    () => {},
  );
  await assert.rejects(book.load(), /down/);
  assert.equal(book.isComplete, false);
  isDown = false;
  await book.load();
  assert.equal(book.size, 5);
});
