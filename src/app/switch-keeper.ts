/**
 * Keeps sessions and switches together: a switch that is back is told what it should hold and lets go of the rest; sessions
 * whose switch has died, lost them, or is to be emptied move to another.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Engine } from '../engine/engine.ts';
import type { SwitchFleet, SwitchState } from '../event-socket/switch-fleet.ts';
import type { ConferenceRow, SwitchAddress } from '../focus/conference.ts';
import type { MoveOrder } from '../focus/decide-switch-move.ts';
import { isStranded } from '../focus/stranding.ts';
import type { Clock } from '../lib/clock.ts';
import { SessionMover } from './session-mover.ts';
import { SwitchWatch } from './switch-watch.ts';

export interface SwitchKeeperOptions {
  readonly engine: Engine;
  readonly fleet: () => Pick<SwitchFleet, 'states' | 'request' | 'giveUp'>;
  readonly failover: Config['failover'];
  readonly clock: Clock;
  readonly log: Logger;
}

export class SwitchKeeper {
  readonly #options: SwitchKeeperOptions;
  readonly #mover: SessionMover;
  readonly #watch: SwitchWatch;
  /** By switch, the sessions of which it does not know yet that somebody is expelled. */
  readonly #untold = new Map<string, Set<string>>();

  constructor(options: SwitchKeeperOptions) {
    this.#options = options;
    const { engine, failover, clock, log } = options;
    this.#mover = new SessionMover({ engine, movesPerS: failover.movesPerS, log });
    this.#watch = new SwitchWatch({
      states: () => options.fleet().states(),
      hosting: () => this.#hosting(),
      limits: failover,
      clock,
      log,
      onDead: (switchId, state) => this.#isDead(switchId, state),
      onDeaf: (switchId) => this.#leadAway(switchId),
      onStillDead: (switchId) => this.#mover.add(this.#ordersFor(switchId, 'dead')),
    });
  }

  start(): void {
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
    this.#mover.stop();
  }

  isDead(switchId: string): boolean {
    return this.#watch.isDead(switchId);
  }

  get counters(): { readonly dead: number; readonly deaths: number; readonly waiting: number } {
    return { dead: this.#watch.dead, deaths: this.#watch.deaths, waiting: this.#mover.waiting };
  }

  /** Resolves when a switch that came up has been told of its sessions. */
  async onState(switchId: string, state: SwitchState): Promise<void> {
    if (state.state === 'silent') this.#watch.look();
    if (state.state !== 'up') return;
    this.#watch.isUp(switchId);
    this.#untold.delete(switchId);
    // First what is its own: what comes to it now is none of that.
    const reconciled = this.#reconcile(switchId, state);
    this.#findPlaces(switchId, state);
    await reconciled;
  }

  /** A switch was not told that somebody is expelled. While it cannot be, the others are led to another one. */
  expulsionLost(session: string, switchId: string): void {
    const state = this.#options
      .fleet()
      .states()
      .find(({ id }) => id === switchId)?.state;
    if (state === 'up') {
      void this.#options.engine.resync(session, switchId);
      return;
    }
    const sessions = this.#untold.get(switchId) ?? new Set();
    this.#untold.set(switchId, sessions.add(session));
    this.#options.log.warn({ switchId, session }, 'the switch cannot be told who is expelled');
    this.#watch.look();
  }

  /**
   * Without another switch they stay, and this is asked again with the next answer of its MSRP port. Of one that has not been met
   * since the start nobody knows what it was told.
   */
  #leadAway(switchId: string): void {
    const { engine, fleet } = this.#options;
    const untold = this.#untold.get(switchId);
    const isMet = fleet()
      .states()
      .some(({ id }) => id === switchId);
    const orders = [...engine.sessions.all()]
      .filter(({ row }) => row.switchId === switchId)
      .filter(
        ({ row, participants }) =>
          untold?.has(row.id) === true ||
          (!isMet && [...participants.values()].some(({ isExpelled }) => isExpelled)),
      )
      .map(({ row }): MoveOrder => ({ session: row.id, from: switchId, why: 'expelled' }));
    this.#mover.add(orders);
  }

  /** What waits for a switch has one now, unless it is one that takes nothing. */
  #findPlaces(switchId: string, { draining }: SwitchState): void {
    if (draining) return;
    const stranded = this.#rows().filter((row) => isStranded(row) && row.switchId !== switchId);
    this.#mover.add(stranded.map(({ id, switchId: from }) => ({ session: id, from, why: 'dead' })));
    for (const { id, hello } of this.#options.fleet().states()) {
      if (id !== null && id !== switchId && hello?.isEmptying === true)
        this.#mover.add(this.#ordersFor(id, 'emptied'));
    }
  }

  /** A switch that was away or restarted, or a focus that was: it gets every session that it hosts, and no other. */
  async #reconcile(switchId: string, { epoch, hello }: SwitchState): Promise<void> {
    const { engine, log } = this.#options;
    const hosted = this.#rows().filter((row) => row.switchId === switchId);
    // Another process than the one that they were placed on: their connections are gone with that one.
    const isLost = ({ switchEpoch }: ConferenceRow) => switchEpoch !== undefined && switchEpoch !== epoch;
    const lost = hosted.filter(isLost);
    const others = hosted.filter((row) => !isLost(row));
    this.#mover.add(
      lost.map(({ id }) => ({
        session: id,
        from: switchId,
        why: 'restarted',
        ...(epoch === null ? {} : { epoch }),
      })),
    );
    const back = others.filter(({ strandedMs }) => strandedMs !== undefined);
    this.#mover.add(back.map(({ id }) => ({ session: id, from: switchId, why: 'back' })));
    if (hello?.isEmptying === true) this.#mover.add(this.#ordersFor(switchId, 'emptied'));
    let failed = 0;
    for (const { id } of others) if (!(await engine.resync(id, switchId))) failed += 1;
    const dropped = await this.#dropStrays(switchId);
    if (hosted.length === 0 && dropped === 0) return;
    const counts = { sessions: others.length, failed, lost: lost.length, dropped };
    log.info({ switchId, ...counts }, 'switch told of its sessions');
  }

  /** Sessions that ended, or moved elsewhere, while their switch could not be told would stay there for ever. */
  async #dropStrays(switchId: string): Promise<number> {
    const { engine, log } = this.#options;
    let dropped = 0;
    try {
      const reply = await this.#options.fleet().request(switchId, 'session.list', {});
      for (const { session, revision } of reply.ok ? (reply.sessions ?? []) : []) {
        const row = engine.sessions.byId(session)?.row;
        if (row?.switchId === switchId) continue;
        const higher = Math.max(revision + 1, row?.switchRevision ?? 0);
        await this.#options.fleet().request(switchId, 'session.drop', { session, revision: higher });
        dropped += 1;
      }
    } catch (error) {
      log.warn({ switchId, why: String(error) }, 'the switch could not be asked what it holds');
    }
    return dropped;
  }

  #isDead(switchId: string, state: SwitchState | undefined): void {
    const { engine, log, clock } = this.#options;
    this.#options.fleet().giveUp(switchId);
    this.#untold.delete(switchId);
    const orders = this.#ordersFor(switchId, 'dead');
    const legs = orders.reduce(
      (sum, { session }) => sum + (engine.sessions.byId(session)?.legs.size ?? 0),
      0,
    );
    const { messagesIn, messagesOut, counters } = state?.hello ?? {};
    const lastHelloMs = state?.lastHelloMs ?? null;
    log.warn(
      {
        switchId,
        sessions: orders.length,
        legs,
        sessionIds: orders.slice(0, MOST_NAMED).map(({ session }) => session),
        lastHelloAgoMs: lastHelloMs === null ? null : clock.nowMs() - lastHelloMs,
        lastCounters: { messagesIn, messagesOut, ...counters },
      },
      'the sessions of a dead switch move',
    );
    this.#mover.add(orders);
  }

  /** All sessions of a switch that do not wait already. */
  #ordersFor(switchId: string, why: MoveOrder['why']): MoveOrder[] {
    return this.#rows()
      .filter((row) => row.switchId === switchId && !isStranded(row))
      .map(({ id }) => ({ session: id, from: switchId, why }));
  }

  #rows(): ConferenceRow[] {
    return [...this.#options.engine.sessions.all()].map(({ row }) => row);
  }

  #hosting(): ReadonlyMap<string, SwitchAddress> {
    return new Map(this.#rows().map(({ switchId, switchAddress }) => [switchId, switchAddress]));
  }
}

/** Sessions that the log line of a death names. */
const MOST_NAMED = 100;
