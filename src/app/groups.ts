/**
 * The pre-defined groups of this server: OMA group documents from files and those managed over REST, found by any form
 * of their address. Where both have one the managed counts. A document that is bad leaves the one read before in force;
 * of many only the most recently used stay parsed in memory.
 */
import { existsSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { readExternalList } from '../documents/external-lists.ts';
import { parseGroupDocument } from '../documents/group-document.ts';
import { allMembers, formatGroupError, type GroupDocument } from '../documents/group-model.ts';
import { addressKey } from '../sip/uri.ts';
import { fingerprintOf, readDocumentFile } from './document-file.ts';
import { ManagedGroups } from './groups-managed.ts';
import { ListFolder } from './list-folder.ts';

/** One file. */
interface Source {
  fingerprint: string;
  /** What is in force; undefined while no version of the file was good. */
  bytes?: Buffer;
  /** Goes up with every version that is taken. */
  version: number;
  /** Keys of its groups, and what lists show of each. */
  keys: readonly string[];
  entries: readonly FileGroupEntry[];
  /** The list documents that the last reading asked for. */
  lists: ReadonlySet<string>;
  /** What the file holds now was not taken, for these reasons. */
  faults: readonly string[];
  /** Kept parsed, because the lists that went into it may change or go. */
  pinned?: readonly GroupDocument[];
}

export interface DoubleGroup {
  readonly group: string;
  readonly file: string;
  readonly other: string;
}

/** A group of a file, as lists show it. */
export interface FileGroupEntry {
  readonly key: string;
  readonly file: string;
  readonly uri: string;
  readonly displayName: string | null;
  readonly members: number;
  readonly maxParticipants: number | null;
  readonly inviteMembers: boolean;
}

export interface GroupDirectoryOptions {
  /** Where the lists are that documents refer to; without it such a document is refused. */
  readonly listsFolder?: string | undefined;
  /** The admin's records, for the managed groups; one that is not there has none. */
  readonly recordsFile?: string;
  /** Parsed documents kept of each kind (default 5,000). */
  readonly maxParsed?: number;
}

type Taken = { readonly groups: readonly GroupDocument[] } | { readonly faults: readonly string[] };

/** Parsed documents kept; others are parsed again when asked for. */
const DEFAULT_MAX_PARSED = 5_000;
/** Faults of one document that are logged; `parley config check` tells all. */
const MAX_LOGGED_FAULTS = 20;

export class GroupDirectory {
  readonly #sources = new Map<string, Source>();
  readonly #fileByKey = new Map<string, string>();
  readonly #parsed: LRUCache<string, GroupDocument>;
  readonly #lists: ListFolder;
  readonly #log: Logger;
  readonly #managed: ManagedGroups | undefined;
  #refused = 0;
  #doubles: DoubleGroup[] = [];
  #fileRevision = 0;

  /** @throws CodedError `ADMIN_RECORDS_OPEN` */
  constructor(
    log: Logger,
    { listsFolder, recordsFile, maxParsed = DEFAULT_MAX_PARSED }: GroupDirectoryOptions = {},
  ) {
    this.#log = log;
    this.#lists = new ListFolder(listsFolder, log);
    this.#parsed = new LRUCache({ max: maxParsed });
    this.#managed =
      recordsFile !== undefined && existsSync(recordsFile)
        ? new ManagedGroups(recordsFile, this.#lists, log, maxParsed)
        : undefined;
  }

  /** Reads all files. @returns how many groups there are */
  load(files: readonly string[]): number {
    this.refresh(files);
    return this.count;
  }

  /** Looks for what was changed over REST. @returns as `refresh` */
  refreshManaged(): ReadonlySet<string> {
    return this.#managed?.refresh() ?? new Set();
  }

  /**
   * Reads what is new or has changed, and forgets the groups of files that are gone.
   * @param files all files that there are now; of two with the same group the later one counts
   * @returns keys (`addressKey`) of the groups whose document is another one than before, or is gone
   */
  refresh(files: readonly string[]): ReadonlySet<string> {
    const before = this.#versions();
    const changedLists = this.#lists.refresh();
    for (const [file, source] of this.#sources) {
      if (files.includes(file)) continue;
      this.#sources.delete(file);
      for (const key of source.keys) this.#parsed.delete(key);
      this.#log.info({ file }, 'a group document is gone: no new session of its groups');
    }
    for (const file of files) this.#look(file, changedLists);
    this.#assign(files);
    const after = this.#versions();
    const keys = [...new Set([...before.keys(), ...after.keys()])];
    const changed = keys.filter((key) => before.get(key) !== after.get(key));
    if (changed.length > 0) this.#fileRevision += 1;
    const managed = this.#managed?.refreshLists(changedLists) ?? [];
    return new Set([...changed.filter((key) => this.#managed?.has(key) !== true), ...managed]);
  }

  /** Keys of managed groups whose newest version could not be taken. */
  behind(): string[] {
    return this.#managed?.behind() ?? [];
  }

  find(address: string): GroupDocument | undefined {
    return this.#byKey(addressKey(address));
  }

  /** The file that a group's document was read from; undefined for a managed one. */
  fileOf(address: string): string | undefined {
    const key = addressKey(address);
    return this.#managed?.has(key) === true ? undefined : this.#fileByKey.get(key);
  }

  /** Groups of files, without those whose document could not be taken; `revision` goes up when they change. */
  fileGroups(): { readonly revision: number; readonly entries: readonly FileGroupEntry[] } {
    const entries = [...this.#fileByKey].flatMap(
      ([key, file]) => this.#sources.get(file)?.entries.find((entry) => entry.key === key) ?? [],
    );
    return { revision: this.#fileRevision, entries };
  }

  get fileRevision(): number {
    return this.#fileRevision;
  }

  /** What is in force of the file that has this group, also where a managed one overrides it. */
  fileDocument(key: string): { readonly file: string; readonly xml: Uint8Array } | undefined {
    const file = this.#fileByKey.get(key);
    const bytes = file === undefined ? undefined : this.#sources.get(file)?.bytes;
    // A copy: this goes to another thread, with the whole memory that a Buffer is a part of.
    return file === undefined || bytes === undefined ? undefined : { file, xml: new Uint8Array(bytes) };
  }

  get count(): number {
    if (this.#managed === undefined) return this.#fileByKey.size;
    let count = this.#managed.count;
    for (const key of this.#fileByKey.keys()) if (!this.#managed.has(key)) count += 1;
    return count;
  }

  /** Versions of group documents and of lists that were not taken, since the start. */
  get refusedCount(): number {
    return this.#refused + this.#lists.refused + (this.#managed?.refused ?? 0);
  }

  close(): void {
    this.#managed?.close();
  }

  /** Groups that two files have; `file` is the one that counts. */
  doubles(): readonly DoubleGroup[] {
    return this.#doubles;
  }

  /** Why files are not in force as they stand now, with line and column. */
  faults(): string[] {
    return [...this.#sources.values()].flatMap(({ faults }) => faults);
  }

  /** The later file counts; told when that begins. */
  #assign(files: readonly string[]): void {
    const owners = new Map<string, string>();
    this.#doubles = [];
    for (const file of files) {
      for (const key of this.#sources.get(file)?.keys ?? []) {
        const other = owners.get(key);
        owners.set(key, file);
        if (other === undefined) continue;
        this.#doubles.push({ group: key, file, other });
        if (this.#fileByKey.get(key) !== file)
          this.#log.warn({ group: key, file, other }, 'two files have the same group; the later one counts');
      }
    }
    for (const key of this.#fileByKey.keys()) if (!owners.has(key)) this.#fileByKey.delete(key);
    for (const [key, file] of owners) {
      if (this.#fileByKey.get(key) !== file) this.#parsed.delete(key);
      this.#fileByKey.set(key, file);
    }
  }

  #look(file: string, changedLists: ReadonlySet<string>): void {
    const source = this.#sources.get(file) ?? {
      fingerprint: 'unread',
      version: 0,
      keys: [],
      entries: [],
      lists: new Set<string>(),
      faults: [],
    };
    this.#sources.set(file, source);
    const hasNewLists = [...source.lists].some((document) => changedLists.has(document));
    if (!hasNewLists && fingerprintOf(file) === source.fingerprint) return;
    const read = readDocumentFile(file);
    source.fingerprint = read.fingerprint;
    if ('fault' in read) {
      this.#refuse(file, source, [`${file} ${read.fault}`]);
      return;
    }
    if (!hasNewLists && source.faults.length === 0 && source.bytes?.equals(read.bytes)) return;
    const lists = new Set<string>();
    const taken = this.#parse(file, read.bytes, lists);
    source.lists = lists;
    if ('faults' in taken) {
      this.#refuse(file, source, taken.faults);
      return;
    }
    const isMended = source.faults.length > 0 || source.version > 0;
    for (const key of source.keys) this.#parsed.delete(key);
    source.bytes = read.bytes;
    source.version += 1;
    source.faults = [];
    source.entries = taken.groups.map((group) => entryOf(group, file));
    source.keys = source.entries.map((entry) => entry.key);
    if (lists.size > 0) source.pinned = taken.groups;
    else delete source.pinned;
    if (isMended) this.#log.info({ file }, 'a group document was read again');
  }

  #refuse(file: string, source: Source, faults: readonly string[]): void {
    this.#refused += 1;
    source.faults = faults;
    this.#log.error(
      { file, faults: faults.slice(0, MAX_LOGGED_FAULTS), count: faults.length },
      source.bytes === undefined
        ? 'a group document is invalid and was not taken'
        : 'a group document is invalid; the one read before stays in force',
    );
  }

  #parse(file: string, bytes: Buffer, lists: Set<string>): Taken {
    const result = parseGroupDocument(bytes, {
      resolveList: (anchor) =>
        readExternalList(anchor, (document) => {
          lists.add(document);
          return this.#lists.load(document);
        }),
    });
    if (result.ok) return { groups: result.groups };
    return { faults: result.errors.map((error) => formatGroupError(file, error)) };
  }

  #byKey(key: string): GroupDocument | undefined {
    if (this.#managed?.has(key) === true) return this.#managed.find(key);
    const file = this.#fileByKey.get(key);
    const source = file === undefined ? undefined : this.#sources.get(file);
    if (file === undefined || source?.bytes === undefined) return undefined;
    const parsed = source.pinned?.find(({ uri }) => addressKey(uri) === key) ?? this.#parsed.get(key);
    if (parsed !== undefined) return parsed;
    // The bytes in force, not the file: that may hold a bad version by now.
    const taken = this.#parse(file, source.bytes, new Set());
    if ('faults' in taken) throw new Error(`${file} was good before: ${taken.faults[0]}`);
    for (const group of taken.groups) {
      const own = addressKey(group.uri);
      if (this.#fileByKey.get(own) === file) this.#parsed.set(own, group);
    }
    return this.#parsed.get(key);
  }

  #versions(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#fileByKey].map(([key, file]) => [key, `${this.#sources.get(file)?.version} ${file}`]),
    );
  }
}

function entryOf(group: GroupDocument, file: string): FileGroupEntry {
  return {
    key: addressKey(group.uri),
    file,
    uri: group.uri,
    displayName: group.displayName ?? null,
    members: allMembers(group).length,
    maxParticipants: group.maxParticipantCount ?? null,
    inviteMembers: group.inviteMembers,
  };
}
