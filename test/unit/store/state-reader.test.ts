import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { ConferenceRow, ParticipantRow, Presence } from '../../../src/focus/conference.ts';
import type { Store } from '../../../src/focus/ports.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { StateReader } from '../../../src/store/state-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-reader-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A store and somebody who reads along. */
function pair(maxEnded?: number): { store: Store; reader: StateReader } {
  const file = join(folder, `store-${(files += 1)}.sqlite`);
  const store = openSqliteStore({ file, ...(maxEnded === undefined ? {} : { maxEnded }) });
  const reader = new StateReader(file);
  after(() => {
    reader.close();
    store.close();
  });
  return { store, reader };
}

function put(
  store: Store,
  own: Partial<ConferenceRow>,
  roster: Readonly<Record<string, Presence>> = {},
): void {
  const conference: ConferenceRow = {
    id: 'a',
    identity: `sip:${own.id ?? 'a'}@example.com`,
    kind: 'ad-hoc',
    address: 'sip:factory@example.com',
    passedOn: [],
    phase: 'active',
    revision: 0,
    switchId: 'switch-0',
    switchAddress: { host: '127.0.0.1', port: 1 },
    switchRevision: 0,
    initiator: 'p0',
    acceptTypes: [],
    createdMs: 1,
    ...own,
  };
  const rows = Object.entries(roster).map(([user, presence]) => {
    const row: ParticipantRow = {
      id: user,
      keys: [`sip:${user}@example.com`, `tel:${user}`],
      address: `sip:${user}@example.com`,
      role: 'user',
      presence,
      isExpelled: false,
    };
    return { kind: 'participant' as const, id: user, row };
  });
  store.commit({
    changes: { conference, baseRevision: conference.revision - 1, rows, effects: [], events: [] },
  });
}

const idsOf = (reader: StateReader, query: Partial<Parameters<StateReader['sessions']>[0]> = {}) =>
  reader.sessions({ limit: 100, ...query }).map(({ row }) => row.id);

describe('sessions read along', () => {
  test('newest first, equal times by id, each page after the last one of the one before', () => {
    const { store, reader } = pair();
    for (const [id, createdMs] of [
      ['b', 5],
      ['a', 5],
      ['old', 1],
      ['new', 9],
    ] as const)
      put(store, { id, createdMs });
    assert.deepEqual(idsOf(reader), ['new', 'a', 'b', 'old']);
    assert.deepEqual(idsOf(reader, { limit: 2 }), ['new', 'a']);
    assert.deepEqual(idsOf(reader, { limit: 2, after: { createdMs: 5, id: 'a' } }), ['b', 'old']);
  });

  test('who is there and who is asked, counted for each', () => {
    const { store, reader } = pair();
    put(store, { id: 'a' }, { ann: 'connected', bob: 'alerting', cy: 'invited', dee: 'disconnected' });
    put(store, { id: 'b' });
    const counts = reader.sessions({ limit: 9 }).map(({ connected, invited }) => [connected, invited]);
    assert.deepEqual(counts, [
      [1, 2],
      [0, 0],
    ]);
  });

  test('by user under any of their addresses, those who left too; by kind, phase, group and Call-ID', () => {
    const { store, reader } = pair();
    put(store, { id: 'a' }, { ann: 'disconnected' });
    put(
      store,
      { id: 'b', kind: 'group', groupKey: 'sip:team@example.com' },
      { ann: 'connected', bob: 'connected' },
    );
    put(store, { id: 'c', phase: 'forming' }, { bob: 'connected' });
    store.commit({
      record: {
        atMs: 1,
        clause: '7.2.1.2',
        procedure: 'p',
        trigger: 'INVITE',
        callId: 'x',
        session: 'c',
        steps: [],
      },
    });
    assert.deepEqual(idsOf(reader, { userKey: 'sip:ann@example.com' }), ['a', 'b']);
    assert.deepEqual(idsOf(reader, { userKey: 'tel:bob' }), ['b', 'c']);
    assert.deepEqual(idsOf(reader, { kind: 'group' }), ['b']);
    assert.deepEqual(idsOf(reader, { phase: 'forming' }), ['c']);
    assert.deepEqual(idsOf(reader, { groupKey: 'sip:team@example.com' }), ['b']);
    assert.deepEqual(idsOf(reader, { callId: 'x' }), ['c']);
    assert.deepEqual(idsOf(reader, { userKey: 'sip:ann@example.com', kind: 'group' }), ['b']);
    assert.equal(reader.countSessions({ userKey: 'tel:bob' }), 2);
  });

  test('those that have ended only when asked for, and whole', () => {
    const { store, reader } = pair();
    put(store, { id: 'a', phase: 'ended', endedMs: 7, endReason: 'released' }, { ann: 'disconnected' });
    put(store, { id: 'b' });
    assert.deepEqual(idsOf(reader), ['b']);
    assert.deepEqual(idsOf(reader, { withEnded: true }), ['a', 'b']);
    assert.deepEqual(idsOf(reader, { phase: 'ended' }), ['a']);
    assert.deepEqual([...(reader.session('a')?.participants.keys() ?? [])], ['ann']);
    assert.equal(reader.session('nobody'), undefined);
  });

  test('a commit is seen by the next question', () => {
    const { store, reader } = pair();
    put(store, { id: 'a' }, { ann: 'invited' });
    assert.equal(reader.sessions({ limit: 1 })[0]?.connected, 0);
    put(store, { id: 'a', revision: 1 }, { ann: 'connected' });
    assert.equal(reader.sessions({ limit: 1 })[0]?.connected, 1);
  });
});

test('decisions are followed from any point, oldest first', () => {
  const { store, reader } = pair();
  assert.equal(reader.lastDecision(), 0);
  for (const clause of ['1', '2', '3']) {
    store.commit({ record: { atMs: 1, clause, procedure: 'p', trigger: 'INVITE', steps: [] } });
  }
  const clauses = (found: ReturnType<StateReader['decisions']>) => found.map(({ record }) => record.clause);
  assert.deepEqual(clauses(reader.decisionsSince(1, 10)), ['2', '3']);
  assert.deepEqual(clauses(reader.decisionsSince(0, 1)), ['1']);
  assert.deepEqual(clauses(reader.decisions({ limit: 10, beforeId: 3 })), ['2', '1']);
  assert.equal(reader.lastDecision(), 3);
});

test('a file that is no store is STORE_OPEN', () => {
  assert.throws(() => new StateReader(join(folder, 'nothing.sqlite')), { code: 'STORE_OPEN' });
});
