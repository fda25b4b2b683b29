/**
 * Deadlines of rows. The rows in the store are the truth; this is only the order in which they come due. An entry
 * whose row has moved on is dropped when it comes up, so nothing needs to be cancelled.
 */
import type { Conference } from '../focus/conference.ts';
import type { DeadlineName } from '../focus/decide-outcome.ts';
import type { Changes } from '../focus/work.ts';

export interface Deadline {
  readonly dueMs: number;
  readonly conference: string;
  readonly row: 'leg' | 'subscription';
  readonly id: string;
  readonly name: DeadlineName;
}

/** Longest wait of one timer, so that a changed wall clock is noticed. */
const MAX_WAIT_MS = 30_000;

export class Deadlines {
  readonly #heap: Deadline[] = [];
  /** When each deadline is queued for, so that a row written again with the same ones costs nothing. */
  readonly #queuedMs = new Map<string, number>();
  readonly #fire: (deadline: Deadline) => void;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(nowMs: () => number, fire: (deadline: Deadline) => void) {
    this.#nowMs = nowMs;
    this.#fire = fire;
  }

  addAll(conference: Conference): void {
    for (const leg of conference.legs.values()) this.#addRow(conference.row.id, 'leg', leg.id, leg.deadlines);
    for (const { id, deadlines } of conference.subscriptions.values()) {
      this.#addRow(conference.row.id, 'subscription', id, deadlines);
    }
    this.#arm();
  }

  addChanged(changes: Changes): void {
    for (const { kind, id, row } of changes.rows) {
      if (kind !== 'participant' && row !== undefined && 'deadlines' in row) {
        this.#addRow(changes.conference.id, kind, id, row.deadlines);
      }
    }
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #addRow(
    conference: string,
    row: 'leg' | 'subscription',
    id: string,
    deadlines: { readonly [name in DeadlineName]?: number },
  ): void {
    for (const [name, dueMs] of Object.entries(deadlines)) {
      const key = `${conference} ${id} ${name}`;
      if (dueMs === undefined || this.#queuedMs.get(key) === dueMs) continue;
      this.#queuedMs.set(key, dueMs);
      this.#push({ dueMs, conference, row, id, name: name as DeadlineName });
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const first = this.#heap[0];
    if (first === undefined || this.#isStopped) return;
    const waitMs = Math.min(Math.max(0, first.dueMs - this.#nowMs()), MAX_WAIT_MS);
    this.#timer = setTimeout(() => this.#run(), waitMs);
    this.#timer.unref();
  }

  #run(): void {
    const nowMs = this.#nowMs();
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#pop();
      const key = `${first.conference} ${first.id} ${first.name}`;
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
