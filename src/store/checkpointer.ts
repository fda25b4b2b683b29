/** Moves what was committed from the write-ahead log into the file, in a thread that makes nobody wait. */
import { DatabaseSync } from 'node:sqlite';
import { CodedError } from '../lib/errors.ts';

const EVERY_MS = 500;

export class Checkpointer {
  readonly #db: DatabaseSync;
  readonly #timer: NodeJS.Timeout;

  /** @throws CodedError `STORE_OPEN` */
  constructor(file: string) {
    try {
      this.#db = new DatabaseSync(file);
      this.#db.exec('PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;');
    } catch (error) {
      throw new CodedError('STORE_OPEN', `cannot open the store ${file}: ${String(error)}`, { cause: error });
    }
    this.#timer = setInterval(() => this.look(), EVERY_MS);
    this.#timer.unref();
  }

  /** As far as it goes without waiting for readers or the writer. @returns pages that are in the log, and moved */
  look(): { readonly log: number; readonly moved: number } {
    try {
      const { log, checkpointed } = this.#db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() ?? {};
      return { log: Number(log), moved: Number(checkpointed) };
    } catch {
      return { log: -1, moved: -1 }; // Somebody else is at it.
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#db.close();
  }
}
