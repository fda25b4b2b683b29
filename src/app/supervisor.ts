/** Keeps the parts of a stack running: starts them, restarts one that dies, stops all. */
import { setTimeout as delay } from 'node:timers/promises';
import { exitText, type PartExit, type PartSpec, type RunningPart } from './part.ts';
import { childrenOf, endGroup, groupOf } from './process-table.ts';
import type { RunRecord } from './run-record.ts';

export interface SupervisorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface SupervisorOptions {
  /** Groups of parts: a group is started when the one before is ready. */
  readonly stages: readonly (readonly PartSpec[])[];
  readonly record: RunRecord;
  readonly log: SupervisorLog;
  readonly backoff?: Backoff;
}

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
  /** A part that ran this long starts again at `firstMs`. */
  readonly resetAfterMs: number;
}

const DEFAULT_BACKOFF: Backoff = { firstMs: 200, mostMs: 5000, resetAfterMs: 30_000 };

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #backoff: Backoff;
  readonly #running = new Map<string, RunningPart>();
  readonly #pending = new Set<Promise<RunningPart>>();
  readonly #keepers: Promise<void>[] = [];
  readonly #stopping = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
  }

  /** Resolves when every part is ready. Rejects with the first part's fault; call `stop` then as well. */
  async start(): Promise<void> {
    for (const stage of this.#options.stages) {
      const started = await Promise.all(
        stage.map(async (spec) => ({ spec, part: await this.#startPart(spec) })),
      );
      for (const { spec, part } of started) this.#keepers.push(this.#keep(spec, part));
    }
  }

  /** Ends all parts together, `timeoutMs` for the willing, SIGKILL for the rest. Safe to call at any time, also during `start`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    const deadlineMs = performance.now() + timeoutMs;
    while (this.#running.size > 0 || this.#pending.size > 0) {
      if (this.#running.size === 0) await this.#endUnready(deadlineMs);
      await Promise.all(
        [...this.#running].map(async ([name, part]) => {
          await part.stop(Math.max(0, deadlineMs - performance.now()));
          await part.exited;
          this.#forget(name, part);
        }),
      );
    }
    await Promise.all(this.#keepers);
  }

  /** A part that is being started may not have told its process yet: the children that lead a group are looked up. */
  async #endUnready(deadlineMs: number): Promise<void> {
    const leaders = childrenOf(process.pid).filter((child) => groupOf(child).length > 0);
    await Promise.all(leaders.map((leader) => endGroup(leader, Math.max(0, deadlineMs - performance.now()))));
    await Promise.allSettled(this.#pending);
  }

  async #startPart(spec: PartSpec): Promise<RunningPart> {
    this.#stopping.signal.throwIfAborted();
    const starting = this.#startAndRecord(spec);
    this.#pending.add(starting);
    try {
      return await starting;
    } finally {
      this.#pending.delete(starting);
    }
  }

  async #startAndRecord(spec: PartSpec): Promise<RunningPart> {
    const note = (part: RunningPart) => {
      if (this.#running.get(spec.name) === part) return;
      this.#running.set(spec.name, part);
      this.#record((record) => record.add({ name: spec.name, pid: part.pid, startTime: part.startTime }));
    };
    let spawned: RunningPart | undefined;
    try {
      const part = await spec.start((early) => {
        spawned = early;
        note(early);
      });
      if (spawned === undefined) note(part);
      return part;
    } catch (error) {
      if (spawned !== undefined) this.#forget(spec.name, spawned);
      throw error;
    }
  }

  async #keep(spec: PartSpec, first: RunningPart): Promise<void> {
    let part: RunningPart | undefined = first;
    let waitMs = this.#backoff.firstMs;
    let readyAtMs = performance.now();
    while (!this.#stopping.signal.aborted) {
      if (part !== undefined) {
        const exit: PartExit = await part.exited;
        if (this.#stopping.signal.aborted) return;
        await part.stop(0); // What a dead leader left of its group would hold the ports.
        this.#forget(spec.name, part);
        if (performance.now() - readyAtMs >= this.#backoff.resetAfterMs) waitMs = this.#backoff.firstMs;
        const fields = { part: spec.name, pid: part.pid, exit: exitText(exit), restartInMs: waitMs };
        this.#options.log.warn(fields, 'a part died and is restarted');
      }
      if (!(await this.#wait(waitMs))) return;
      waitMs = Math.min(waitMs * 2, this.#backoff.mostMs);
      try {
        part = await this.#startPart(spec);
        readyAtMs = performance.now();
        this.#options.log.info({ part: spec.name, pid: part.pid }, 'the part is ready again');
      } catch (error) {
        part = undefined;
        if (this.#stopping.signal.aborted) return;
        const fields = { part: spec.name, error: (error as Error).message, restartInMs: waitMs };
        this.#options.log.warn(fields, 'a part could not be restarted and is tried again');
      }
    }
  }

  async #wait(waitMs: number): Promise<boolean> {
    try {
      await delay(waitMs, undefined, { signal: this.#stopping.signal });
      return true;
    } catch {
      return false; // We are stopping.
    }
  }

  #forget(name: string, part: RunningPart): void {
    if (this.#running.get(name) === part) this.#running.delete(name);
    this.#record((record) => record.remove(part.pid));
  }

  /** A full disk costs the next run its knowledge of ours, and no part its life. */
  #record(write: (record: RunRecord) => void): void {
    try {
      write(this.#options.record);
    } catch (error) {
      const fields = { directory: this.#options.record.directory, error: (error as Error).message };
      this.#options.log.warn(
        fields,
        'the record of running parts cannot be written: if this run is killed, the next one does not know of them',
      );
    }
  }
}
