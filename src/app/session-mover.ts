/** Moves sessions to other switches, so many in a second that a dead switch does not bury Kamailio in re-INVITEs. */
import type { Logger } from 'pino';
import type { Engine } from '../engine/engine.ts';
import type { MoveOrder } from '../focus/decide-switch-move.ts';

const TICK_MS = 50;

export interface SessionMoverOptions {
  readonly engine: Pick<Engine, 'move' | 'isHeld'>;
  readonly movesPerS: number;
  readonly log: Logger;
}

export class SessionMover {
  readonly #options: SessionMoverOptions;
  readonly #waiting = new Map<string, MoveOrder>();
  #timer: NodeJS.Timeout | undefined;
  /** Moves that may still be made now; what a tick leaves of one is kept. */
  #allowance = 0;

  constructor(options: SessionMoverOptions) {
    this.#options = options;
  }

  /** Sessions that wait for their turn; bounded by the sessions that there are. */
  get waiting(): number {
    return this.#waiting.size;
  }

  add(orders: readonly MoveOrder[]): void {
    for (const order of orders) this.#waiting.set(order.session, order);
    if (this.#waiting.size === 0 || this.#timer !== undefined) return;
    this.#allowance = Math.max(1, this.#allowance);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #tick(): void {
    const { engine, movesPerS, log } = this.#options;
    // While no Kamailio is there no re-INVITE can leave.
    if (engine.isHeld) return;
    const mostMoves = Math.max(1, (movesPerS * TICK_MS) / 1_000);
    this.#allowance = Math.min(mostMoves + 1, this.#allowance + (movesPerS * TICK_MS) / 1_000);
    for (const [session, order] of this.#waiting) {
      if (this.#allowance < 1) return;
      this.#allowance -= 1;
      this.#waiting.delete(session);
      try {
        engine.move(order);
      } catch (err) {
        // The others are to move all the same.
        log.error({ err, session }, 'a session could not be moved');
      }
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
