/** The focus's side of the FreeSWITCHes: user agents for their users, and a connection to each of them. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Engine } from '../engine/engine.ts';
import type { SwitchFleet } from '../event-socket/switch-fleet.ts';
import { FreeSwitchCalls } from '../freeswitch/calls.ts';
import { FreeSwitchControl } from '../freeswitch/control.ts';
import { FreeSwitchRooms } from '../freeswitch/rooms.ts';
import { systemClock } from '../lib/clock.ts';
import { CodedError } from '../lib/errors.ts';
import { randomIds } from '../lib/ids.ts';
import { addressKey } from '../sip/uri.ts';
import { announceTo } from './admin/announcing.ts';
import type { KamailioNodes } from './kamailio-nodes.ts';

export interface FreeSwitchParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly nodes: KamailioNodes;
  readonly log: Logger;
}

export interface FreeSwitchSide {
  readonly calls: FreeSwitchCalls;
  readonly controls: readonly FreeSwitchControl[];
  readonly rooms: readonly FreeSwitchRooms[];
  stop(): Promise<void>;
}

/** After `engine.load`, before anything of the last run is made up for. */
export function prepareFreeSwitch(
  { config, engine, nodes, log }: FreeSwitchParts,
  controls: () => readonly FreeSwitchControl[],
): FreeSwitchCalls {
  const { freeswitch, msrp } = config;
  const calls = new FreeSwitchCalls({
    focus: engine,
    kamailio: () => {
      const kam = nodes.ids[0] ?? '';
      return { kam, epoch: nodes.epochOf(kam) ?? 'unseen' };
    },
    passwordOf: (id) => freeswitch.nodes.find((node) => node.id === id)?.password,
    isTls: !msrp.listen.some(({ proto }) => proto === 'tcp'),
    maxBytes: freeswitch.maxMessageBytes,
    maxEnds: freeswitch.maxParticipants,
    messageIdleMs: freeswitch.messageIdleS * 1000,
    clock: systemClock,
    ids: randomIds,
    log,
    onRemoved: (end) =>
      controls()
        .find(({ node }) => node === end.node)
        ?.removed(end),
  });
  if (freeswitch.nodes.length > 0) {
    calls.adopt(engine.sessions.all());
    nodes.keepHere(calls);
  }
  return calls;
}

export function startFreeSwitch(
  { config, engine, log }: FreeSwitchParts,
  calls: FreeSwitchCalls,
  fleet: SwitchFleet,
): FreeSwitchSide {
  const { nodes, rooms, identityDomains, identityVariable, goneAfterS, checkS } = config.freeswitch;
  const allRooms: FreeSwitchRooms[] = [];
  const controls = nodes.map((node) => {
    const mapped = rooms.filter((room) => room.node === node.id);
    const ofNode =
      mapped.length === 0
        ? undefined
        : new FreeSwitchRooms({ node: node.id, rooms: mapped, calls, identityVariable, log });
    if (ofNode !== undefined) allRooms.push(ofNode);
    return new FreeSwitchControl({
      node,
      calls,
      ...(ofNode === undefined ? {} : { rooms: ofNode }),
      domains: identityDomains,
      announce: (group, text) => announce(engine, fleet, node.id, group, text),
      goneAfterMs: goneAfterS * 1000,
      checkMs: checkS * 1000,
      log,
    });
  });
  for (const control of controls) control.start();
  if (nodes.length > 0) calls.start();
  return {
    calls,
    controls,
    rooms: allRooms,
    async stop() {
      calls.stop();
      await Promise.all(controls.map((control) => control.stop()));
    },
  };
}

async function announce(
  engine: Engine,
  fleet: SwitchFleet,
  node: string,
  group: string,
  text: string,
): Promise<number> {
  const session = engine.sessions.byGroup(addressKey(group))?.row.id;
  if (session === undefined) return 404;
  try {
    const { kind } = await announceTo({ engine, fleet }, { session, by: `FreeSWITCH ${node}`, text });
    return kind === 'done' ? 200 : 404;
  } catch (error) {
    if (error instanceof CodedError) return 503;
    throw error;
  }
}
