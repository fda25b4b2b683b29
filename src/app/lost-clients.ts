/**
 * Clients whose MSRP connection is gone: who does not come back in time is offered a new one by re-INVITE. What a switch tells of
 * connections is not kept: a focus that is started anew knows of no loss before its start.
 */
import type { Logger } from 'pino';
import type { Engine } from '../engine/engine.ts';
import type { Clock } from '../lib/clock.ts';
import type { SwitchEvent } from '../switch-control/protocol.ts';

const TICK_MS = 50;
/** Such a client would be cut again for the same. */
const ITS_OWN_FAULT: readonly string[] = ['protocol', 'peer-refused'];

export interface LostClientsOptions {
  readonly engine: Pick<Engine, 'lostClient' | 'isHeld' | 'sessions'>;
  /** How long a client has to come back by itself; 0: nobody is asked. */
  readonly afterMs: number;
  /** Re-INVITEs in a second, so that a network that is back is not buried in them. */
  readonly perS: number;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Lost {
  readonly session: string;
  readonly leg: string;
  readonly switchId: string;
  readonly dueMs: number;
}

export class LostClients {
  readonly #options: LostClientsOptions;
  /** In the order in which they are due; bounded by the legs that there are. */
  readonly #lost = new Map<string, Lost>();
  #timer: NodeJS.Timeout | undefined;
  #allowance = 0;

  constructor(options: LostClientsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#lost.size;
  }

  onEvent(switchId: string, event: SwitchEvent): void {
    const { afterMs, clock } = this.#options;
    if (afterMs === 0) return;
    const { session, leg } = event;
    const key = `${session} ${leg}`;
    this.#lost.delete(key);
    if (event.op !== 'leg.unbound' || ITS_OWN_FAULT.includes(event.reason)) return;
    this.#lost.set(key, { session, leg, switchId, dueMs: clock.nowMs() + afterMs });
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#lost.clear();
  }

  #tick(): void {
    const { engine, perS, clock, log } = this.#options;
    // While no Kamailio is there no re-INVITE can leave.
    if (engine.isHeld) return;
    const eachTick = (perS * TICK_MS) / 1_000;
    this.#allowance = Math.min(Math.max(1, eachTick), this.#allowance + eachTick);
    for (const [key, { session, leg, switchId, dueMs }] of this.#lost) {
      if (dueMs > clock.nowMs() || this.#allowance < 1) return;
      this.#lost.delete(key);
      // On another switch by now: it has been led there.
      if (engine.sessions.byId(session)?.row.switchId !== switchId) continue;
      this.#allowance -= 1;
      try {
        engine.lostClient(session, leg);
      } catch (err) {
        log.error({ err, session, leg }, 'a lost client could not be asked back');
      }
    }
    if (this.#lost.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
