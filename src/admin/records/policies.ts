/** Policies as they were stored, and which of them is in force. Version 0 is the configuration alone. */
import type { DatabaseSync } from 'node:sqlite';

export interface PolicyVersion {
  readonly version: number;
  readonly atMs: number;
  readonly who: string;
  readonly comment: string | null;
  /** When it was last put in force; null: never. */
  readonly activatedMs: number | null;
}

export interface Activation {
  /** Counts up with every change of what is in force; 0: there was none. */
  readonly id: number;
  readonly version: number;
  readonly atMs: number | null;
  readonly who: string | null;
}

const NONE: Activation = { id: 0, version: 0, atMs: null, who: null };

export class PolicyRecords {
  readonly #db: DatabaseSync;
  readonly #nowMs: () => number;
  readonly #maxVersions: number;

  constructor(db: DatabaseSync, nowMs: () => number, maxVersions: number) {
    this.#db = db;
    this.#nowMs = nowMs;
    this.#maxVersions = maxVersions;
  }

  /** Call it in a transaction. The oldest go, but never what is in force. @returns the number of the new version */
  add(who: string, comment: string | null, policy: unknown): number {
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO policy_version (at_ms, who, comment, body) VALUES (?, ?, ?, ?)')
      .run(this.#nowMs(), who, comment, JSON.stringify(policy));
    this.#db
      .prepare(
        `DELETE FROM policy_version WHERE id <> ?
         AND id <= (SELECT id FROM policy_version ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      )
      .run(this.active().version, this.#maxVersions);
    return Number(lastInsertRowid);
  }

  /** Newest first. */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): PolicyVersion[] {
    return this.#db
      .prepare('SELECT * FROM policy_version WHERE id < ? ORDER BY id DESC LIMIT ?')
      .all(before, limit)
      .map(versionOf);
  }

  find(version: number): PolicyVersion | undefined {
    const found = this.#db.prepare('SELECT * FROM policy_version WHERE id = ?').get(version);
    return found === undefined ? undefined : versionOf(found);
  }

  body(version: number): unknown {
    return policyBody(this.#db, version);
  }

  active(): Activation {
    return activePolicy(this.#db);
  }

  /** What was in force before that. */
  previous(): Activation {
    const found = this.#db
      .prepare('SELECT * FROM policy_activation WHERE version <> ? ORDER BY id DESC LIMIT 1')
      .get(this.active().version);
    return found === undefined ? NONE : activationOf(found);
  }

  /** Call it in a transaction. */
  activate(version: number, who: string): void {
    const nowMs = this.#nowMs();
    this.#db
      .prepare('INSERT INTO policy_activation (at_ms, who, version) VALUES (?, ?, ?)')
      .run(nowMs, who, version);
    this.#db.prepare('UPDATE policy_version SET activated_ms = ? WHERE id = ?').run(nowMs, version);
  }
}

export function activePolicy(db: DatabaseSync): Activation {
  const found = db.prepare('SELECT * FROM policy_activation ORDER BY id DESC LIMIT 1').get();
  return found === undefined ? NONE : activationOf(found);
}

/** Undefined: it is not kept. */
export function policyBody(db: DatabaseSync, version: number): unknown {
  if (version === 0) return {};
  const found = db.prepare('SELECT body FROM policy_version WHERE id = ?').get(version);
  return found === undefined ? undefined : JSON.parse(String(found['body']));
}

function activationOf(found: Record<string, unknown>): Activation {
  return {
    id: Number(found['id']),
    version: Number(found['version']),
    atMs: Number(found['at_ms']),
    who: String(found['who']),
  };
}

function versionOf(found: Record<string, unknown>): PolicyVersion {
  const activated = found['activated_ms'];
  const comment = found['comment'];
  return {
    version: Number(found['id']),
    atMs: Number(found['at_ms']),
    who: String(found['who']),
    comment: typeof comment === 'string' ? comment : null,
    activatedMs: activated === null ? null : Number(activated),
  };
}
