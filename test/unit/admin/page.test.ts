import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatCursor, type PageKey, pageOf, parseCursor } from '../../../src/admin/page.ts';

const key = fc.record({
  createdAt: fc.constantFrom(
    '2026-11-22T10:00:00.000Z',
    '2026-11-22T10:00:00.001Z',
    '2026-11-22T11:00:00.000Z',
  ),
  id: fc.stringMatching(/^[a-z0-9-]{1,4}$/),
});
const keys = fc.uniqueArray(key, { selector: ({ id }) => id, maxLength: 20 });

test('a cursor gives its key back', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (createdAt, id) => {
      assert.deepEqual(parseCursor(formatCursor({ createdAt, id })), { createdAt, id });
    }),
  );
});

test('no text makes the reading of a cursor fail but with ADMIN_BAD_PARAMETER', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => Buffer.from(json).toString('base64url')),
      ),
      (text) => {
        try {
          parseCursor(text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ADMIN_BAD_PARAMETER');
        }
      },
    ),
  );
});

test('whoever stays while pages are read is seen exactly once, whoever else comes or goes', () => {
  fc.assert(
    fc.property(keys, keys, fc.integer({ min: 1, max: 5 }), (before, others, limit) => {
      const stay = before.filter(({ id }) => !others.some((other) => other.id === id));
      const seen: string[] = [];
      let list: readonly PageKey[] = before;
      let cursor: string | null | undefined;
      let pages = 0;
      while (cursor !== null) {
        const after = cursor === undefined ? undefined : parseCursor(cursor);
        const page = pageOf(list, { limit, after, keeps: () => true });
        assert(page.items.length <= limit);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
        pages += 1;
        list = pages % 2 === 1 ? [...others, ...stay] : stay;
        assert(pages < 100, 'the pages do not end');
      }
      for (const { id } of stay) assert.equal(seen.filter((one) => one === id).length, 1, id);
    }),
  );
});

test('the list that it is given is left as it was', () => {
  const list = Object.freeze([
    { createdAt: '1', id: 'a' },
    { createdAt: '2', id: 'b' },
  ]);
  const { items } = pageOf(list, { limit: 5, after: undefined, keeps: () => true });
  assert.deepEqual(
    items.map(({ id }) => id),
    ['b', 'a'],
  );
});
