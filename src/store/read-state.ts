/** Rows of the store as the objects that they were written from. */
import type { DatabaseSync } from 'node:sqlite';
import type {
  Conference,
  ConferenceRow,
  LegRow,
  ParticipantRow,
  RowKind,
  SubscriptionRow,
} from '../focus/conference.ts';
import type { Effect } from '../focus/decision.ts';
import type { LoadedState, OutboxBatch, OutboxEffect, TrafficSums } from '../focus/ports.ts';

/** All that has not ended, and the effects whose fate is unknown. */
export function readState(db: DatabaseSync): LoadedState {
  const conferences: Conference[] = [];
  const rowsOf = db.prepare('SELECT kind, id, body FROM conference_row WHERE conference = ?');
  for (const found of db.prepare("SELECT id, body FROM conference WHERE phase <> 'ended'").iterate()) {
    const row = JSON.parse(String(found['body'])) as ConferenceRow;
    conferences.push(toConference(row, rowsOf.all(String(found['id']))));
  }
  const last = db.prepare('SELECT max(max(id), max(batch)) AS last FROM outbox').get();
  return { conferences, outbox: readOutbox(db), lastOutboxId: Number(last?.['last'] ?? 0) };
}

function readOutbox(db: DatabaseSync): OutboxBatch[] {
  const batches = new Map<number, { id: number; conference: string; effects: OutboxEffect[] }>();
  for (const found of db.prepare('SELECT id, batch, conference, body FROM outbox ORDER BY id').iterate()) {
    const id = Number(found['batch']);
    const batch = batches.get(id) ?? { id, conference: String(found['conference']), effects: [] };
    batch.effects.push({ id: Number(found['id']), effect: JSON.parse(String(found['body'])) as Effect });
    batches.set(id, batch);
  }
  return [...batches.values()];
}

export function toConference(row: ConferenceRow, rows: readonly Record<string, unknown>[]): Conference {
  const of = <T>(kind: RowKind): ReadonlyMap<string, T> =>
    new Map(
      rows
        .filter((found) => found['kind'] === kind)
        .map((found) => [String(found['id']), JSON.parse(String(found['body'])) as T]),
    );
  return {
    row,
    participants: of<ParticipantRow>('participant'),
    legs: of<LegRow>('leg'),
    subscriptions: of<SubscriptionRow>('subscription'),
  };
}

/** Of the column of that name; undefined while nothing was told. */
export function trafficIn(column: unknown): TrafficSums | undefined {
  return typeof column === 'string' ? (JSON.parse(column) as TrafficSums) : undefined;
}
