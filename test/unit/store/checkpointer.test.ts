/** What is committed gets from the log into the file by another connection, and readers do not keep it from that. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DecisionRecord } from '../../../src/focus/ports.ts';
import { Checkpointer } from '../../../src/store/checkpointer.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { StateReader } from '../../../src/store/state-reader.ts';

const RECORD: DecisionRecord = { atMs: 1, clause: 'c', procedure: 'p', trigger: 'INVITE', steps: [] };

test('all that was committed is moved, while the store stays open and is read', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-checkpoint-'));
  const file = join(folder, 'store.db');
  const store = openSqliteStore({ file });
  const reader = new StateReader(file);
  const checkpointer = new Checkpointer(file);
  t.after(() => {
    for (const one of [checkpointer, reader, store]) one.close();
    rmSync(folder, { recursive: true });
  });
  for (let n = 0; n < 50; n += 1) store.commit({ record: RECORD });
  const { log, moved } = checkpointer.look();
  assert(log > 0 && moved === log, `${moved} of ${log} pages`);
  store.commit({ record: RECORD });
  assert.equal(reader.decisions({ limit: 100 }).length, 51);
  assert.equal(checkpointer.look().log <= log, true, 'the log begins anew');
});
