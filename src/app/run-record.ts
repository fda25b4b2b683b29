/**
 * Who runs on a store. The run directory beside the store holds a lock (one `up` at a time) and the pids of the parts,
 * so that the next run can end what a killed one left behind.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CodedError } from '../lib/errors.ts';
import { bootId, endGroup, groupOf, type ProcessName, startTimeOf } from './process-table.ts';

export interface RecordedPart extends ProcessName {
  readonly name: string;
}

interface RecordFile {
  readonly bootId: string;
  readonly supervisor: ProcessName;
  readonly parts: readonly RecordedPart[];
}

export interface RunRecord {
  readonly directory: string;
  /** Written before it returns: a part is never running unrecorded for long. */
  add(part: RecordedPart): void;
  remove(pid: number): void;
  /** After every part is gone. */
  close(): void;
}

/** `parley.db` → `parley.db.run` */
export function runDirectoryOf(sqliteFile: string): string {
  return `${sqliteFile}.run`;
}

/** Takes the store for this process. Throws `RUN_STORE_IN_USE` while another process holds it; the lock dies with its holder. */
export function openRunRecord(
  sqliteFile: string,
): RunRecord & { readonly leftovers: readonly RecordedPart[] } {
  const directory = runDirectoryOf(sqliteFile);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = takeLock(directory, sqliteFile);
  const file = join(directory, 'record.json');
  const leftovers = leftoversIn(readRecord(file));
  let parts: RecordedPart[] = [...leftovers];
  const supervisor = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  const write = () => {
    const record: RecordFile = { bootId: bootId(), supervisor, parts };
    writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  write();
  return {
    directory,
    leftovers,
    add(part) {
      parts.push(part);
      write();
    },
    remove(pid) {
      parts = parts.filter((part) => part.pid !== pid);
      write();
    },
    close() {
      rmSync(file, { force: true });
      lock.close();
    },
  };
}

/** Ends what a killed run left; says each. */
export async function endLeftovers(
  record: RunRecord & { readonly leftovers: readonly RecordedPart[] },
  timeoutMs: number,
  say: (part: RecordedPart) => void,
): Promise<void> {
  await Promise.all(
    record.leftovers.map(async (part) => {
      say(part);
      await endGroup(part, timeoutMs);
      record.remove(part.pid);
    }),
  );
}

/** SQLite's file lock is the kernel's: it goes with the process, however that ends. */
function takeLock(directory: string, sqliteFile: string): DatabaseSync {
  const lock = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!/locked|busy/i.test((error as Error).message)) throw error;
    const holder = readRecord(join(directory, 'record.json'))?.supervisor.pid;
    const who = holder === undefined ? 'another run' : `the run with pid ${holder}`;
    throw new CodedError(
      'RUN_STORE_IN_USE',
      `store.sqlite: ${JSON.stringify(sqliteFile)} is in use by ${who}; stop that run, or give this one another file`,
      { cause: error },
    );
  }
}

function readRecord(file: string): RecordFile | undefined {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<RecordFile>;
    const sound = Array.isArray(record.parts) && record.parts.every(isPart) && isProcess(record.supervisor);
    return sound ? (record as RecordFile) : undefined;
  } catch {
    return undefined; // No record, or one cut off by a full disk: nothing to go by.
  }
}

function isProcess(value: unknown): value is ProcessName {
  const { pid, startTime } = (value ?? {}) as Partial<ProcessName>;
  return Number.isInteger(pid) && (pid ?? 0) > 1 && typeof startTime === 'string' && /^\d+$/.test(startTime);
}

function isPart(value: unknown): value is RecordedPart {
  return isProcess(value) && typeof (value as Partial<RecordedPart>).name === 'string';
}

function leftoversIn(record: RecordFile | undefined): RecordedPart[] {
  if (record === undefined || record.bootId !== bootId()) return [];
  return record.parts.filter((part) => groupOf(part).length > 0);
}
