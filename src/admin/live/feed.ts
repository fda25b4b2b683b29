/** What happens, in the order in which it was decided: the decision log read along (docs/decisions/0009). */

/** A decision without its steps, which `/api/v1/decisions` tells. */
export interface DecisionSummary {
  readonly id: number;
  readonly at: string;
  readonly clause: string;
  readonly trigger: string;
  readonly callId: string | null;
  readonly user: string | null;
  readonly status: number | null;
  readonly warning: string | null;
  readonly session: string | null;
}

export type SessionChangeName =
  | 'created'
  | 'invited'
  | 'joined'
  | 'failed'
  | 'left'
  | 'moved'
  | 'lost'
  | 'ended';

export interface SessionChange {
  readonly change: SessionChangeName;
  readonly session: string;
  /** Address; null where the session itself changed. */
  readonly participant: string | null;
  readonly reason: string | null;
}

export interface FeedEntry {
  readonly decision: DecisionSummary;
  /** What the decision did to its session. */
  readonly changes: readonly SessionChange[];
}

export interface Presences {
  readonly connected: number;
  readonly invited: number;
}

export interface DecisionFeed {
  /** Number of the newest decision; 0: there is none. */
  newest(): number;
  /** Oldest first, those after `id`. */
  since(id: number, limit: number): readonly FeedEntry[];
  /** How many are in each of these sessions now. */
  presences(sessions: readonly string[]): ReadonlyMap<string, Presences>;
}
