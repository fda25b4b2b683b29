import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatCursor, pageOf, parseCursor } from '../../../src/admin/page.ts';

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

test('the item beyond the limit is not shown and tells that there is a next page', () => {
  const all = ['a', 'b', 'c'].map((id) => ({ createdAt: '2026-11-22T10:00:00.000Z', id }));
  const first = pageOf(all, 2);
  assert.deepEqual(first.items, all.slice(0, 2));
  assert.deepEqual(parseCursor(first.nextCursor ?? ''), all[1]);
  assert.deepEqual(pageOf(all, 3), { items: all, nextCursor: null });
  assert.deepEqual(pageOf([], 3), { items: [], nextCursor: null });
});
