/**
 * Tells which switches are dead: those whose event socket has been silent and whose MSRP port is silent, too. A silent event
 * socket alone says nothing about the conversations.
 */
import type { Logger } from 'pino';
import type { SwitchState } from '../event-socket/switch-fleet.ts';
import type { MsrpListener, SwitchAddress } from '../focus/conference.ts';
import type { Clock } from '../lib/clock.ts';
import { answersProbe, type ProbeTarget } from '../msrp/transport/switch-probe.ts';

export interface SwitchWatchLimits {
  readonly helloIntervalMs: number;
  readonly missedHellos: number;
  readonly probeDeadlineMs: number;
  readonly probes: number;
}

export interface SwitchWatchOptions {
  /** Of all switches that the focus has a link to. */
  readonly states: () => readonly SwitchState[];
  /** Switches that sessions are on, and where they were found. */
  readonly hosting: () => ReadonlyMap<string, SwitchAddress>;
  readonly limits: SwitchWatchLimits;
  readonly clock: Clock;
  readonly log: Logger;
  onDead(switchId: string, state: SwitchState | undefined): void;
  /** Its event socket is silent, and its MSRP port answers: it carries its sessions on, and hears nothing of what is decided. */
  onDeaf(switchId: string): void;
  /** Each time that is looked at the dead ones. */
  onStillDead(switchId: string): void;
  /** For tests; default: asks the port. */
  readonly ask?: (target: ProbeTarget, deadlineMs: number) => Promise<boolean>;
}

export class SwitchWatch {
  readonly #options: SwitchWatchOptions;
  readonly #dead = new Set<string>();
  readonly #asking = new Set<string>();
  readonly #sinceMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  deaths = 0;

  constructor(options: SwitchWatchOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), this.#options.limits.helloIntervalMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  isDead(switchId: string): boolean {
    return this.#dead.has(switchId);
  }

  /** How many are dead, of those that anybody still knows of. */
  get dead(): number {
    const known = new Set<string | null>(this.#options.hosting().keys());
    for (const { id } of this.#options.states()) known.add(id);
    for (const id of this.#dead) if (!known.has(id)) this.#dead.delete(id);
    return this.#dead.size;
  }

  /** It says hello. */
  isUp(switchId: string): void {
    this.#dead.delete(switchId);
  }

  /** Asks the MSRP ports of those that are silent; called by itself once in a hello interval. */
  look(): void {
    const states = new Map(this.#options.states().map((state) => [state.id, state]));
    const hosting = this.#options.hosting();
    for (const switchId of new Set([...hosting.keys(), ...states.keys()])) {
      if (switchId === null || !this.#isSilent(states.get(switchId))) continue;
      if (this.#dead.has(switchId)) this.#options.onStillDead(switchId);
      else {
        const target = targetOf(states.get(switchId), hosting.get(switchId));
        if (target !== undefined) void this.#probe(switchId, target);
      }
    }
  }

  /** One that has not been met since the start gets as long to say hello as one that was. */
  #isSilent(state: SwitchState | undefined): boolean {
    const { clock, limits } = this.#options;
    if (state !== undefined) return state.state === 'silent';
    return clock.nowMs() - this.#sinceMs > limits.helloIntervalMs * (limits.missedHellos + 0.5);
  }

  async #probe(switchId: string, target: ProbeTarget): Promise<void> {
    if (this.#asking.has(switchId)) return;
    this.#asking.add(switchId);
    const { limits, log } = this.#options;
    const isAlive = await this.#answersOnce(target);
    this.#asking.delete(switchId);
    const state = this.#options.states().find(({ id }) => id === switchId);
    if (this.#isStopped || !this.#isSilent(state)) return;
    if (isAlive) {
      log.info(
        { switchId, ...target },
        'the event socket of the switch is silent, and its MSRP port answers',
      );
      this.#options.onDeaf(switchId);
      return;
    }
    this.#dead.add(switchId);
    this.deaths += 1;
    log.warn({ switchId, ...target, probes: limits.probes }, 'the switch is dead');
    this.#options.onDead(switchId, state);
  }

  async #answersOnce(target: ProbeTarget): Promise<boolean> {
    const { ask = answersProbe, limits } = this.#options;
    for (let tries = 0; tries < limits.probes && !this.#isStopped; tries += 1) {
      // A refusal comes at once: the next question waits as long as if none had come.
      const { promise: isOver, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, limits.probeDeadlineMs);
      if (await ask(target, limits.probeDeadlineMs)) {
        clearTimeout(timer);
        return true;
      }
      await isOver;
    }
    return false;
  }
}

function targetOf(state: SwitchState | undefined, found: SwitchAddress | undefined): ProbeTarget | undefined {
  const { hello } = state ?? {};
  if (hello !== null && hello !== undefined) return bestOf(hello.msrp, hello.probe);
  if (found === undefined) return undefined;
  const { host, port, listeners = [{ transport: 'tcp', host, port }], probe } = found;
  return bestOf(listeners, probe);
}

const BEST_FIRST = ['tcp', 'tls', 'ws', 'wss'] as const;

function bestOf(listeners: readonly MsrpListener[], sessionId: string | undefined): ProbeTarget | undefined {
  const [best] = listeners.toSorted(
    (a, b) => BEST_FIRST.indexOf(a.transport) - BEST_FIRST.indexOf(b.transport),
  );
  return best === undefined ? undefined : { ...best, sessionId };
}
