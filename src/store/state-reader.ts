/**
 * The store as the admin reads it: a connection of its own that never writes, so that a long list costs the focus
 * nothing. WAL gives every query a whole state, the one after some commit.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Conference, ConferenceRow } from '../focus/conference.ts';
import type { DomainEvent } from '../focus/decision.ts';
import type { DecisionQuery, TrafficSums } from '../focus/ports.ts';
import type { DialogRef } from '../focus/world.ts';
import { CodedError } from '../lib/errors.ts';
import { type NumberedDecision, numbered, queryDecisions } from './decision-query.ts';
import { toConference, trafficIn } from './read-state.ts';

/** A session in a list. */
export interface SessionEntry {
  readonly row: ConferenceRow;
  readonly connected: number;
  /** Invited or alerting. */
  readonly invited: number;
}

export interface SessionQuery {
  readonly limit: number;
  /** Only sessions after this one in the list: newest first, equal times by id. */
  readonly after?: { readonly createdMs: number; readonly id: string };
  readonly kind?: 'ad-hoc' | 'group';
  readonly phase?: ConferenceRow['phase'];
  /** Sessions that have ended too, as long as they are kept. */
  readonly withEnded?: boolean;
  /** `addressKey` of somebody on the roster, those who left included. */
  readonly userKey?: string;
  /** `addressKey` of the group. */
  readonly groupKey?: string;
  /** Sessions that a dialog with this Call-ID was decided for. */
  readonly callId?: string;
}

export class StateReader {
  readonly #db: DatabaseSync;
  readonly #rowsOf: StatementSync;
  readonly #conference: StatementSync;
  readonly #since: StatementSync;

  /** @throws CodedError `STORE_OPEN` */
  constructor(file: string) {
    try {
      this.#db = new DatabaseSync(file, { readOnly: true });
      this.#db.exec('PRAGMA busy_timeout = 2000;');
      this.#rowsOf = this.#db.prepare('SELECT kind, id, body FROM conference_row WHERE conference = ?');
      this.#conference = this.#db.prepare('SELECT body FROM conference WHERE id = ?');
      this.#since = this.#db.prepare('SELECT id, body FROM decision WHERE id > ? ORDER BY id LIMIT ?');
    } catch (error) {
      throw new CodedError('STORE_OPEN', `cannot read the store ${file}: ${String(error)}`, { cause: error });
    }
  }

  /** Newest first. */
  sessions(query: SessionQuery): SessionEntry[] {
    const { terms, values } = sessionTerms(query);
    const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`;
    const rows = this.#db
      .prepare(`SELECT body FROM conference ${where} ORDER BY created_ms DESC, id LIMIT ?`)
      .all(...values, query.limit)
      .map(({ body }) => JSON.parse(String(body)) as ConferenceRow);
    const counts = this.presences(rows.map(({ id }) => id));
    return rows.map((row) => ({ row, ...(counts.get(row.id) ?? { connected: 0, invited: 0 }) }));
  }

  /** How many sessions a query without limit would give. */
  countSessions(query: Omit<SessionQuery, 'limit' | 'after'>): number {
    const { terms, values } = sessionTerms(query);
    const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`;
    return Number(
      this.#db.prepare(`SELECT count(*) AS n FROM conference ${where}`).get(...values)?.['n'] ?? 0,
    );
  }

  /** One that has ended too, as long as it is kept. */
  session(id: string): Conference | undefined {
    const found = this.#conference.get(id);
    if (found === undefined) return undefined;
    return toConference(JSON.parse(String(found['body'])) as ConferenceRow, this.#rowsOf.all(id));
  }

  /** What has passed through a session, as its switches have told on letting go of it. */
  traffic(id: string): TrafficSums | undefined {
    return trafficIn(this.#db.prepare('SELECT traffic FROM conference WHERE id = ?').get(id)?.['traffic']);
  }

  /** What happened to a session, the first first; as far back as decisions are kept. */
  events(id: string): { readonly atMs: number; readonly event: DomainEvent }[] {
    return this.#db
      .prepare(
        `SELECT at_ms, body ->> '$.events' AS events FROM decision
         WHERE session = ? AND instr(body, '"events":') > 0 ORDER BY id`,
      )
      .all(id)
      .flatMap(({ at_ms, events }) =>
        typeof events === 'string'
          ? (JSON.parse(events) as DomainEvent[]).map((event) => ({ atMs: Number(at_ms), event }))
          : [],
      );
  }

  /** Every session that has not ended, read one by one. */
  *running(): Generator<Conference> {
    const ids = this.#db.prepare("SELECT id FROM conference WHERE phase <> 'ended'").all();
    for (const { id } of ids) {
      const conference = this.session(String(id));
      if (conference !== undefined) yield conference;
    }
  }

  /** Id of the session that a group runs now. */
  sessionOfGroup(groupKey: string): string | undefined {
    const found = this.#db.prepare('SELECT id FROM conference WHERE group_key = ?').get(groupKey);
    return found === undefined ? undefined : String(found['id']);
  }

  /** The dialogs with this Call-ID, of sessions that have not ended. */
  dialogs(callId: string): DialogRef[] {
    // Most rows do not have the text at all, and looking for it costs far less than reading JSON.
    return this.#db
      .prepare(
        `SELECT row.conference, row.kind, row.id FROM conference_row AS row
         JOIN conference ON conference.id = row.conference AND conference.phase <> 'ended'
         WHERE row.kind IN ('leg', 'subscription') AND instr(row.body, ?) > 0
           AND row.body ->> '$.dialog.callId' = ?`,
      )
      .all(JSON.stringify(callId), callId)
      .map(({ conference, kind, id }) => ({
        conference: String(conference),
        row: kind === 'leg' ? 'leg' : 'subscription',
        id: String(id),
      }));
  }

  /** INVITEs without a final response, theirs and ours. */
  pendingInvites(): number {
    return Number(
      this.#db
        .prepare(
          `SELECT count(*) AS n FROM conference_row WHERE kind = 'leg'
           AND (instr(body, '"state":"offered"') > 0 OR instr(body, '"state":"inviting"') > 0)`,
        )
        .get()?.['n'] ?? 0,
    );
  }

  /** Newest first. */
  decisions(query: DecisionQuery): NumberedDecision[] {
    return queryDecisions(this.#db, query);
  }

  /** Oldest first, those after `id`: what a reader that follows along has not seen. */
  decisionsSince(id: number, limit: number): NumberedDecision[] {
    return this.#since.all(id, limit).map(numbered);
  }

  /** Number of the newest decision; 0 when there is none. */
  lastDecision(): number {
    return Number(this.#db.prepare('SELECT max(id) AS last FROM decision').get()?.['last'] ?? 0);
  }

  /** Participants of these sessions, by session; those without any are absent. */
  presences(ids: readonly string[]): Map<string, { connected: number; invited: number }> {
    const counts = new Map<string, { connected: number; invited: number }>();
    if (ids.length === 0) return counts;
    const found = this.#db
      .prepare(
        `SELECT conference, body ->> '$.presence' AS presence, count(*) AS n FROM conference_row
         WHERE kind = 'participant' AND conference IN (${ids.map(() => '?').join(', ')}) GROUP BY 1, 2`,
      )
      .all(...ids);
    for (const { conference, presence, n } of found) {
      const count = counts.get(String(conference)) ?? { connected: 0, invited: 0 };
      if (presence === 'connected') count.connected += Number(n);
      else if (presence !== 'disconnected') count.invited += Number(n);
      counts.set(String(conference), count);
    }
    return counts;
  }

  close(): void {
    this.#db.close();
  }
}

function sessionTerms(query: Omit<SessionQuery, 'limit'>): { terms: string[]; values: (string | number)[] } {
  const { after, kind, phase, userKey, groupKey, callId } = query;
  const terms: string[] = [];
  const values: (string | number)[] = [];
  const add = (term: string, ...given: readonly (string | number)[]) => {
    terms.push(term);
    values.push(...given);
  };
  if (phase !== undefined) add('phase = ?', phase);
  else if (query.withEnded !== true) add("phase <> 'ended'");
  if (kind !== undefined) add("body ->> '$.kind' = ?", kind);
  if (groupKey !== undefined) add("body ->> '$.groupKey' = ?", groupKey);
  if (userKey !== undefined) add('id IN (SELECT conference FROM participant_key WHERE key = ?)', userKey);
  if (callId !== undefined) add('id IN (SELECT session FROM decision WHERE call_id = ?)', callId);
  if (after !== undefined) {
    add('(created_ms < ? OR (created_ms = ? AND id > ?))', after.createdMs, after.createdMs, after.id);
  }
  return { terms, values };
}
