/**
 * The ways in which focus and switch can meet, so that one test runs on each: the switch's own event socket, the stand-in for
 * a FreeSWITCH bus, and a real FreeSWITCH when there is one.
 */
import { after, type TestContext, test } from 'node:test';
import { FocusBus } from '../../../src/event-socket/bus/focus-bus.ts';
import { SwitchBus } from '../../../src/event-socket/bus/switch-bus.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { randomIds } from '../../../src/lib/ids.ts';
import { freeswitchBinary, RealFreeswitch } from '../../support/freeswitch-bus/real-freeswitch.ts';
import { StandInBus } from '../../support/freeswitch-bus/stand-in-bus.ts';
import {
  FAST,
  makeFleet,
  PASSWORD,
  type RigFleet,
  type RigFleetOptions,
  type RigSwitch,
  type RigSwitchOptions,
  startSwitch,
} from './rig.ts';

export interface Net {
  /** Short times, so that silence and deadlines are met soon. */
  readonly fast: RigFleetOptions;
  switchFor(options?: RigSwitchOptions): Promise<RigSwitch>;
  /** Not started yet. */
  fleetOf(switches: readonly RigSwitch[], options?: RigFleetOptions): RigFleet;
  /** Started, and a switch is up. */
  fleetFor(switches: readonly RigSwitch[], options?: RigFleetOptions): Promise<RigFleet>;
  /** All connections between focuses and switches break. */
  cut(switches: readonly RigSwitch[]): void;
}

/** What is true of a bus only. */
export interface BusNet extends Net {
  readonly port: number;
  /** A user with no more rights than the documentation asks for. */
  readonly user: { readonly user: string; readonly password: string };
  /** SIGTERM or SIGKILL, and started again. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface StandInNet extends BusNet {
  readonly bus: StandInBus;
}

export const BUS_KEY = 'a key of thirty-two characters or more';

/** Runs the test once for each medium. */
export function inAllMedia(
  name: string,
  body: (t: TestContext, net: Net, medium: 'direct' | 'bus') => Promise<void>,
): void {
  inDirectMode(name, (t, net) => body(t, net, 'direct'));
  onEachBus(name, (t, net) => body(t, net, 'bus'));
}

export function inDirectMode(name: string, body: (t: TestContext, net: Net) => Promise<void>): void {
  test(`direct: ${name}`, { timeout: 30_000 }, (t) => body(t, directNet(t)));
}

/** Runs the test once for each bus that there is. */
export function onEachBus(name: string, body: (t: TestContext, net: BusNet) => Promise<void>): void {
  onStandIn(name, body);
  const binary = freeswitchBinary();
  if (binary === undefined) return;
  test(`FreeSWITCH: ${name}`, { timeout: 60_000 }, async (t) => {
    const bus = await realBus(binary);
    await body(t, {
      ...busNet(t, () => bus.port),
      port: bus.port,
      user: USER,
      cut: () => bus.cutAll(),
      restart: async (signal) => {
        await bus.end(signal);
        await bus.launch();
      },
    });
  });
}

const USER = { user: 'im@example.net', password: 'secret-of-im' };
let shared: Promise<RealFreeswitch> | undefined;

/** One for all tests of a file. */
function realBus(binary: string): Promise<RealFreeswitch> {
  shared ??= RealFreeswitch.start({ binary, password: PASSWORD, userPassword: USER.password });
  return shared;
}
after(async () => (await shared)?.stop());

export function onStandIn(name: string, body: (t: TestContext, net: StandInNet) => Promise<void>): void {
  test(`stand-in bus: ${name}`, { timeout: 30_000 }, async (t) => {
    const bus = new StandInBus({ password: PASSWORD, users: { [USER.user]: USER.password } });
    await bus.start();
    t.after(() => bus.stop());
    await body(t, standInNet(t, bus));
  });
}

function directNet(t: TestContext): Net {
  return {
    fast: FAST,
    switchFor: async (options) => {
      const sw = await startSwitch(options);
      t.after(() => sw.stop());
      return sw;
    },
    fleetOf: (switches, options) => {
      const rig = makeFleet(
        switches.map(({ port }) => port),
        options,
      );
      t.after(() => rig.fleet.stop());
      return rig;
    },
    async fleetFor(switches, options) {
      return started(this.fleetOf(switches, options));
    },
    cut: (switches) => {
      for (const { server } of switches) {
        for (const peer of server.peers()) (peer as unknown as { destroy(): void }).destroy();
      }
    },
  };
}

/** A bus polls every 20 ms, and a machine under load takes longer. */
const FAST_ON_BUS: RigFleetOptions = {
  limits: { requestDeadlineMs: 400, helloIntervalMs: 150, missedHellos: 3 },
  clientLimits: { reconnect: { minMs: 5, maxMs: 20 }, replyDeadlineMs: 1000 },
  busLimits: { echoIntervalMs: 100, missedEchoes: 5 },
};

function standInNet(t: TestContext, bus: StandInBus): StandInNet {
  return {
    ...busNet(t, () => bus.port),
    bus,
    port: bus.port,
    user: USER,
    cut: () => bus.cutAll(),
    restart: async (signal) => {
      await bus.stop(signal);
      await bus.start();
    },
  };
}

export function busNet(
  t: TestContext,
  portOf: () => number,
): Pick<Net, 'fast' | 'switchFor' | 'fleetOf' | 'fleetFor'> {
  const address = () => ({ host: '127.0.0.1', port: portOf(), password: PASSWORD, keys: [BUS_KEY] });
  return {
    fast: FAST_ON_BUS,
    switchFor: async (options = {}) => {
      const bus = new SwitchBus({
        id: options.id ?? 'sw1',
        epoch: options.epoch ?? 'e1',
        log: silentLog,
        clock: systemClock,
        address: { ...address(), ...options.address },
        clientLimits: { reconnect: { minMs: 5, maxMs: 20 } },
        limits: options.busLimits ?? {},
      });
      const sw = await startSwitch({ ...options, bus });
      bus.start();
      const stop = async (): Promise<void> => {
        await sw.stop();
        await bus.close();
      };
      t.after(stop);
      return { ...sw, bus, stop };
    },
    fleetOf: (_, options = {}) => {
      const focusEpoch = options.focusEpoch ?? randomIds.token(60);
      const rig = makeFleet([], { ...options, focusEpoch });
      const bus = new FocusBus({
        focusId: options.focusId ?? 'focus-1',
        focusEpoch,
        switches: options.ownSwitches ?? [],
        address: { ...address(), ...options.address },
        log: options.log ?? silentLog,
        clock: systemClock,
        limits: options.busLimits ?? {},
        clientLimits: options.clientLimits ?? {},
        onMeet: (_id, open) => rig.fleet.meet({ host: '127.0.0.1', port: portOf() }, open),
      });
      t.after(async () => {
        await rig.fleet.stop();
        await bus.close();
      });
      return { ...rig, bus };
    },
    async fleetFor(switches, options) {
      return started(this.fleetOf(switches, options));
    },
  };
}

export async function started(rig: RigFleet): Promise<RigFleet> {
  rig.fleet.start();
  rig.bus?.start();
  await rig.fleet.waitForSwitch(10_000);
  return rig;
}
