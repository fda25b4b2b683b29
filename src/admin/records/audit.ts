/** The audit log: every change that somebody made, with what was before and after. Nothing in it is ever changed. */
import type { DatabaseSync } from 'node:sqlite';

export interface AuditEntry {
  readonly id: number;
  readonly atMs: number;
  /** `token:<name>`, `loopback`, `cli` */
  readonly who: string;
  /** `group.replace`, `session.end` … */
  readonly action: string;
  /** What it was done to: a group URI, a session id … */
  readonly target: string;
  /** Secrets are never part of these. */
  readonly before: unknown;
  readonly after: unknown;
}

export interface AuditQuery {
  readonly who?: string;
  readonly action?: string;
  readonly target?: string;
  /** Only entries older than this one. */
  readonly beforeId?: number;
  readonly limit: number;
}

export class AuditLog {
  readonly #db: DatabaseSync;
  readonly #nowMs: () => number;

  constructor(db: DatabaseSync, nowMs: () => number) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** Call it in the transaction of the change, where the change is in the same file. */
  add({ who, action, target, before, after }: Omit<AuditEntry, 'id' | 'atMs'>): void {
    const text = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));
    this.#db
      .prepare('INSERT INTO audit (at_ms, who, action, target, before, after) VALUES (?, ?, ?, ?, ?, ?)')
      .run(this.#nowMs(), who, action, target, text(before), text(after));
  }

  /** Newest first. */
  find({ who, action, target, beforeId, limit }: AuditQuery): AuditEntry[] {
    const given = Object.entries({ who, action, target }).flatMap(([name, value]) =>
      value === undefined ? [] : [{ term: `${name} = ?`, value: value as string | number }],
    );
    if (beforeId !== undefined) given.push({ term: 'id < ?', value: beforeId });
    const where = given.length === 0 ? '' : `WHERE ${given.map(({ term }) => term).join(' AND ')}`;
    return this.#db
      .prepare(`SELECT * FROM audit ${where} ORDER BY id DESC LIMIT ?`)
      .all(...given.map(({ value }) => value), limit)
      .map((found) => ({
        id: Number(found['id']),
        atMs: Number(found['at_ms']),
        who: String(found['who']),
        action: String(found['action']),
        target: String(found['target']),
        before: parsed(found['before']),
        after: parsed(found['after']),
      }));
  }
}

function parsed(text: unknown): unknown {
  return typeof text === 'string' ? (JSON.parse(text) as unknown) : null;
}
