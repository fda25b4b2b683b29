/**
 * What the admin itself keeps: tokens, the audit log, managed group documents and policies with their versions, webhooks.
 * A file apart from the state of the conversations, because it has another writer and another worth: it is backed up.
 */
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { CodedError } from '../../lib/errors.ts';
import { RECORD_MIGRATIONS } from './schema.ts';

const BUSY_TIMEOUT_MS = 2_000;

/** @throws CodedError `ADMIN_RECORDS_OPEN`, `ADMIN_RECORDS_TOO_NEW` */
export function openRecords(file: string, { readOnly = false } = {}): DatabaseSync {
  try {
    const db = new DatabaseSync(file, { readOnly });
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};`);
    if (readOnly) return db;
    if (file !== ':memory:') chmodSync(file, 0o600);
    // FULL: what an operator changed and saw confirmed is there after a power cut too.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    migrate(db, file);
    return db;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('ADMIN_RECORDS_OPEN', `cannot open ${file}: ${String(error)}`, { cause: error });
  }
}

/** All or nothing of what `change` writes. */
export function inTransaction<T>(db: DatabaseSync, change: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = change();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

/** Two processes may open a new file at once (the focus and `parley token`), so the version is read under the lock. */
function migrate(db: DatabaseSync, file: string): void {
  inTransaction(db, () => {
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > RECORD_MIGRATIONS.length) {
      throw new CodedError(
        'ADMIN_RECORDS_TOO_NEW',
        `${file} has schema ${version}; this release knows ${RECORD_MIGRATIONS.length}`,
      );
    }
    for (const step of RECORD_MIGRATIONS.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${RECORD_MIGRATIONS.length}`);
  });
}
