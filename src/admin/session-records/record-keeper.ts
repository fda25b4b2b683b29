/** Keeps a record of each session when it is over: in the database, and as a line of a file where one is named. */
import type { FeedEntry } from '../live/feed.ts';
import type { SessionRecords } from '../records/session-records.ts';
import type { JsonLinesFile } from './json-lines-file.ts';
import type { SessionRecord } from './record.ts';

export interface RecordKeeperParts {
  readonly records: SessionRecords;
  readonly file: JsonLinesFile | undefined;
  /** Undefined: the store does not have it any more. */
  readonly recordOf: (session: string) => SessionRecord | undefined;
}

/** The counts of the switch come with its answer to the last command. */
export const RECORD_SETTLE_MS = 3_000;

export class RecordKeeper {
  readonly #parts: RecordKeeperParts;

  constructor(parts: RecordKeeperParts) {
    this.#parts = parts;
  }

  /** In a transaction. The line is written first: after a crash it may stand there twice, but is never missing. */
  take(entries: readonly FeedEntry[]): boolean {
    let hasWritten = false;
    const { records, file, recordOf } = this.#parts;
    for (const { changes } of entries) {
      for (const { change, session } of changes) {
        if (change !== 'ended' || records.has(session)) continue;
        const record = recordOf(session);
        if (record === undefined) continue;
        file?.append(record);
        records.add(record);
        hasWritten = true;
      }
    }
    return hasWritten;
  }
}
