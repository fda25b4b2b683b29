/**
 * The unit of work of one decision on one conference: reads see the decision's own changes, and only the rows
 * that changed are handed to the store, with the effects and the trace.
 */
import {
  type Conference,
  type ConferenceRow,
  isLive,
  type LegRow,
  type ParticipantRow,
  type RowKind,
  type SubscriptionRow,
} from './conference.ts';
import type { DomainEvent, Effect } from './decision.ts';
import { inDialogOrder } from './dialog-order.ts';
import { joinLegPuts } from './leg-puts.ts';

type Rows = { participant: ParticipantRow; leg: LegRow; subscription: SubscriptionRow };

export interface RowChange {
  readonly kind: RowKind;
  readonly id: string;
  /** Undefined: the row is deleted. */
  readonly row: ParticipantRow | LegRow | SubscriptionRow | undefined;
}

/** What a decision changed in one conference. */
export interface Changes {
  readonly conference: ConferenceRow;
  /** The revision that it was decided on; the store refuses the commit when it holds another. −1: new. */
  readonly baseRevision: number;
  readonly rows: readonly RowChange[];
  readonly effects: readonly Effect[];
  readonly events: readonly DomainEvent[];
}

class Table<K extends RowKind> {
  readonly kind: K;
  readonly #base: ReadonlyMap<string, Rows[K]>;
  readonly #changed = new Map<string, Rows[K] | undefined>();

  constructor(kind: K, base: ReadonlyMap<string, Rows[K]>) {
    this.kind = kind;
    this.#base = base;
  }

  get(id: string): Rows[K] | undefined {
    return this.#changed.has(id) ? this.#changed.get(id) : this.#base.get(id);
  }

  put(row: Rows[K]): Rows[K] {
    this.#changed.set(row.id, row);
    return row;
  }

  delete(id: string): void {
    this.#changed.set(id, undefined);
  }

  /** The rows as the decision found them. */
  before(): Iterable<Rows[K]> {
    return this.#base.values();
  }

  *all(): Generator<Rows[K]> {
    for (const [id, row] of this.#base) {
      if (!this.#changed.has(id)) yield row;
      else {
        const changed = this.#changed.get(id);
        if (changed !== undefined) yield changed;
      }
    }
    for (const [id, row] of this.#changed) if (row !== undefined && !this.#base.has(id)) yield row;
  }

  find(accept: (row: Rows[K]) => boolean): Rows[K] | undefined {
    for (const row of this.all()) if (accept(row)) return row;
    return undefined;
  }

  filter(accept: (row: Rows[K]) => boolean): Rows[K][] {
    const found: Rows[K][] = [];
    for (const row of this.all()) if (accept(row)) found.push(row);
    return found;
  }

  changes(): RowChange[] {
    return [...this.#changed].map(([id, row]) => ({ kind: this.kind, id, row }));
  }

  /** The whole table with the changes applied: the base map itself when nothing changed. */
  applied(): ReadonlyMap<string, Rows[K]> {
    if (this.#changed.size === 0) return this.#base;
    const next = new Map(this.#base);
    for (const [id, row] of this.#changed) {
      if (row === undefined) next.delete(id);
      else next.set(id, row);
    }
    return next;
  }
}

const NO_ROWS: ReadonlyMap<string, never> = new Map<string, never>();

export class Work {
  row: ConferenceRow;
  readonly participants: Table<'participant'>;
  readonly legs: Table<'leg'>;
  readonly subscriptions: Table<'subscription'>;
  readonly #effects: Effect[] = [];
  readonly #events: DomainEvent[] = [];
  readonly #baseRevision: number;
  #isRosterChanged = false;

  private constructor(row: ConferenceRow, base: Conference | undefined) {
    this.row = row;
    this.participants = new Table('participant', base?.participants ?? NO_ROWS);
    this.legs = new Table('leg', base?.legs ?? NO_ROWS);
    this.subscriptions = new Table('subscription', base?.subscriptions ?? NO_ROWS);
    this.#baseRevision = base === undefined ? -1 : base.row.revision;
  }

  static on(conference: Conference): Work {
    return new Work(conference.row, conference);
  }

  static create(row: ConferenceRow): Work {
    return new Work(row, undefined);
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  event(event: DomainEvent): void {
    this.#events.push(event);
  }

  /** Who is there, or how, changed: subscribers are to be told (7.2.1.12-chg). */
  rosterChanged(): void {
    this.#isRosterChanged = true;
  }

  get isRosterChanged(): boolean {
    return this.#isRosterChanged;
  }

  /** The participants who were there and whose last leg has ended, or is ending, with this decision. */
  leavers(): ParticipantRow[] {
    const had = new Set<string>();
    for (const { participant, state, hasLeft } of this.legs.before())
      if (state === 'connected' || (state === 'leaving' && hasLeft !== true)) had.add(participant);
    for (const leg of this.legs.all()) if (isLive(leg)) had.delete(leg.participant);
    return [...had].flatMap((id) => this.participants.get(id) ?? []);
  }

  get isNew(): boolean {
    return this.#baseRevision === -1;
  }

  changes(): Changes {
    return {
      conference: { ...this.row, revision: this.#baseRevision + 1 },
      baseRevision: this.#baseRevision,
      rows: [...this.participants.changes(), ...this.legs.changes(), ...this.subscriptions.changes()],
      effects: inDialogOrder(joinLegPuts(this.#effects)),
      events: this.#events,
    };
  }

  /** The conference as it is once the changes are committed. */
  applied(): Conference {
    return {
      row: { ...this.row, revision: this.#baseRevision + 1 },
      participants: this.participants.applied(),
      legs: this.legs.applied(),
      subscriptions: this.subscriptions.applied(),
    };
  }
}
