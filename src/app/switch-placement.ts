/** Where new sessions go, and what a switch is told when it comes back. */
import type { Logger } from 'pino';
import type { Engine } from '../engine/engine.ts';
import type { SwitchEffect, SwitchPort } from '../engine/performer.ts';
import type { SwitchFleet } from '../event-socket/switch-fleet.ts';
import type { SwitchChoice } from '../focus/world.ts';
import { CodedError } from '../lib/errors.ts';
import type { Command, CommandReply } from '../switch-control/protocol.ts';

export class SwitchPlacement implements SwitchPort {
  readonly #log: Logger;
  #fleet: SwitchFleet | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  use(fleet: SwitchFleet): void {
    this.#fleet = fleet;
  }

  /** The live switch with the fewest legs that is not draining. */
  choose(): SwitchChoice | undefined {
    const live = (this.#fleet?.states() ?? []).filter(
      ({ state, draining, hello }) => state === 'up' && !draining && hello !== null,
    );
    const least = live.sort((a, b) => a.legs - b.legs)[0];
    const address = least?.hello?.msrp.find(({ transport }) => transport === 'tcp');
    if (least?.id == null || address === undefined) return undefined;
    return { id: least.id, host: address.host, port: address.port };
  }

  async command(switchId: string, op: SwitchEffect['op'], body: unknown): Promise<CommandReply> {
    if (this.#fleet === undefined) throw new CodedError('ESL_DOWN', 'the event socket is not started');
    // The focus built the body by the vocabulary of this op; the switch validates it again.
    return this.#fleet.request(switchId, op, body as Command<typeof op>);
  }

  /** A switch that was away or restarted, or a focus that was: it gets every session that it hosts, and no other. */
  async resyncAll(engine: Engine, switchId: string): Promise<void> {
    const hosted = [...engine.sessions.all()]
      .filter(({ row }) => row.switchId === switchId)
      .map(({ row }) => row.id);
    let failed = 0;
    for (const id of hosted) if (!(await engine.resync(id, switchId))) failed += 1;
    const dropped = await this.#dropEnded(engine, switchId);
    if (hosted.length === 0 && dropped === 0) return;
    this.#log.info({ switchId, sessions: hosted.length, failed, dropped }, 'switch told of its sessions');
  }

  /** A session that ended while its switch could not be told would stay there for ever. */
  async #dropEnded(engine: Engine, switchId: string): Promise<number> {
    let dropped = 0;
    try {
      const reply = await this.#fleet?.request(switchId, 'session.list', {});
      for (const { session, revision } of reply?.ok === true ? (reply.sessions ?? []) : []) {
        if (engine.sessions.byId(session) !== undefined) continue;
        await this.#fleet?.request(switchId, 'session.drop', { session, revision: revision + 1 });
        dropped += 1;
      }
    } catch (error) {
      this.#log.warn({ switchId, why: String(error) }, 'the switch could not be asked what it holds');
    }
    return dropped;
  }
}
