/**
 * Reads the decision log along for those who must miss nothing: where they are is kept with what they made of it, so
 * that a restart goes on there.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import type { DecisionFeed, FeedEntry } from '../live/feed.ts';

export interface FeedFollowerParts {
  readonly db: DatabaseSync;
  readonly feed: Pick<DecisionFeed, 'newest' | 'since'>;
  readonly nowMs: () => number;
  readonly log: Pick<Logger, 'error'>;
  /** Under which the place is kept. */
  readonly name: string;
  /** An entry is read only when it is so old: what belongs to it may come a little later. */
  readonly settleMs: number;
  /** In a transaction with the new place. What it throws is tried again. @returns whether anything was written */
  readonly take: (entries: readonly FeedEntry[]) => boolean;
}

const BATCH = 500;
const MAX_BATCHES = 4;
/** After a crash so much is read once more, of which nothing was written. */
const KEEP_MS = 10_000;
/** Between two lines about the same trouble. */
const QUIET_MS = 60_000;

export class FeedFollower {
  readonly #parts: FeedFollowerParts;
  #loggedMs = Number.NEGATIVE_INFINITY;
  #reached: number | undefined;
  #keptMs = Number.NEGATIVE_INFINITY;

  constructor(parts: FeedFollowerParts) {
    this.#parts = parts;
  }

  /** Takes what is new. */
  look(): void {
    try {
      for (let round = 0; round < MAX_BATCHES; round += 1) if (this.#batch() < BATCH) return;
    } catch (err) {
      const { log, name, nowMs } = this.#parts;
      if (nowMs() - this.#loggedMs < QUIET_MS) return;
      this.#loggedMs = nowMs();
      log.error({ err, reader: name }, 'what has happened could not be taken up; it is tried again');
    }
  }

  /** @returns how many entries were read */
  #batch(): number {
    const { db, feed, nowMs, settleMs, take } = this.#parts;
    const place = this.#place();
    const found = feed.since(place, BATCH);
    const youngest = nowMs() - settleMs;
    const settled = found.findIndex(({ decision }) => Date.parse(decision.at) > youngest);
    const entries = settled < 0 ? found : found.slice(0, settled);
    const last = entries.at(-1)?.decision.id;
    if (last === undefined) return 0;
    db.exec('BEGIN IMMEDIATE');
    try {
      // A place alone is written now and then only: each write waits for the disk.
      const isDue = take(entries) || nowMs() - this.#keptMs >= KEEP_MS;
      if (isDue) this.#keep(last);
      db.exec(isDue ? 'COMMIT' : 'ROLLBACK');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
    this.#reached = last;
    return entries.length;
  }

  /** The first time it begins with what comes; a log that was made anew is read from its beginning. */
  #place(): number {
    const { db, feed, name } = this.#parts;
    const newest = feed.newest();
    if (this.#reached === undefined) {
      const found = db.prepare('SELECT decision FROM feed_position WHERE reader = ?').get(name);
      if (found === undefined) this.#keep(newest);
      this.#reached = found === undefined ? newest : Number(found['decision']);
    }
    const place = this.#reached;
    return place > newest ? 0 : place;
  }

  #keep(decision: number): void {
    this.#keptMs = this.#parts.nowMs();
    this.#parts.db
      .prepare('INSERT OR REPLACE INTO feed_position (reader, decision) VALUES (?, ?)')
      .run(this.#parts.name, decision);
  }
}
