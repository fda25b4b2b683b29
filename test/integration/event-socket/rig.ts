/** A switch and a focus on loopback, for the tests of this folder. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { BusAddress, BusLimits } from '../../../src/event-socket/bus/bus-member.ts';
import type { FocusBus } from '../../../src/event-socket/bus/focus-bus.ts';
import type { SwitchBus } from '../../../src/event-socket/bus/switch-bus.ts';
import { type Frame, FrameDecoder } from '../../../src/event-socket/codec.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { EventSocketServer, type EventSocketServerOptions } from '../../../src/event-socket/server.ts';
import {
  type SwitchCommandCall,
  type SwitchControl,
  type SwitchControlOptions,
  serveSwitchControl,
} from '../../../src/event-socket/switch-control.ts';
import {
  SwitchFleet,
  type SwitchFleetOptions,
  type SwitchState,
} from '../../../src/event-socket/switch-fleet.ts';
import type { LinkChange } from '../../../src/event-socket/switch-link.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { CommandReply, SwitchEvent, SwitchHello } from '../../../src/switch-control/protocol.ts';

export const PASSWORD = 'ClueCon';

export function makeHello(part: Partial<SwitchHello> = {}): SwitchHello {
  return {
    id: 'sw1',
    epoch: 'e1',
    msrp: [{ transport: 'tcp', host: '127.0.0.1', port: 2855 }],
    sessions: 0,
    legs: 0,
    load: 0,
    draining: false,
    messagesIn: 0,
    messagesOut: 0,
    ...part,
  };
}

export interface RigSwitch {
  readonly server: EventSocketServer;
  readonly control: SwitchControl;
  readonly port: number;
  readonly calls: SwitchCommandCall[];
  /** On a bus. */
  readonly bus?: SwitchBus;
  stop(): Promise<void>;
}

export type RigSwitchOptions = Partial<Omit<SwitchControlOptions, 'server'>> & {
  server?: Partial<EventSocketServerOptions>;
} & RigBusOptions;

/** Of no effect in direct mode. */
export interface RigBusOptions {
  readonly address?: Partial<BusAddress>;
  readonly busLimits?: Partial<BusLimits>;
}

export type RigFleetOptions = Partial<SwitchFleetOptions> &
  RigBusOptions & {
    /** The only ones that the focus takes. */
    readonly ownSwitches?: readonly string[];
  };

export async function startSwitch(options: RigSwitchOptions = {}): Promise<RigSwitch> {
  const { server: serverOptions, ...controlOptions } = options;
  const server = new EventSocketServer({ port: 0, password: PASSWORD, log: silentLog, ...serverOptions });
  const { port } = await server.listen();
  const calls: SwitchCommandCall[] = [];
  const handle = options.handle ?? ((): CommandReply => ({ ok: true, revision: 1 }));
  const id = options.id ?? 'sw1';
  const epoch = options.epoch ?? 'e1';
  const control = serveSwitchControl({
    hello: () => makeHello({ id, epoch }),
    log: silentLog,
    clock: systemClock,
    ...controlOptions,
    server,
    id,
    epoch,
    handle: (...call) => {
      calls.push(call);
      return handle(...call);
    },
  });
  return {
    server,
    control,
    port,
    calls,
    stop: async () => {
      control.stop();
      await server.close();
    },
  };
}

export interface SeenState {
  readonly id: string;
  readonly state: SwitchState;
  readonly change: LinkChange;
}

/** A list that can be waited on. */
export class Seen<T> {
  readonly items: T[] = [];
  #wake: (() => void)[] = [];

  push(item: T): void {
    this.items.push(item);
    for (const wake of this.#wake.splice(0)) wake();
  }

  async until(found: (item: T) => boolean, timeoutMs = 10_000): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const item = this.items.find(found);
      if (item !== undefined) return item;
      deadline.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

export interface RigFleet {
  readonly fleet: SwitchFleet;
  readonly events: Seen<{ id: string; event: SwitchEvent; seq: number; epoch: string }>;
  readonly states: Seen<SeenState>;
  /** On a bus. */
  readonly bus?: FocusBus;
}

export function makeFleet(ports: readonly number[], options: RigFleetOptions = {}): RigFleet {
  const events: RigFleet['events'] = new Seen();
  const states: RigFleet['states'] = new Seen();
  const fleet = new SwitchFleet({
    switches: ports.map((port) => ({ host: '127.0.0.1', port, password: PASSWORD })),
    focusId: 'focus-1',
    log: silentLog,
    clock: systemClock,
    onEvent: (id, event, { seq, epoch }) => events.push({ id, event, seq, epoch }),
    onState: (id, state, change) => states.push({ id, state, change }),
    ...options,
  });
  return { fleet, events, states };
}

/** A client that writes raw bytes and reads frames. */
export class RawClient {
  readonly socket: Socket;
  readonly frames = new Seen<Frame>();
  readonly closed: Promise<unknown>;
  #read = 0;

  constructor(port: number) {
    this.socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    const decoder = new FrameDecoder('to-client', (frame) => this.frames.push(frame));
    this.socket.on('data', (chunk) => decoder.feed(chunk));
    this.socket.on('error', () => undefined);
    this.closed = once(this.socket, 'close');
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** The next frame that was not taken yet. */
  async next(): Promise<Frame> {
    const index = this.#read;
    this.#read += 1;
    await this.frames.until(() => this.frames.items.length > index);
    const frame = this.frames.items[index];
    if (frame === undefined) throw new Error('no frame');
    return frame;
  }

  /** Sends a command and returns Reply-Text or the api output. */
  async ask(command: string): Promise<string> {
    this.write(`${command}\n\n`);
    const frame = await this.next();
    return frame.headers.get('reply-text') ?? frame.body;
  }

  async login(): Promise<void> {
    await this.next();
    await this.ask(`auth ${PASSWORD}`);
  }
}

/** Short times, so that silence and deadlines are met soon. */
export const FAST: RigFleetOptions = {
  limits: { requestDeadlineMs: 150, helloIntervalMs: 60, missedHellos: 3 },
  clientLimits: { reconnect: { minMs: 5, maxMs: 20 }, replyDeadlineMs: 100 },
};
export const bound = (leg: string) =>
  ({ op: 'leg.bound', session: 's1', leg, remote: '127.0.0.1:1' }) as const;
export const DROP = { session: 's1', revision: 1 };

export async function switchFor(t: TestContext, options: RigSwitchOptions = {}): Promise<RigSwitch> {
  const sw = await startSwitch(options);
  t.after(() => sw.stop());
  return sw;
}

export async function fleetFor(
  t: TestContext,
  ports: readonly number[],
  options: RigFleetOptions = {},
): Promise<RigFleet> {
  const rig = makeFleet(ports, options);
  t.after(() => rig.fleet.stop());
  rig.fleet.start();
  await rig.fleet.waitForSwitch(10_000);
  return rig;
}
