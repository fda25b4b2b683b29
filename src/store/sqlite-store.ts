/** The embedded store: one SQLite file, one writer. State, outbox and trace of a decision are one transaction. */
import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type {
  Commit,
  DecisionQuery,
  DecisionRecord,
  LoadedState,
  Store,
  TrafficSums,
} from '../focus/ports.ts';
import type { Changes } from '../focus/work.ts';
import { CodedError } from '../lib/errors.ts';
import { type NumberedDecision, queryDecisions } from './decision-query.ts';
import { readState, trafficIn } from './read-state.ts';
import { MIGRATIONS } from './schema.ts';

export interface SqliteStoreOptions {
  /** A file, or `:memory:`. */
  readonly file: string;
  /** Decisions kept, the oldest go first (default 20,000). */
  readonly maxDecisions?: number;
  /** Ended sessions kept for the operator (default 1,000). */
  readonly maxEnded?: number;
}

const DEFAULT_MAX_DECISIONS = 20_000;
const DEFAULT_MAX_ENDED = 1_000;
/**
 * A checkpoint in the writer's thread is a pause of many milliseconds between two decisions: another thread makes them
 * (Checkpointer). This is for when that thread is not there; 32 MiB of pages.
 */
const AUTO_CHECKPOINT_PAGES = 8_192;
/** The bounds are enforced every so many commits, not at each. */
const PRUNE_EVERY = 256;

/** @throws CodedError `STORE_OPEN`, `STORE_TOO_NEW` */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(options.file);
    if (options.file !== ':memory:') chmodSync(options.file, 0o600);
    // WAL with NORMAL: a crash of the process loses nothing; a crash of the machine may lose the last commits, whole.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000;');
    db.exec(`PRAGMA wal_autocheckpoint = ${AUTO_CHECKPOINT_PAGES};`);
    migrate(db, options.file);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('STORE_OPEN', `cannot open the store ${options.file}: ${String(error)}`, {
      cause: error,
    });
  }
  return new SqliteStore(db, options);
}

function migrate(db: DatabaseSync, file: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new CodedError(
      'STORE_TOO_NEW',
      `the store ${file} has schema ${version}; this release knows ${MIGRATIONS.length}`,
    );
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN; ${step}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #maxDecisions: number;
  readonly #maxEnded: number;
  readonly #insertConference: StatementSync;
  readonly #updateConference: StatementSync;
  readonly #putRow: StatementSync;
  readonly #deleteRow: StatementSync;
  readonly #putEffect: StatementSync;
  readonly #deleteEffect: StatementSync;
  readonly #putDecision: StatementSync;
  #commits = 0;

  constructor(db: DatabaseSync, options: SqliteStoreOptions) {
    this.#db = db;
    this.#maxDecisions = options.maxDecisions ?? DEFAULT_MAX_DECISIONS;
    this.#maxEnded = options.maxEnded ?? DEFAULT_MAX_ENDED;
    this.#insertConference = db.prepare(
      'INSERT INTO conference (id, group_key, phase, revision, body) VALUES (?, ?, ?, ?, ?)',
    );
    this.#updateConference = db.prepare(
      'UPDATE conference SET group_key = ?, phase = ?, revision = ?, body = ? WHERE id = ? AND revision = ?',
    );
    this.#putRow = db.prepare(
      'INSERT OR REPLACE INTO conference_row (conference, kind, id, body) VALUES (?, ?, ?, ?)',
    );
    this.#deleteRow = db.prepare('DELETE FROM conference_row WHERE conference = ? AND kind = ? AND id = ?');
    this.#putEffect = db.prepare('INSERT INTO outbox (id, batch, conference, body) VALUES (?, ?, ?, ?)');
    this.#deleteEffect = db.prepare('DELETE FROM outbox WHERE id = ?');
    this.#putDecision = db.prepare(
      'INSERT INTO decision (at_ms, call_id, user, clause, status, session, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
  }

  load(): LoadedState {
    return readState(this.#db);
  }

  commit({ changes, batch, record }: Commit): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      if (changes !== undefined) this.#write(changes);
      for (const { id, effect } of batch?.effects ?? []) {
        this.#putEffect.run(id, batch?.id ?? 0, batch?.conference ?? '', JSON.stringify(effect));
      }
      if (record !== undefined) this.#record(record);
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw conflictOf(error) ?? error;
    }
    this.#commits += 1;
    if (this.#commits % PRUNE_EVERY === 0) this.#prune();
  }

  #write({ conference, baseRevision, rows }: Changes): void {
    const { id, groupKey, phase, revision } = conference;
    const body = JSON.stringify(conference);
    if (baseRevision < 0) this.#insertConference.run(id, groupKey ?? null, phase, revision, body);
    else {
      const { changes } = this.#updateConference.run(
        groupKey ?? null,
        phase,
        revision,
        body,
        id,
        baseRevision,
      );
      if (changes !== 1) {
        throw new CodedError('STORE_CONFLICT', `conference ${id} is not at revision ${baseRevision}`, {
          retryable: true,
        });
      }
    }
    for (const change of rows) {
      if (change.row === undefined) this.#deleteRow.run(id, change.kind, change.id);
      else this.#putRow.run(id, change.kind, change.id, JSON.stringify(change.row));
    }
  }

  #record(record: DecisionRecord): void {
    const { atMs, callId, user, clause, status, session } = record;
    const body = JSON.stringify(record);
    this.#putDecision.run(atMs, callId ?? null, user ?? null, clause, status ?? null, session ?? null, body);
  }

  #prune(): void {
    this.#db
      .prepare('DELETE FROM decision WHERE id <= (SELECT max(id) FROM decision) - ?')
      .run(this.#maxDecisions);
    const ended = this.#db
      .prepare(
        "SELECT id FROM conference WHERE phase = 'ended' ORDER BY json_extract(body, '$.endedMs') DESC LIMIT -1 OFFSET ?",
      )
      .all(this.#maxEnded);
    for (const { id } of ended) {
      this.#db.prepare('DELETE FROM conference_row WHERE conference = ?').run(String(id));
      this.#db.prepare('DELETE FROM conference WHERE id = ?').run(String(id));
    }
  }

  effectsDone(ids: readonly number[]): void {
    if (ids.length === 0) return;
    if (ids.length === 1) {
      this.#deleteEffect.run(ids[0] ?? 0);
      return;
    }
    this.#db.exec('BEGIN IMMEDIATE');
    for (const id of ids) this.#deleteEffect.run(id);
    this.#db.exec('COMMIT');
  }

  addTraffic(conference: string, traffic: TrafficSums): void {
    const found = this.#db.prepare('SELECT traffic FROM conference WHERE id = ?').get(conference);
    const before = trafficIn(found?.['traffic']);
    const sum: TrafficSums = {
      messagesIn: traffic.messagesIn + (before?.messagesIn ?? 0),
      messagesOut: traffic.messagesOut + (before?.messagesOut ?? 0),
      bytesIn: traffic.bytesIn + (before?.bytesIn ?? 0),
      bytesOut: traffic.bytesOut + (before?.bytesOut ?? 0),
    };
    this.#db.prepare('UPDATE conference SET traffic = ? WHERE id = ?').run(JSON.stringify(sum), conference);
  }

  decisions(query: DecisionQuery): DecisionRecord[] {
    return queryDecisions(this.#db, query).map(({ record }) => record);
  }

  close(): void {
    this.#db.close();
  }
}

/**
 * The state in a store file, read without writing: what `explain` decides by. No file means no state.
 * @throws CodedError `STORE_OPEN`
 */
export function readSqliteState(file: string): LoadedState {
  return existsSync(file) ? readOnly(file, readState) : { conferences: [], outbox: [], lastOutboxId: 0 };
}

/**
 * Decisions in a store file, read without writing. No file means none.
 * @throws CodedError `STORE_OPEN`
 */
export function readSqliteDecisions(file: string, query: DecisionQuery): NumberedDecision[] {
  return existsSync(file) ? readOnly(file, (db) => queryDecisions(db, query)) : [];
}

function readOnly<T>(file: string, read: (db: DatabaseSync) => T): T {
  try {
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      return read(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw new CodedError('STORE_OPEN', `cannot read the store ${file}: ${String(error)}`, { cause: error });
  }
}

/** The unique key on the group is what keeps two sessions of one group from running. */
function conflictOf(error: unknown): CodedError | undefined {
  return error instanceof Error &&
    /UNIQUE constraint failed: (conference\.group_key|index 'one_session_per_group')/.test(error.message)
    ? new CodedError('STORE_CONFLICT', 'the group has a session already', { cause: error, retryable: true })
    : undefined;
}
