/** Managed group documents with their versions. A deletion is a version too, without a document. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { GroupSummary } from '../groups/group-content.ts';

export interface GroupRow extends GroupSummary {
  /** `addressKey` of the group. */
  readonly key: string;
  /** Where the document came from when it was not edited here: a URL, `file:` and its path; null after an edit. */
  readonly origin: string | null;
  /** `users/XUI/DOC` or `global/DOC`, for documents put over XCAP. */
  readonly xcapPath: string | null;
  readonly version: number;
  readonly etag: string;
  readonly updatedMs: number;
}

export interface GroupVersionRow {
  readonly version: number;
  readonly atMs: number;
  readonly who: string;
  readonly comment: string | null;
  /** Null: this version is the deletion. */
  readonly etag: string | null;
}

export interface NewGroupVersion {
  readonly key: string;
  readonly summary: GroupSummary;
  readonly xml: string;
  readonly etag: string;
  readonly origin: string | null;
  readonly xcapPath: string | null;
  readonly who: string;
  readonly comment: string | null;
}

export interface GroupSearch {
  /** Lower case; in the URI or the display name. */
  readonly text?: string;
  /** Only keys after this one. */
  readonly after?: string;
  readonly limit: number;
}

export class GroupRecords {
  readonly #db: DatabaseSync;
  readonly #nowMs: () => number;
  readonly #maxVersions: number;

  /** @param maxVersions kept of each group; the oldest go first */
  constructor(db: DatabaseSync, nowMs: () => number, maxVersions: number) {
    this.#db = db;
    this.#nowMs = nowMs;
    this.#maxVersions = maxVersions;
  }

  find(key: string): GroupRow | undefined {
    const found = this.#db.prepare('SELECT * FROM group_document WHERE key = ?').get(key);
    return found === undefined ? undefined : rowOf(found);
  }

  findByXcapPath(path: string): GroupRow | undefined {
    const found = this.#db.prepare('SELECT * FROM group_document WHERE xcap_path = ?').get(path);
    return found === undefined ? undefined : rowOf(found);
  }

  /** In the order of keys. */
  search({ text, after, limit }: GroupSearch): GroupRow[] {
    const { where, values } = terms(text, after);
    return this.#db
      .prepare(`SELECT * FROM group_document ${where} ORDER BY key LIMIT ?`)
      .all(...values, limit)
      .map(rowOf);
  }

  count(text?: string): number {
    const { where, values } = terms(text, undefined);
    const found = this.#db.prepare(`SELECT count(*) AS n FROM group_document ${where}`).get(...values);
    return Number(found?.['n'] ?? 0);
  }

  /** Which of these keys are managed. */
  among(keys: readonly string[]): ReadonlySet<string> {
    const found = this.#db
      .prepare('SELECT key FROM group_document WHERE key IN (SELECT value FROM json_each(?))')
      .all(JSON.stringify(keys));
    return new Set(found.map((row) => String(row['key'])));
  }

  /** Of imported documents that nobody has edited since. */
  withOrigin(prefix: string): { readonly key: string; readonly origin: string }[] {
    return this.#db
      .prepare('SELECT key, origin FROM group_document WHERE substr(origin, 1, ?) = ? ORDER BY key')
      .all(prefix.length, prefix)
      .map((row) => ({ key: String(row['key']), origin: String(row['origin']) }));
  }

  /** Undefined for a version that is unknown or was pruned, null for a deletion. */
  xml(key: string, version: number): string | null | undefined {
    const found = this.#db
      .prepare('SELECT xml FROM group_version WHERE key = ? AND version = ?')
      .get(key, version);
    if (found === undefined) return undefined;
    return textOrNull(found['xml']);
  }

  /** Newest first. */
  versions(key: string, { before, limit }: { before?: number; limit: number }): GroupVersionRow[] {
    return this.#db
      .prepare(
        `SELECT version, at_ms, who, comment, etag FROM group_version
         WHERE key = ? AND version < ? ORDER BY version DESC LIMIT ?`,
      )
      .all(key, before ?? Number.MAX_SAFE_INTEGER, limit)
      .map((found) => ({
        version: Number(found['version']),
        atMs: Number(found['at_ms']),
        who: String(found['who']),
        comment: textOrNull(found['comment']),
        etag: textOrNull(found['etag']),
      }));
  }

  /** Call it in the transaction of the change. */
  put({ key, summary, xml, etag, origin, xcapPath, who, comment }: NewGroupVersion): GroupRow {
    const version = this.#add(key, { who, comment, etag, xml });
    const { uri, displayName, members, maxParticipants, inviteMembers } = summary;
    this.#db
      .prepare(
        // Not OR REPLACE: that would remove another group of the same XCAP path.
        `INSERT INTO group_document
         (key, uri, display_name, members, max_participants, invite_members, origin, xcap_path, version, etag, updated_ms, search)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET
           uri = excluded.uri, display_name = excluded.display_name, members = excluded.members,
           max_participants = excluded.max_participants, invite_members = excluded.invite_members,
           origin = excluded.origin, xcap_path = excluded.xcap_path, version = excluded.version,
           etag = excluded.etag, updated_ms = excluded.updated_ms, search = excluded.search`,
      )
      .run(
        key,
        uri,
        displayName,
        members,
        maxParticipants,
        inviteMembers ? 1 : 0,
        origin,
        xcapPath,
        version,
        etag,
        this.#nowMs(),
        searchTextOf(summary),
      );
    return { ...summary, key, origin, xcapPath, version, etag, updatedMs: this.#nowMs() };
  }

  /** Call it in the transaction of the change. @returns the version that the deletion is */
  delete(key: string, who: string, comment: string | null): number {
    this.#db.prepare('DELETE FROM group_document WHERE key = ?').run(key);
    return this.#add(key, { who, comment, etag: null, xml: null });
  }

  #add(
    key: string,
    {
      who,
      comment,
      etag,
      xml,
    }: { who: string; comment: string | null; etag: string | null; xml: string | null },
  ): number {
    const last = this.#db.prepare('SELECT max(version) AS n FROM group_version WHERE key = ?').get(key);
    const version = Number(last?.['n'] ?? 0) + 1;
    this.#db
      .prepare(
        `INSERT INTO group_version (key, version, seq, at_ms, who, comment, etag, xml)
         VALUES (?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM group_version), ?, ?, ?, ?, ?)`,
      )
      .run(key, version, this.#nowMs(), who, comment, etag, xml);
    this.#db
      .prepare('DELETE FROM group_version WHERE key = ? AND version <= ?')
      .run(key, version - this.#maxVersions);
    return version;
  }
}

/** What a search looks at; of a group in a file too. */
export function searchTextOf({ uri, displayName }: Pick<GroupSummary, 'uri' | 'displayName'>): string {
  return `${uri}\n${displayName ?? ''}`.toLowerCase();
}

function terms(
  text: string | undefined,
  after: string | undefined,
): { where: string; values: SQLInputValue[] } {
  const given: [string, string][] = [];
  if (text !== undefined) given.push(['instr(search, ?) > 0', text]);
  if (after !== undefined) given.push(['key > ?', after]);
  return {
    where: given.length === 0 ? '' : `WHERE ${given.map(([term]) => term).join(' AND ')}`,
    values: given.map(([, value]) => value),
  };
}

function rowOf(found: Record<string, unknown>): GroupRow {
  const most = found['max_participants'];
  return {
    key: String(found['key']),
    uri: String(found['uri']),
    displayName: textOrNull(found['display_name']),
    members: Number(found['members']),
    maxParticipants: most === null ? null : Number(most),
    inviteMembers: found['invite_members'] === 1,
    origin: textOrNull(found['origin']),
    xcapPath: textOrNull(found['xcap_path']),
    version: Number(found['version']),
    etag: String(found['etag']),
    updatedMs: Number(found['updated_ms']),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
