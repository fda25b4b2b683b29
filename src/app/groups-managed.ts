/**
 * The managed groups as the focus has them: read from the admin's records, which another thread writes. All keys are in
 * memory, documents are parsed when they are asked for. What is new is found by the number of the change.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { openRecords } from '../admin/records/database.ts';
import { readExternalList } from '../documents/external-lists.ts';
import { type GroupDocumentResult, parseGroupDocument } from '../documents/group-document.ts';
import { formatGroupError, type GroupDocument } from '../documents/group-model.ts';
import type { ListFolder } from './list-folder.ts';

interface Managed {
  /** In force; undefined while none could be taken. */
  version: number | undefined;
  /** The list documents that its last reading asked for. */
  lists: ReadonlySet<string>;
  /** Kept parsed, because the lists that went into it may change or go. */
  pinned?: GroupDocument;
}

const NO_LISTS: ReadonlySet<string> = new Set();
const MAX_LOGGED_FAULTS = 20;

export class ManagedGroups {
  readonly #byKey = new Map<string, Managed>();
  readonly #db: DatabaseSync;
  readonly #xml: StatementSync;
  readonly #news: StatementSync;
  readonly #parsed: LRUCache<string, GroupDocument>;
  readonly #lists: ListFolder;
  readonly #log: Logger;
  /** Keys whose newest version could not be taken. */
  readonly #behind = new Set<string>();
  #seq = 0;
  /** Versions that could not be taken. */
  refused = 0;

  /** @throws CodedError `ADMIN_RECORDS_OPEN` */
  constructor(recordsFile: string, lists: ListFolder, log: Logger, maxParsed: number) {
    this.#db = openRecords(recordsFile, { readOnly: true });
    this.#xml = this.#db.prepare('SELECT xml FROM group_version WHERE key = ? AND version = ?');
    // Found by the index of seq alone: decisions wait meanwhile.
    this.#news = this.#db.prepare('SELECT key, version, seq FROM group_version WHERE seq > ? ORDER BY seq');
    this.#parsed = new LRUCache({ max: maxParsed });
    this.#lists = lists;
    this.#log = log;
    this.#load();
  }

  get count(): number {
    return this.#byKey.size;
  }

  keys(): IterableIterator<string> {
    return this.#byKey.keys();
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  find(key: string): GroupDocument | undefined {
    const managed = this.#byKey.get(key);
    if (managed?.version === undefined) return undefined;
    const parsed = managed.pinned ?? this.#parsed.get(key);
    if (parsed !== undefined) return parsed;
    const { group } = this.#read(key, managed.version);
    if (group !== undefined) this.#parsed.set(key, group);
    return group;
  }

  /** @returns keys of the groups whose document is another one than before, came or went */
  refresh(): ReadonlySet<string> {
    const changed = new Set<string>();
    const newest = new Map<string, number>();
    for (const { key, version, seq } of this.#news.all(this.#seq)) {
      newest.set(String(key), Number(version));
      this.#seq = Number(seq);
    }
    for (const [key, version] of newest) if (this.#take(key, version)) changed.add(key);
    return changed;
  }

  /** Groups whose newest version is not in force, because it could not be taken. */
  behind(): string[] {
    return [...this.#behind];
  }

  /** Reads again what went by lists that have changed. @returns as `refresh` */
  refreshLists(changedLists: ReadonlySet<string>): ReadonlySet<string> {
    const changed = new Set<string>();
    if (changedLists.size === 0) return changed;
    for (const [key, { lists }] of this.#byKey) {
      if (![...lists].some((document) => changedLists.has(document))) continue;
      const current = this.#db.prepare('SELECT version FROM group_document WHERE key = ?').get(key)?.[
        'version'
      ];
      if (current !== undefined && this.#take(key, Number(current))) changed.add(key);
    }
    return changed;
  }

  close(): void {
    this.#db.close();
  }

  #load(): void {
    this.#seq = Number(this.#db.prepare('SELECT max(seq) AS n FROM group_version').get()?.['n'] ?? 0);
    const withLists = this.#db.prepare(
      `SELECT key FROM group_document JOIN group_version USING (key, version) WHERE instr(xml, 'external') > 0`,
    );
    for (const { key, version } of this.#db.prepare('SELECT key, version FROM group_document').iterate()) {
      this.#byKey.set(String(key), { version: Number(version), lists: NO_LISTS });
    }
    // These alone depend on something else than their own text.
    for (const { key } of withLists.all()) {
      const managed = this.#byKey.get(String(key));
      if (managed?.version === undefined) continue;
      const { version } = managed;
      managed.version = undefined;
      this.#take(String(key), version);
    }
  }

  #take(key: string, version: number): boolean {
    const xml = this.#xml.get(key, version)?.['xml'];
    const before = this.#byKey.get(key);
    this.#behind.delete(key);
    if (typeof xml !== 'string') {
      this.#parsed.delete(key);
      return this.#byKey.delete(key);
    }
    const { group, faults, lists } = this.#read(key, version);
    if (group === undefined) {
      this.#behind.add(key);
      this.#refuse(key, version, faults);
      this.#byKey.set(key, { version: undefined, ...before, lists });
      return false;
    }
    this.#byKey.set(key, { version, lists, ...(lists.size > 0 && { pinned: group }) });
    this.#parsed.set(key, group);
    return true;
  }

  #read(key: string, version: number) {
    const lists = new Set<string>();
    const xml = String(this.#xml.get(key, version)?.['xml'] ?? '');
    const result: GroupDocumentResult = parseGroupDocument(Buffer.from(xml), {
      resolveList: (anchor) =>
        readExternalList(anchor, (document) => {
          lists.add(document);
          return this.#lists.load(document);
        }),
    });
    return result.ok
      ? { group: result.groups[0], faults: [], lists }
      : { group: undefined, faults: result.errors.map((error) => formatGroupError(key, error)), lists };
  }

  #refuse(key: string, version: number, faults: readonly string[]): void {
    this.refused += 1;
    this.#log.error(
      { group: key, version, faults: faults.slice(0, MAX_LOGGED_FAULTS), count: faults.length },
      'a managed group document cannot be taken; the one before, if any, stays in force',
    );
  }
}
