/** Message switches that were added over REST: a focus that starts again knows them, too. */
import type { DatabaseSync } from 'node:sqlite';

export interface SwitchAt {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export class AddedSwitches {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  all(): SwitchAt[] {
    return this.#db
      .prepare('SELECT host, port FROM added_switch ORDER BY at_ms, host, port')
      .all()
      .map(({ host, port }) => ({ host: String(host), port: Number(port) }));
  }

  add({ host, port }: SwitchAt, who: string, nowMs: number): void {
    this.#db.prepare('INSERT OR IGNORE INTO added_switch VALUES (?, ?, ?, ?)').run(host, port, nowMs, who);
  }

  /** @returns false when there is none at that address */
  remove({ host, port }: SwitchAt): boolean {
    const { changes } = this.#db
      .prepare('DELETE FROM added_switch WHERE host = ? AND port = ?')
      .run(host, port);
    return Number(changes) > 0;
  }
}
