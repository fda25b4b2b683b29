/** Decisions as they are searched: the writer of the store and those who read along ask the same way. */
import type { DatabaseSync } from 'node:sqlite';
import type { DecisionQuery, DecisionRecord } from '../focus/ports.ts';

/** A decision with its place in the order of decisions. */
export interface NumberedDecision {
  readonly id: number;
  readonly record: DecisionRecord;
}

const MAX_ITEMS = 1_000;

/** Newest first. */
export function queryDecisions(db: DatabaseSync, query: DecisionQuery): NumberedDecision[] {
  const columns = {
    call_id: query.callId,
    user: query.user,
    clause: query.clause,
    status: query.status,
    session: query.session,
  };
  const given = Object.entries(columns).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  const terms = given.map(([name]) => `${name} = ?`);
  const values = given.map(([, value]) => value);
  if (query.refused === true) terms.push("status >= 400 AND body ->> '$.trigger' <> 'probe'");
  if (query.beforeId !== undefined) {
    terms.push('id < ?');
    values.push(query.beforeId);
  }
  const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`;
  const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_ITEMS);
  return db
    .prepare(`SELECT id, body FROM decision ${where} ORDER BY id DESC LIMIT ?`)
    .all(...values, limit)
    .map(numbered);
}

export function numbered(found: Record<string, unknown>): NumberedDecision {
  return { id: Number(found['id']), record: JSON.parse(String(found['body'])) as DecisionRecord };
}
