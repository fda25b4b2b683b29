/** What the focus needs from outside. Adapters implement these; nothing here knows them. */
import type { Conference } from './conference.ts';
import type { DomainEvent, Effect, TraceStep } from './decision.ts';
import type { Changes } from './work.ts';

/** One decision as it is kept for the operator: found by Call-ID, user, clause or status. */
export interface DecisionRecord {
  readonly atMs: number;
  readonly clause: string;
  readonly procedure: string;
  /** Request method, or what else was decided on: `response`, `timer`, `ack`, `cancel`, `switch`; `probe`: OPTIONS of `parley doctor`. */
  readonly trigger: string;
  readonly callId?: string;
  /** Primary asserted address, or the Request-URI's side that is known. */
  readonly user?: string;
  readonly target?: string;
  /** Status of the reply that this decision sends; absent when it sends none. */
  readonly status?: number;
  readonly warning?: string;
  readonly session?: string;
  readonly steps: readonly TraceStep[];
  /** What happened to the session by it; absent when nothing did. */
  readonly events?: readonly DomainEvent[];
}

/** Effects of one decision, kept until they are done. */
export interface OutboxBatch {
  /** Ascending in the order of the decisions. */
  readonly id: number;
  /** Empty for effects that belong to no conference. */
  readonly conference: string;
  readonly effects: readonly OutboxEffect[];
}

export interface OutboxEffect {
  /** Unique in the outbox. */
  readonly id: number;
  readonly effect: Effect;
}

export interface Commit {
  readonly changes?: Changes;
  readonly batch?: OutboxBatch;
  readonly record?: DecisionRecord;
}

export interface LoadedState {
  readonly conferences: readonly Conference[];
  readonly outbox: readonly OutboxBatch[];
  readonly lastOutboxId: number;
}

export interface DecisionQuery {
  readonly callId?: string;
  readonly user?: string;
  readonly clause?: string;
  readonly status?: number;
  readonly session?: string;
  /** Only those that refused somebody: an answer of 400 or above, to a probe not. */
  readonly refused?: boolean;
  /** Only those older than this one, by its place in the order of decisions. */
  readonly beforeId?: number;
  /** At most 1,000. */
  readonly limit: number;
}

export interface TrafficSums {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Store {
  /** All sessions that have not ended, and the effects that were not done when the last run stopped. */
  load(): LoadedState;
  /**
   * State, pending effects and trace in one transaction.
   * @throws CodedError `STORE_CONFLICT` when the conference has another revision, or its group has another session
   */
  commit(commit: Commit): void;
  effectsDone(ids: readonly number[]): void;
  /** Adds to what has passed through a session so far; a session on several switches has passed through all of them. */
  addTraffic(conference: string, traffic: TrafficSums): void;
  /** Newest first. */
  decisions(query: DecisionQuery): DecisionRecord[];
  close(): void;
}
