/** Records of sessions that are over, for who asks over REST; the oldest go. */
import type { DatabaseSync } from 'node:sqlite';
import type { SessionRecord } from '../session-records/record.ts';

export interface NumberedRecord {
  readonly id: number;
  readonly record: SessionRecord;
}

export interface SessionRecordQuery {
  readonly session?: string;
  readonly address?: string;
  /** Only those older than this one. */
  readonly beforeId?: number;
  readonly limit: number;
}

export class SessionRecords {
  readonly #db: DatabaseSync;
  readonly #maxCount: number;

  constructor(db: DatabaseSync, maxCount: number) {
    this.#db = db;
    this.#maxCount = maxCount;
  }

  has(session: string): boolean {
    return this.#db.prepare('SELECT 1 FROM session_record WHERE session = ?').get(session) !== undefined;
  }

  /** Call it in a transaction. */
  add(record: SessionRecord): void {
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO session_record (session, address, body) VALUES (?, ?, ?)')
      .run(record.session, record.address, JSON.stringify(record));
    this.#db
      .prepare('DELETE FROM session_record WHERE id <= ?')
      .run(Number(lastInsertRowid) - this.#maxCount);
  }

  /** Newest first. */
  find({ session, address, beforeId, limit }: SessionRecordQuery): NumberedRecord[] {
    const given = Object.entries({ session, address }).flatMap(([name, value]) =>
      value === undefined ? [] : [{ term: `${name} = ?`, value: value as string | number }],
    );
    if (beforeId !== undefined) given.push({ term: 'id < ?', value: beforeId });
    const where = given.length === 0 ? '' : `WHERE ${given.map(({ term }) => term).join(' AND ')}`;
    return this.#db
      .prepare(`SELECT id, body FROM session_record ${where} ORDER BY id DESC LIMIT ?`)
      .all(...given.map(({ value }) => value), limit)
      .map(({ id, body }) => ({ id: Number(id), record: JSON.parse(String(body)) as SessionRecord }));
  }
}
