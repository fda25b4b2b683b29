/**
 * Sessions in which nobody sends a message (`release.idleS`). Their switches are asked how many there were. What they said is not
 * kept: a focus that is started anew counts from its start.
 */
import type { Logger } from 'pino';
import type { Engine } from '../engine/engine.ts';
import type { Conference } from '../focus/conference.ts';
import { kindOf } from '../focus/policy/release.ts';
import type { ReleaseSettings } from '../focus/world.ts';
import type { Clock } from '../lib/clock.ts';

const TICK_MS = 1_000;
/** Switches asked in one tick, so that many sessions are not asked after at once. */
const MAX_ASKED = 200;

export interface IdleWatchOptions {
  readonly engine: Pick<Engine, 'idle' | 'isHeld' | 'sessions'>;
  /** Those in force. */
  idleS(): ReleaseSettings['idleS'];
  /** Messages that came in since the session came to the switch; undefined: nobody knows. A rejection is the same. */
  messagesIn(switchId: string, session: string): Promise<number | undefined>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Watched {
  /** The switch, its start, and the messages there. */
  readonly seen: string;
  readonly sinceMs: number;
  readonly askMs: number;
}

export class IdleWatch {
  readonly #options: IdleWatchOptions;
  /** Bounded by the sessions that there are. */
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  async #tick(): Promise<void> {
    const { engine, clock, log } = this.#options;
    // While no Kamailio is there no BYE can leave.
    if (engine.isHeld || this.#isAsking) return;
    const idleS = this.#options.idleS();
    for (const id of this.#watched.keys())
      if (engine.sessions.byId(id) === undefined) this.#watched.delete(id);
    if (Object.keys(idleS).length === 0) return;
    const due: (readonly [Conference, number])[] = [];
    for (const conference of engine.sessions.all()) {
      const maxS = conference.row.phase === 'active' ? idleS[kindOf(conference.row)] : undefined;
      if (maxS === undefined || due.length >= MAX_ASKED) continue;
      if ((this.#watched.get(conference.row.id)?.askMs ?? 0) <= clock.nowMs()) due.push([conference, maxS]);
    }
    this.#isAsking = true;
    try {
      await Promise.all(due.map(([conference, maxS]) => this.#ask(conference, maxS * 1_000)));
    } catch (err) {
      log.error({ err }, 'sessions without messages could not be looked for');
    } finally {
      this.#isAsking = false;
    }
  }

  async #ask({ row }: Conference, maxMs: number): Promise<void> {
    const { engine, clock } = this.#options;
    const count = await this.#options.messagesIn(row.switchId, row.id).catch(() => undefined);
    const nowMs = clock.nowMs();
    const seen = `${row.switchId} ${row.switchEpoch ?? ''} ${count ?? 'unknown'}`;
    const before = this.#watched.get(row.id);
    const isSame = count !== undefined && before?.seen === seen;
    const sinceMs = isSame ? before.sinceMs : nowMs;
    const leftMs = sinceMs + maxMs - nowMs;
    this.#watched.set(row.id, {
      seen,
      sinceMs,
      askMs: nowMs + Math.max(TICK_MS, Math.min(maxMs / 4, leftMs)),
    });
    if (leftMs <= 0) engine.idle(row.id);
  }
}
