/** Records of sessions: the file with its rotation, the keeper, and the list over REST. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { FeedEntry } from '../../../src/admin/live/feed.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { SessionRecords } from '../../../src/admin/records/session-records.ts';
import { JsonLinesFile } from '../../../src/admin/session-records/json-lines-file.ts';
import type { SessionRecord } from '../../../src/admin/session-records/record.ts';
import { RecordKeeper } from '../../../src/admin/session-records/record-keeper.ts';
import { asking } from './asking.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-records-'));
after(() => rmSync(folder, { recursive: true }));
const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { n: number }).n);

function recordOf(session: string): SessionRecord {
  return {
    session,
    identity: `sip:${session}@example.net`,
    kind: 'group',
    address: 'sip:crew@example.net',
    initiator: 'sip:ada@example.net',
    createdAt: '2026-11-22T10:00:00.000Z',
    endedAt: '2026-11-22T10:01:00.000Z',
    durationS: 60,
    endReason: 'everybody has left',
    switchId: 'switch-0',
    participants: [
      {
        address: 'sip:ada@example.net',
        role: 'user',
        joinedAs: 'dialed-in',
        stays: [{ joinedAt: '2026-11-22T10:00:00.000Z', leftAt: '2026-11-22T10:01:00.000Z' }],
        left: { method: 'departed', reason: null },
      },
    ],
    peak: 1,
    traffic: null,
  };
}

function ended(id: number, session: string): FeedEntry {
  const decision = {
    id,
    at: '2026-11-22T10:01:00.000Z',
    clause: '7.2.2.8',
    session,
  } as FeedEntry['decision'];
  return { decision, changes: [{ change: 'ended', session, participant: null, reason: null }] };
}

describe('a file of JSON lines', () => {
  test('is put aside when it would be too long, and only so many are kept', () => {
    const file = join(folder, 'size.jsonl');
    let nowMs = Date.parse('2026-11-22T10:00:00Z');
    const lines = new JsonLinesFile(file, { maxBytes: 20, maxAgeMs: 1e9, maxFiles: 2 }, () => nowMs);
    for (let n = 1; n <= 9; n += 1) {
      lines.append({ n });
      if (n === 4) nowMs += 1000;
    }
    const names = readdirSync(folder).filter((name) => name.startsWith('size.jsonl'));
    assert.deepEqual(names.sort(), [
      'size.jsonl',
      'size.jsonl.20261122T100001Z-1',
      'size.jsonl.20261122T100001Z-2',
    ]);
    assert.deepEqual(
      names.map((name) => linesOf(join(folder, name))),
      [[9], [5, 6], [7, 8]],
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('is put aside when it is old; one that is there is gone on with', () => {
    const file = join(folder, 'age.jsonl');
    let nowMs = Date.now();
    const limits = { maxBytes: 1000, maxAgeMs: 60_000, maxFiles: 5 };
    new JsonLinesFile(file, limits, () => nowMs).append({ n: 1 });
    const again = new JsonLinesFile(file, limits, () => nowMs);
    again.append({ n: 2 });
    assert.deepEqual(linesOf(file), [1, 2]);
    nowMs += 61_000;
    again.append({ n: 3 });
    assert.deepEqual(linesOf(file), [3]);
    rmSync(file);
    again.append({ n: 4 });
    assert.deepEqual(linesOf(file), [4]);
  });
});

describe('the keeper', () => {
  test('one record for each session that ended, in both places; a repeat adds none', () => {
    const records = new SessionRecords(openRecords(':memory:'), 10);
    const file = join(folder, 'keeper.jsonl');
    const lines = new JsonLinesFile(file, { maxBytes: 1e6, maxAgeMs: 1e9, maxFiles: 1 }, () => Date.now());
    const keeper = new RecordKeeper({
      records,
      file: lines,
      recordOf: (session) => (session === 'gone' ? undefined : recordOf(session)),
    });
    keeper.take([ended(1, 'im-s-1'), ended(2, 'gone')]);
    keeper.take([ended(1, 'im-s-1'), ended(3, 'im-s-2')]);
    assert.deepEqual(
      records.find({ limit: 10 }).map(({ record }) => record.session),
      ['im-s-2', 'im-s-1'],
    );
    assert.equal(linesOf(file).length, 2);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? ''), recordOf('im-s-1'));
  });
});

describe('GET /api/v1/session-records', () => {
  test('pages, newest first; by session and by address; the oldest are not kept', async (t) => {
    const db = openRecords(':memory:');
    const records = new SessionRecords(db, 4);
    for (const n of [1, 2, 3, 4, 5]) records.add(recordOf(`im-s-${n}`));
    const { get } = asking(t, {}, { records: db, withoutToken: 'viewer' });
    const sessions = async (query: string) => {
      const { status, body } = await get(`/api/v1/session-records${query}`);
      assert.equal(status, 200);
      return (body as { items: { id: number; session: string }[] }).items;
    };
    assert.deepEqual(
      (await sessions('')).map(({ session }) => session),
      ['im-s-5', 'im-s-4', 'im-s-3', 'im-s-2'],
    );
    const [last] = (await sessions('?limit=2')).slice(-1);
    assert.deepEqual(
      (await sessions(`?before=${last?.id}`)).map(({ session }) => session),
      ['im-s-3', 'im-s-2'],
    );
    assert.deepEqual(await sessions('?session=im-s-3'), [{ id: 3, ...recordOf('im-s-3') }]);
    assert.equal((await sessions('?address=crew%40example.net')).length, 4);
    assert.equal((await sessions('?address=sip:other%40example.net')).length, 0);
    assert.equal((await get('/api/v1/session-records?address=sip:')).status, 400);
  });
});
