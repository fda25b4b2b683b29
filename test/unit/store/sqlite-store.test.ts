import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import type { Conference } from '../../../src/focus/conference.ts';
import type { Decision } from '../../../src/focus/decide.ts';
import type { DecisionRecord } from '../../../src/focus/ports.ts';
import {
  openSqliteStore,
  readSqliteState,
  type SqliteStoreOptions,
} from '../../../src/store/sqlite-store.ts';
import { sdpBody, user } from '../focus/messages.ts';
import { group, requestsOf, Stage } from '../focus/stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-store-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `store-${(files += 1)}.sqlite`);
const open = (options: Partial<SqliteStoreOptions> = {}) => openSqliteStore({ file: ':memory:', ...options });

/** Decisions that set a group's session up, answer it and subscribe to it. */
function story(groupName = 'crew') {
  const stage = new Stage({}, [group(groupName, ['alice', 'bob'])]);
  const setUp = stage.request({ uri: user(groupName), callId: 'alice-1', ...sdpBody() });
  const [invite] = requestsOf(setUp, 'INVITE');
  assert(invite !== undefined);
  const answered = stage.answer(invite);
  const extra = [['Event', 'conference']] as const;
  const subscribed = stage.request({ method: 'SUBSCRIBE', uri: user(groupName), callId: 'sub-1', extra });
  assert(answered !== undefined);
  return { stage, decisions: [setUp, answered, subscribed] };
}

function changesOf({ changes }: Decision) {
  assert(changes !== undefined);
  return changes;
}

const record = (of: Partial<DecisionRecord> = {}): DecisionRecord => ({
  atMs: 1,
  clause: '7.2.1.2',
  procedure: 'p',
  trigger: 'INVITE',
  steps: [{ id: 'R-1', title: 't', verdict: 'pass', found: 'f' }],
  ...of,
});

function byRow(conferences: readonly Conference[]): unknown {
  return conferences.map((conference) => ({
    ...conference,
    participants: Object.fromEntries(conference.participants),
    legs: Object.fromEntries(conference.legs),
    subscriptions: Object.fromEntries(conference.subscriptions),
  }));
}

describe('what was committed', () => {
  test('is there after the file was closed and opened again: conferences and outbox', () => {
    const file = newFile();
    const { stage, decisions } = story();
    const store = open({ file });
    let id = 0;
    const batches = decisions.map((decision) => {
      const { effects, conference } = changesOf(decision);
      const batch = {
        id: (id += 1),
        conference: conference.id,
        effects: effects.map((effect) => ({ id: (id += 1), effect })),
      };
      store.commit({ changes: changesOf(decision), batch });
      return batch;
    });
    store.close();
    const again = open({ file });
    const loaded = again.load();
    assert.deepEqual(byRow(loaded.conferences), byRow([stage.theOnly()]));
    assert.deepEqual(loaded.outbox, batches);
    assert.equal(loaded.lastOutboxId, id);
    assert.deepEqual(readSqliteState(file), loaded);

    const [first, ...rest] = batches.flatMap(({ effects }) => effects.map((effect) => effect.id));
    again.effectsDone([]);
    again.effectsDone([first ?? 0]);
    again.effectsDone(rest.slice(0, -1));
    const [left, ...none] = again.load().outbox;
    assert.deepEqual(none, []);
    assert.deepEqual(
      left?.effects.map((effect) => effect.id),
      rest.slice(-1),
    );
    again.close();
  });

  test('rows that were deleted are gone, and a session that ended is not loaded', () => {
    const { stage, decisions } = story();
    const store = open();
    for (const decision of decisions) store.commit({ changes: changesOf(decision) });
    const [subscription] = stage.theOnly().subscriptions.values();
    assert(subscription !== undefined);
    const ended = stage.request({
      method: 'SUBSCRIBE',
      ...stage.inDialog('alice', subscription),
      extra: [
        ['Event', 'conference'],
        ['Expires', '0'],
      ],
    });
    store.commit({ changes: changesOf(ended) });
    assert.equal(store.load().conferences[0]?.subscriptions.size, 0);
    // No BYE leaves before the ACK of the 200.
    store.commit({ changes: changesOf(stage.ack(stage.inDialog('alice')) ?? assert.fail()) });
    const left = stage.request({ ...stage.inDialog('bob'), method: 'BYE' });
    store.commit({ changes: changesOf(left) });
    const [bye] = requestsOf(left, 'BYE');
    const over = stage.respond(bye ?? assert.fail(), { status: 200 });
    store.commit({ changes: changesOf(over ?? assert.fail()) });
    assert.equal(over?.conference?.row.phase, 'ended');
    assert.deepEqual(store.load().conferences, []);
  });

  test('no file means no state, and reading makes none', () => {
    const file = newFile();
    assert.deepEqual(readSqliteState(file), { conferences: [], outbox: [], lastOutboxId: 0 });
    assert.equal(
      readdirSync(folder).some((name) => file.endsWith(name)),
      false,
    );
  });
});

describe('a commit that is refused', () => {
  test('changes nothing: another revision, with its outbox and record', () => {
    const { decisions } = story();
    const [setUp, answered] = decisions;
    const store = open();
    store.commit({ changes: changesOf(setUp ?? assert.fail()) });
    const before = store.load();
    const changes = { ...changesOf(answered ?? assert.fail()), baseRevision: 7 };
    const batch = {
      id: 1,
      conference: changes.conference.id,
      effects: [{ id: 2, effect: changes.effects[0] ?? assert.fail() }],
    };
    assert.throws(() => store.commit({ changes, batch, record: record() }), {
      code: 'STORE_CONFLICT',
      retryable: true,
    });
    assert.deepEqual(store.load(), before);
    assert.deepEqual(store.decisions({ limit: 10 }), []);
    store.commit({ changes: changesOf(answered ?? assert.fail()), batch, record: record() });
    assert.equal(store.decisions({ limit: 10 }).length, 1);
  });

  test('one running session for each group: the second is a conflict until the first is released', () => {
    const first = story();
    const second = new Stage({}, [group('crew', ['alice', 'bob'])]);
    second.ids.token();
    const rival = second.request({ uri: user('crew'), callId: 'bob-1', from: user('bob'), ...sdpBody() });
    const store = open();
    store.commit({ changes: changesOf(first.decisions[0] ?? assert.fail()) });
    assert.throws(() => store.commit({ changes: changesOf(rival), record: record() }), {
      code: 'STORE_CONFLICT',
    });
    assert.equal(store.load().conferences.length, 1);
    store.commit({
      changes: changesOf(first.stage.cancel({ callId: 'none' }) ?? first.decisions[1] ?? assert.fail()),
    });
    const { changes } = first.stage.request({ ...first.stage.inDialog('bob'), method: 'BYE' });
    // The subscription was not committed here, so this is based on the revision before it.
    store.commit({ changes: { ...(changes ?? assert.fail()), baseRevision: 1 } });
    store.commit({ changes: changesOf(rival) });
    assert.equal(store.load().conferences.length, 2);
  });

  test('that fails half way is rolled back whole', () => {
    const { decisions } = story();
    const store = open();
    const changes = changesOf(decisions[0] ?? assert.fail());
    const effect = changes.effects[0] ?? assert.fail();
    const batch = { id: 1, conference: 'c', effects: [2, 3, 2].map((id) => ({ id, effect })) };
    assert.throws(
      () => store.commit({ changes, batch, record: record() }),
      /UNIQUE constraint failed: outbox/,
    );
    assert.deepEqual(store.load(), { conferences: [], outbox: [], lastOutboxId: 0 });
    assert.deepEqual(store.decisions({ limit: 1 }), []);
    store.commit({ changes, record: record() });
    assert.equal(store.load().conferences.length, 1);
  });

  test('any other fault is no conflict', () => {
    const { changes } = new Stage().adHoc(['bob']).decision;
    assert(changes !== undefined);
    const store = open();
    store.commit({ changes });
    assert.throws(
      () => store.commit({ changes }),
      (error: Error) =>
        /UNIQUE constraint failed: conference\.id/.test(error.message) && !('retryable' in error),
    );
  });
});

describe('decisions', () => {
  test('are found by each field and by several, newest first, within the limit', () => {
    const store = open();
    const records = [
      record({ atMs: 1, callId: 'a', user: 'sip:u', status: 200, session: 's' }),
      record({ atMs: 2, callId: 'a', user: 'sip:v', status: 403, clause: '7.2.1.5' }),
      record({ atMs: 3, callId: 'b', user: 'sip:u', status: 403, session: 's' }),
    ];
    for (const one of records) store.commit({ record: one });
    const times = (query: Partial<Parameters<typeof store.decisions>[0]>) =>
      store.decisions({ limit: 10, ...query }).map(({ atMs }) => atMs);
    assert.deepEqual(times({}), [3, 2, 1]);
    assert.deepEqual(times({ callId: 'a' }), [2, 1]);
    assert.deepEqual(times({ user: 'sip:u' }), [3, 1]);
    assert.deepEqual(times({ status: 403 }), [3, 2]);
    assert.deepEqual(times({ clause: '7.2.1.5' }), [2]);
    assert.deepEqual(times({ session: 's', status: 200 }), [1]);
    assert.deepEqual(times({ refused: true }), [3, 2]);
    assert.deepEqual(times({ refused: true, session: 's' }), [3]);
    assert.deepEqual(times({ callId: "x' OR 1=1 --" }), []);
    assert.deepEqual(times({ limit: 2 }), [3, 2]);
    assert.deepEqual(times({ limit: 0 }), [3]);
    assert.deepEqual(store.decisions({ limit: 1 }), records.slice(-1));
    store.commit({ record: record({ atMs: 4, trigger: 'probe', status: 481 }) });
    assert.deepEqual(times({ refused: true, limit: 1 }), [3], 'a probe is nobody who was refused');
  });

  test('are bounded, and so are ended sessions: the oldest go', () => {
    const store = open({ maxDecisions: 10, maxEnded: 2 });
    const [setUp] = story().decisions;
    const { conference, ...changes } = changesOf(setUp ?? assert.fail());
    for (let at = 1; at <= 5; at += 1) {
      const { groupKey: _, ...row } = conference;
      const ended = { ...row, id: `im-s-${at}`, phase: 'ended' as const, endedMs: at };
      store.commit({ changes: { ...changes, conference: ended } });
    }
    for (let at = 1; at <= 256; at += 1) store.commit({ record: record({ atMs: at }) });
    const kept = store.decisions({ limit: 1_000 }).map(({ atMs }) => atMs);
    // Bounds are kept every 256 commits: five sessions and 251 records, then five records more.
    assert.deepEqual([kept.length, kept[0], kept.at(-1)], [15, 256, 242]);
  });
});

describe('the file', () => {
  test('is readable by its owner alone, with what SQLite puts beside it', () => {
    const file = newFile();
    const store = open({ file });
    store.commit({ record: record() });
    const mine = readdirSync(folder).filter((name) => join(folder, name).startsWith(file));
    assert(mine.length >= 2, 'no write-ahead log was found');
    for (const name of mine) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    store.close();
  });

  test('an empty one is brought up to the schema; opening it again keeps what is there', () => {
    const file = newFile();
    new DatabaseSync(file).close();
    const store = open({ file });
    store.commit({ record: record() });
    store.close();
    const again = open({ file });
    assert.equal(again.decisions({ limit: 5 }).length, 1);
    again.close();
  });

  test('one of a later release is refused and left as it is', () => {
    const file = newFile();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 999');
    db.close();
    assert.throws(() => open({ file }), { code: 'STORE_TOO_NEW' });
    const after = new DatabaseSync(file);
    assert.equal(after.prepare('PRAGMA user_version').get()?.['user_version'], 999);
    after.close();
  });

  test('one that is no store, or cannot be made, is STORE_OPEN', () => {
    assert.throws(() => open({ file: join(folder, 'none', 'x.sqlite') }), { code: 'STORE_OPEN' });
    assert.throws(() => open({ file: folder }), { code: 'STORE_OPEN' });
    assert.throws(() => readSqliteState(folder), { code: 'STORE_OPEN' });
  });

  test('pruned sessions take their rows along', () => {
    const file = newFile();
    const store = open({ file, maxEnded: 1 });
    const [setUp] = story().decisions;
    const { conference, ...changes } = changesOf(setUp ?? assert.fail());
    const { groupKey: _, ...row } = conference;
    for (let at = 1; at <= 3; at += 1) {
      const ended = { ...row, id: `im-s-${at}`, phase: 'ended' as const, endedMs: at };
      store.commit({ changes: { ...changes, conference: ended } });
    }
    for (let at = 4; at <= 256; at += 1) store.commit({ record: record() });
    store.close();
    const db = new DatabaseSync(file);
    const ids = (sql: string) =>
      db
        .prepare(sql)
        .all()
        .map((found) => found['id']);
    assert.deepEqual(ids('SELECT id FROM conference'), ['im-s-3']);
    assert.deepEqual(ids('SELECT DISTINCT conference AS id FROM conference_row'), ['im-s-3']);
    db.close();
  });
});
