/** Where new sessions go, and how commands reach the switches. */
import type { SwitchEffect, SwitchPort } from '../engine/performer.ts';
import type { SwitchFleet, SwitchState } from '../event-socket/switch-fleet.ts';
import type { SwitchChoice } from '../focus/world.ts';
import { CodedError } from '../lib/errors.ts';
import type { Command, CommandReply } from '../switch-control/protocol.ts';

export class SwitchPlacement implements SwitchPort {
  #fleet: SwitchFleet | undefined;
  /** Sessions placed since a switch last said how many legs it has. */
  readonly #placed = new Map<string, { readonly helloMs: number | null; count: number }>();

  use(fleet: SwitchFleet): void {
    this.#fleet = fleet;
  }

  /** The live switch with the fewest legs that is not draining; `avoid` where there is no other. */
  choose(avoid?: string): SwitchChoice | undefined {
    const live = (this.#fleet?.states() ?? []).filter(
      ({ state, draining, hello }) => state === 'up' && !draining && hello !== null,
    );
    const isAvoided = ({ id }: SwitchState) => (id === avoid ? 1 : 0);
    const load = (state: SwitchState) => state.legs + this.#placedSince(state).count;
    const least = live.sort((a, b) => isAvoided(a) - isAvoided(b) || load(a) - load(b))[0];
    if (least === undefined) return undefined;
    this.#placedSince(least).count += 1;
    return choiceOf(least);
  }

  #placedSince({ id, lastHelloMs: helloMs }: SwitchState): { count: number } {
    const key = id ?? '';
    const known = this.#placed.get(key);
    if (known !== undefined && known.helloMs === helloMs) return known;
    const placed = { helloMs, count: 0 };
    this.#placed.set(key, placed);
    return placed;
  }

  /** Of its certificate, as its last hello said. */
  fingerprintOf(switchId: string): string | undefined {
    return this.#fleet?.states().find(({ id }) => id === switchId)?.hello?.fingerprint;
  }

  async command(switchId: string, op: SwitchEffect['op'], body: unknown): Promise<CommandReply> {
    if (this.#fleet === undefined) throw new CodedError('ESL_DOWN', 'the event socket is not started');
    // The focus built the body by the vocabulary of this op; the switch validates it again.
    return this.#fleet.request(switchId, op, body as Command<typeof op>);
  }
}

function choiceOf({ id, epoch, hello }: SwitchState): SwitchChoice | undefined {
  const listeners = hello?.msrp ?? [];
  const address = listeners.find(({ transport }) => transport === 'tcp') ?? listeners[0];
  if (id === null || address === undefined) return undefined;
  return {
    id,
    ...(epoch === null ? {} : { epoch }),
    host: address.host,
    port: address.port,
    listeners,
    ...(hello?.probe === undefined ? {} : { probe: hello.probe }),
  };
}
