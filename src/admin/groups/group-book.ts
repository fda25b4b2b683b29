/**
 * The groups as an operator sees them: documents that are managed here, and those of files, which only their file can
 * change. Where both have an address the managed one is in force.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { formatGroupDocument, parseGroupDocument } from '../../documents/group-document.ts';
import type { GroupDocument } from '../../documents/group-model.ts';
import { addressKey } from '../../sip/uri.ts';
import type { Caller } from '../access/role.ts';
import { checkPrecondition, etagOf } from '../etag.ts';
import { ProblemError } from '../problem.ts';
import type { AuditLog } from '../records/audit.ts';
import { inTransaction } from '../records/database.ts';
import { GroupRecords, type GroupRow } from '../records/groups.ts';
import { type GroupContent, summaryOf } from './group-content.ts';
import type { GroupPorts } from './ports.ts';

/** A document in force. */
export type FoundGroup = { readonly xml: string; readonly etag: string; readonly key: string } & (
  | { readonly row: GroupRow; readonly file?: undefined }
  | { readonly row?: undefined; readonly file: string }
);

export interface Edit {
  readonly caller: Pick<Caller, 'name'>;
  readonly comment?: string | undefined;
  /** `group.create`, `group.replace` …; without it by whether the group was there. */
  readonly action?: string;
  readonly origin?: string | null;
  /** A group of a file is taken over. */
  readonly overridesFile?: true;
  readonly xcapPath?: string | null;
  /** Called in the transaction with the ETag of what is there; throws when the edit was made to something else. */
  readonly check: (current: GroupRow | undefined) => void;
}

export interface Written {
  readonly row: GroupRow;
  readonly result: 'created' | 'replaced' | 'unchanged';
}

export interface Saved {
  readonly row: GroupRow;
  readonly isNew: boolean;
  /** False: the focus did not answer, and takes it by itself within seconds; or it could not take it. */
  readonly inForce: boolean;
}

export interface BookParts {
  readonly db: DatabaseSync;
  readonly audit: AuditLog;
  readonly nowMs: () => number;
  readonly ports: GroupPorts;
  readonly log: Logger;
}

export class GroupBook {
  readonly records: GroupRecords;
  readonly #parts: BookParts;

  constructor(parts: BookParts) {
    this.#parts = parts;
    this.records = new GroupRecords(parts.db, parts.nowMs, parts.ports.maxVersions);
  }

  async find(key: string): Promise<FoundGroup | undefined> {
    const row = this.records.find(key);
    if (row !== undefined) {
      const xml = this.records.xml(key, row.version) ?? '';
      return { key, row, xml, etag: row.etag };
    }
    const kept = await this.#parts.ports.files.document(key);
    if (kept === undefined) return undefined;
    const xml = ownDocument(kept.xml, key);
    return xml === undefined ? undefined : { key, file: kept.file, xml, etag: etagOf(xml) };
  }

  /** @throws ProblemError ADMIN_GROUP_NOT_FOUND */
  async need(key: string): Promise<FoundGroup> {
    return (await this.find(key)) ?? unknownGroup(key);
  }

  /** A document that was taken, with the lists that it names now; a list that is gone has nobody in it. */
  parsed(xml: string, key: string): GroupDocument {
    const { resolveList } = this.#parts.ports;
    const bytes = Buffer.from(xml);
    let read = parseGroupDocument(bytes, { resolveList });
    if (!read.ok) read = parseGroupDocument(bytes);
    const group = read.ok ? read.groups.find(({ uri }) => addressKey(uri) === key) : undefined;
    if (group === undefined) throw new Error(`the document of ${key} was good when it was taken`);
    return group;
  }

  /**
   * Makes the document a new version, in force at once; a version that says what the one before did is none.
   * @throws ProblemError what `check` throws; ADMIN_GROUP_IN_FILE
   */
  async save(content: GroupContent, edit: Edit): Promise<Saved> {
    if (edit.overridesFile !== true) await this.#refuseOfFile(content.key);
    const { row, result } = inTransaction(this.#parts.db, () => this.#write(content, edit));
    return {
      row,
      isNew: result === 'created',
      inForce: result === 'unchanged' || (await this.tell(content.key)),
    };
  }

  /** Many at once, those that `check` lets through; call `tell` after it. Groups of files are overridden. */
  saveBatch(
    edits: readonly { readonly content: GroupContent; readonly edit: Edit }[],
  ): (Written | ProblemError)[] {
    return inTransaction(this.#parts.db, () =>
      edits.map(({ content, edit }) => {
        try {
          return this.#write(content, edit);
        } catch (error) {
          // `check` comes before anything is written.
          if (error instanceof ProblemError) return error;
          throw error;
        }
      }),
    );
  }

  #write({ key, group, xml }: GroupContent, edit: Edit): Written {
    const before = this.records.find(key);
    edit.check(before);
    const etag = etagOf(xml);
    const origin = edit.origin ?? null;
    const xcapPath = edit.xcapPath === undefined ? (before?.xcapPath ?? null) : edit.xcapPath;
    if (before?.etag === etag && before.origin === origin && before.xcapPath === xcapPath) {
      return { row: before, result: 'unchanged' };
    }
    const who = edit.caller.name;
    const comment = edit.comment ?? null;
    const row = this.records.put({
      key,
      summary: summaryOf(group),
      xml,
      etag,
      origin,
      xcapPath,
      who,
      comment,
    });
    this.#parts.audit.add({
      who,
      action: edit.action ?? (before === undefined ? 'group.create' : 'group.replace'),
      target: key,
      before: before === undefined ? null : audited(before),
      after: audited(row),
    });
    return { row, result: before === undefined ? 'created' : 'replaced' };
  }

  /** @throws ProblemError what `check` throws; ADMIN_GROUP_NOT_FOUND, ADMIN_GROUP_IN_FILE */
  async delete(key: string, edit: Pick<Edit, 'caller' | 'comment' | 'check'>): Promise<void> {
    await this.#refuseOfFile(key);
    inTransaction(this.#parts.db, () => {
      const before = this.records.find(key) ?? unknownGroup(key);
      edit.check(before);
      this.records.delete(key, edit.caller.name, edit.comment ?? null);
      this.#parts.audit.add({
        who: edit.caller.name,
        action: 'group.delete',
        target: key,
        before: audited(before),
        after: null,
      });
    });
    await this.tell();
  }

  /** What was committed counts from now on, or within seconds when the focus does not answer. @returns whether `key` does */
  async tell(key?: string): Promise<boolean> {
    try {
      const behind = await this.#parts.ports.changed();
      return key === undefined || !behind.includes(key);
    } catch (error) {
      this.#parts.log.warn(
        { err: error },
        'a changed group is saved; the focus was not told and finds it itself',
      );
      return false;
    }
  }

  async #refuseOfFile(key: string): Promise<void> {
    if (this.records.find(key) !== undefined) return;
    const kept = await this.#parts.ports.files.document(key);
    if (kept === undefined) return;
    throw new ProblemError(
      'ADMIN_GROUP_IN_FILE',
      `${key} is kept in ${kept.file}: edit that file, or take the group over with POST /api/v1/groups/${encodeURIComponent(key)}/adopt and edit it here`,
    );
  }
}

/** An edit over REST says which version it was made to. */
export function preconditionOf(headers: IncomingHttpHeaders): Edit['check'] {
  return (current) => checkPrecondition(headers, current?.etag);
}

export function unknownGroup(key: string): never {
  throw new ProblemError('ADMIN_GROUP_NOT_FOUND', `no group ${key} is known`);
}

/** The one group's document: as it is, or its part of a file that has several. */
export function ownDocument(bytes: Uint8Array, key: string): string | undefined {
  const read = parseGroupDocument(bytes);
  if (!read.ok) return undefined;
  const group = read.groups.find(({ uri }) => addressKey(uri) === key);
  if (group === undefined) return undefined;
  return read.groups.length === 1
    ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    : formatGroupDocument(group);
}

function audited({ version, etag, members, origin }: GroupRow) {
  return { version, etag, members, ...(origin === null ? {} : { origin }) };
}
