/**
 * Bearer tokens. The text is `parley_<id>_<secret>` with 256 random bits, so a plain hash of the secret is enough: what is
 * stored cannot be used to ask, and a list of it is no list of passwords to guess.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Caller, Role } from './role.ts';

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdMs: number;
  readonly expiresMs: number | null;
  readonly lastUsedMs: number | null;
  readonly revokedMs: number | null;
}

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  readonly expiresMs?: number;
}

export interface TokenQuery {
  /** Only those that come after this one in the list. */
  readonly before?: Pick<TokenRow, 'id' | 'createdMs'>;
  readonly limit?: number;
}

const ID_BYTES = 9;
const SECRET_BYTES = 32;
const FORM = /^parley_([A-Za-z0-9-]{12})_([A-Za-z0-9_-]{43})$/;
/** The time of use is for people, so it is written at most this often. */
const USE_NOTED_EVERY_MS = 60_000;

export class Tokens {
  readonly #db: DatabaseSync;
  readonly #nowMs: () => number;

  constructor(db: DatabaseSync, nowMs: () => number) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** @returns the token's text, which is not kept and cannot be shown again */
  create({ name, role, expiresMs }: NewToken): { readonly id: string; readonly text: string } {
    // It is written behind commands, where a dash in front would make a flag of it; the few bits are not missed.
    const id = randomBytes(ID_BYTES).toString('base64url').replaceAll(/[-_]/g, 'x');
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    this.#db
      .prepare('INSERT INTO token (id, name, role, hash, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)')
      .run(id, name, role, hashOf(secret), this.#nowMs(), expiresMs ?? null);
    return { id, text: `parley_${id}_${secret}` };
  }

  /** Whose token this is; undefined for one that is unknown, expired or revoked. */
  callerOf(text: string): Caller | undefined {
    const [, id, secret] = FORM.exec(text) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const found = this.#db.prepare('SELECT * FROM token WHERE id = ?').get(id);
    if (found === undefined || !timingSafeEqual(hashOf(secret), found['hash'] as Uint8Array))
      return undefined;
    const row = rowOf(found);
    const now = this.#nowMs();
    if (row.revokedMs !== null || (row.expiresMs !== null && row.expiresMs <= now)) return undefined;
    if (row.lastUsedMs === null || now - row.lastUsedMs >= USE_NOTED_EVERY_MS) {
      this.#db.prepare('UPDATE token SET last_used_ms = ? WHERE id = ?').run(now, id);
    }
    return { name: `token:${row.name}`, role: row.role };
  }

  find(id: string): TokenRow | undefined {
    const found = this.#db.prepare('SELECT * FROM token WHERE id = ?').get(id);
    return found === undefined ? undefined : rowOf(found);
  }

  /** Newest first; revoked ones too. All of them without `limit`. */
  list({ before, limit = -1 }: TokenQuery = {}): TokenRow[] {
    const [where, values] =
      before === undefined
        ? ['', []]
        : [
            'WHERE created_ms < ? OR (created_ms = ? AND id > ?)',
            [before.createdMs, before.createdMs, before.id],
          ];
    return this.#db
      .prepare(`SELECT * FROM token ${where} ORDER BY created_ms DESC, id LIMIT ?`)
      .all(...values, limit)
      .map(rowOf);
  }

  /** @returns what it was; undefined for an id that is unknown or was revoked before */
  revoke(id: string): TokenRow | undefined {
    const found = this.#db
      .prepare('UPDATE token SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL RETURNING *')
      .get(this.#nowMs(), id);
    return found === undefined ? undefined : rowOf(found);
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function rowOf(found: Record<string, unknown>): TokenRow {
  const numberOrNull = (value: unknown) => (value === null ? null : Number(value));
  return {
    id: String(found['id']),
    name: String(found['name']),
    role: String(found['role']) as Role,
    createdMs: Number(found['created_ms']),
    expiresMs: numberOrNull(found['expires_ms']),
    lastUsedMs: numberOrNull(found['last_used_ms']),
    revokedMs: numberOrNull(found['revoked_ms']),
  };
}
