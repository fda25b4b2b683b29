/**
 * Deadlines of rows. The rows in the store are the truth; this is only the order in which they come due. An entry
 * whose row has moved on is dropped when it comes up, so nothing needs to be cancelled.
 */
import type { Conference, ConferenceDeadline } from '../focus/conference.ts';
import type { DeadlineName as RowDeadline } from '../focus/decide-outcome.ts';
import type { Changes } from '../focus/work.ts';

export type DeadlineName = RowDeadline | ConferenceDeadline;

export interface Deadline {
  readonly dueMs: number;
  readonly conference: string;
  /** `conference`: of the conference itself; `id` is its own then. */
  readonly row: 'conference' | 'leg' | 'subscription';
  readonly id: string;
  readonly name: DeadlineName;
  /** How often it could not be dealt with. */
  readonly failures?: number;
}

/** Longest wait of one timer, so that a changed wall clock is noticed. */
const MAX_WAIT_MS = 30_000;
/** One that could not be dealt with comes up again after this, then after twice as long, and so on. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

export class Deadlines {
  readonly #heap: Deadline[] = [];
  /** When each deadline is queued for, so that a row written again with the same ones costs nothing. */
  readonly #queuedMs = new Map<string, number>();
  readonly #fire: (deadline: Deadline) => void;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isHeld = false;

  constructor(nowMs: () => number, fire: (deadline: Deadline) => void) {
    this.#nowMs = nowMs;
    this.#fire = fire;
  }

  /** Whether they wait for `release`. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  addAll(conference: Conference): void {
    this.#addRow(conference.row.id, 'conference', conference.row.id, conference.row.deadlines ?? {});
    for (const leg of conference.legs.values()) this.#addRow(conference.row.id, 'leg', leg.id, leg.deadlines);
    for (const { id, deadlines } of conference.subscriptions.values()) {
      this.#addRow(conference.row.id, 'subscription', id, deadlines);
    }
    this.#arm();
  }

  addChanged(changes: Changes): void {
    const { id: own, deadlines } = changes.conference;
    if (deadlines !== undefined) this.#addRow(own, 'conference', own, deadlines);
    for (const { kind, id, row } of changes.rows) {
      if (kind !== 'participant' && row !== undefined && 'deadlines' in row) {
        this.#addRow(changes.conference.id, kind, id, row.deadlines);
      }
    }
    this.#arm();
  }

  /** The deadline could not be dealt with (a full disk, a fault): it comes up again. */
  retry({ failures = 0, ...deadline }: Deadline): void {
    const waitMs = Math.min(RETRY_MS * 2 ** failures, MAX_RETRY_MS);
    const again = { ...deadline, dueMs: this.#nowMs() + waitMs, failures: failures + 1 };
    this.#queuedMs.set(keyOf(again), again.dueMs);
    this.#push(again);
    this.#arm();
  }

  /** None fires until `release`: what would follow could not leave. */
  hold(): void {
    this.#isHeld = true;
    clearTimeout(this.#timer);
  }

  /** Those that came due meanwhile fire now. */
  release(): void {
    this.#isHeld = false;
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #addRow(
    conference: string,
    row: Deadline['row'],
    id: string,
    deadlines: { readonly [name in DeadlineName]?: number },
  ): void {
    for (const [name, dueMs] of Object.entries(deadlines)) {
      const key = keyOf({ conference, id, name });
      if (dueMs === undefined || this.#queuedMs.get(key) === dueMs) continue;
      this.#queuedMs.set(key, dueMs);
      this.#push({ dueMs, conference, row, id, name: name as DeadlineName });
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const first = this.#heap[0];
    if (first === undefined || this.#isStopped || this.#isHeld) return;
    const waitMs = Math.min(Math.max(0, first.dueMs - this.#nowMs()), MAX_WAIT_MS);
    this.#timer = setTimeout(() => this.#run(), waitMs);
    this.#timer.unref();
  }

  #run(): void {
    const nowMs = this.#nowMs();
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#pop();
      const key = keyOf(first);
      if (this.#queuedMs.get(key) === first.dueMs) this.#queuedMs.delete(key);
      this.#fire(first);
    }
    this.#arm();
  }

  #push(deadline: Deadline): void {
    const heap = this.#heap;
    let at = heap.push(deadline) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.dueMs <= deadline.dueMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = deadline;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      const left = heap[child];
      if (left === undefined) break;
      if (right !== undefined && right.dueMs < left.dueMs) child += 1;
      const least = heap[child];
      if (least === undefined || least.dueMs >= last.dueMs) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function keyOf({ conference, id, name }: { conference: string; id: string; name: string }): string {
  return `${conference} ${id} ${name}`;
}
