/** Who reads the decision log along misses nothing: not over a restart, not over a fault. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedFollower } from '../../../../src/admin/follow/feed-follower.ts';
import type { FeedEntry } from '../../../../src/admin/live/feed.ts';
import { openRecords } from '../../../../src/admin/records/database.ts';

function entry(id: number, atMs: number): FeedEntry {
  return {
    decision: {
      id,
      at: new Date(atMs).toISOString(),
      clause: '7',
      trigger: 'INVITE',
      callId: null,
      user: null,
      status: null,
      warning: null,
      session: null,
    },
    changes: [],
  };
}

function bench() {
  const db = openRecords(':memory:');
  const log: FeedEntry[] = [];
  const seen: number[] = [];
  const state = { nowMs: 10_000, isBroken: false, hasWritten: true, errors: 0 };
  const follower = (settleMs = 0) =>
    new FeedFollower({
      db,
      name: 'x',
      settleMs,
      nowMs: () => state.nowMs,
      feed: {
        newest: () => log.at(-1)?.decision.id ?? 0,
        since: (id, limit) => log.filter(({ decision }) => decision.id > id).slice(0, limit),
      },
      log: { error: () => (state.errors += 1) } as never,
      take: (entries) => {
        db.prepare('INSERT INTO audit (at_ms, who, action, target) VALUES (0, ?, ?, ?)').run('x', 'x', 'x');
        if (state.isBroken) throw new Error('disk full');
        seen.push(...entries.map(({ decision }) => decision.id));
        return state.hasWritten;
      },
    });
  return { db, log, seen, state, follower };
}

test('it begins with what comes after it was there first, and goes on where it was', () => {
  const { log, seen, follower } = bench();
  log.push(entry(1, 0), entry(2, 0));
  const first = follower();
  first.look();
  assert.deepEqual(seen, []);
  log.push(entry(3, 0), entry(5, 0));
  first.look();
  first.look();
  log.push(entry(6, 0));
  follower().look();
  assert.deepEqual(seen, [3, 5, 6]);
});

test('what could not be taken is taken later, with nothing of it kept before; one line is logged', () => {
  const { db, log, seen, state, follower } = bench();
  const one = follower();
  one.look();
  log.push(entry(1, 0));
  state.isBroken = true;
  one.look();
  one.look();
  assert.deepEqual([seen, state.errors], [[], 1]);
  assert.equal(db.prepare('SELECT count(*) AS n FROM audit').get()?.['n'], 0);
  state.isBroken = false;
  one.look();
  assert.deepEqual(seen, [1]);
});

test('entries settle first, in their order', () => {
  const { log, seen, state, follower } = bench();
  const one = follower(3_000);
  one.look();
  log.push(entry(1, 7_000), entry(2, 7_001));
  one.look();
  assert.deepEqual(seen, [1]);
  state.nowMs += 1;
  one.look();
  assert.deepEqual(seen, [1, 2]);
});

test('a log that was made anew is read from its beginning; a long one in one look', () => {
  const { log, seen, follower } = bench();
  log.push(entry(100, 0));
  const one = follower();
  one.look();
  log.splice(0, 1, ...Array.from({ length: 80 }, (_, index) => entry(index + 1, 0)));
  one.look();
  assert.equal(seen.length, 80);
  for (let id = 81; id <= 1_500; id += 1) log.push(entry(id, 0));
  one.look();
  assert.deepEqual([seen.length, seen.at(-1)], [1_500, 1_500]);
});

test('of what nothing was written the place is kept now and then only', () => {
  const { log, seen, state, follower } = bench();
  state.hasWritten = false;
  const one = follower();
  one.look();
  log.push(entry(1, 0), entry(2, 0));
  one.look();
  follower().look();
  assert.deepEqual(seen, [1, 2, 1, 2], 'read once more after a crash');
  state.nowMs += 10_000;
  log.push(entry(3, 0));
  one.look();
  follower().look();
  assert.deepEqual(seen, [1, 2, 1, 2, 3]);
});
