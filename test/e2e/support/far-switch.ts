/** Switches that no supervisor looks after, so that who dies stays dead, and a stack that takes them in over REST. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { PASSWORD as BUS_PASSWORD, standIn } from '../../support/freeswitch-bus/bus.ts';
import { Stack, type StackOptions } from '../../support/stack.ts';
import { Command } from './command.ts';
import { eventually } from './eventually.ts';
import { isAlive } from './processes.ts';

/** Not as often as CI runs. */
export const IS_FULL = process.env['PARLEY_TEST_FAILOVER'] === 'full';
/** The defaults of `failover`, five times as fast: a hello each 400 ms, three questions of 200 ms. */
export const FAST = IS_FULL ? {} : { helloIntervalMs: 400, probeDeadlineMs: 200 };
/** From the death of a switch until every leg is on another one. */
export const WITHIN_MS = IS_FULL ? 12_000 : 6_000;
/** Of direct connections, and of the bus. */
export const PASSWORD = BUS_PASSWORD;
const KEY = 'the-key-of-this-fleet-which-has-32-characters-and-more';
/** How focus and switches meet: each switch by its own event socket, or all on a FreeSWITCH that is played. */
export const MODES = ['direct', 'bus'] as const;
export type Mode = (typeof MODES)[number];

type Bus = Awaited<ReturnType<typeof standIn>>;

/** Leads `host:port` to another address that leads to it. */
type Through = (address: string) => Promise<string>;

/** `eventSocket` of a member. */
const coupling = (busAddress?: string) => ({
  listen: '127.0.0.1:0',
  passwordFile: 'password',
  ...(busAddress === undefined
    ? {}
    : { via: 'freeswitch', bus: { address: busAddress, passwordFile: 'password', keyFile: 'key' } }),
});

export interface SwitchSeen {
  readonly id: string | null;
  readonly eventSocket: string;
  readonly state: string;
  readonly sessions: number;
  readonly legs: number;
  readonly draining: boolean;
  readonly messagesIn: number;
}

/** A `parley switch` of its own. */
export class FarSwitch {
  readonly id: string;
  readonly #process: Command;
  readonly #listens: { readonly msrp: readonly string[]; readonly eventSocket: string };

  private constructor(id: string, process: Command, listens: FarSwitch['listens']) {
    this.id = id;
    this.#process = process;
    this.#listens = listens;
  }

  /** @param busAddress where it looks for the bus; absent: it is connected to */
  static async start(directory: string, name: string, busAddress?: string): Promise<FarSwitch> {
    const file = join(directory, `${name}.yaml`);
    await writeFile(
      file,
      stringify({
        switch: { name },
        msrp: { listen: '127.0.0.1:0' },
        eventSocket: coupling(busAddress),
        failover: FAST,
        store: { sqlite: 'parley.db' },
      }),
    );
    const command = new Command('switch', '--config', file);
    return new FarSwitch(`${name}-0`, command, (await command.ready()) as FarSwitch['listens']);
  }

  get listens(): { readonly msrp: readonly string[]; readonly eventSocket: string } {
    return this.#listens;
  }

  get pid(): number {
    return this.#process.pid;
  }

  signal(name: NodeJS.Signals): void {
    if (isAlive(this.pid)) process.kill(this.pid, name);
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }
}

/** A stack whose own switch takes no session; `FarSwitch`es carry them. */
export class Fleet {
  readonly stack: Stack;
  readonly directory: string;
  readonly #bus: Bus | undefined;
  readonly #switches: FarSwitch[] = [];

  private constructor(stack: Stack, directory: string, bus: Bus | undefined) {
    this.stack = stack;
    this.directory = directory;
    this.#bus = bus;
  }

  static async start({ config = {}, ...options }: StackOptions = {}, mode: Mode = 'direct'): Promise<Fleet> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-fleet-'));
    await writeFile(join(directory, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    await writeFile(join(directory, 'key'), `${KEY}\n`, { mode: 0o600 });
    const bus = mode === 'bus' ? await standIn() : undefined;
    const { failover } = config as { failover?: object };
    const stack = await Stack.start({
      ...options,
      directory,
      config: {
        ...config,
        eventSocket: coupling(bus && addressOf(bus)),
        failover: { ...FAST, ...failover },
      },
    });
    const fleet = new Fleet(stack, directory, bus);
    if (bus !== undefined) await fleet.until('switch-0', ({ state }) => state === 'up');
    await fleet.ask('POST', '/switches/switch-0/drain?sessions=stay');
    return fleet;
  }

  get bus(): Bus {
    assert(this.#bus !== undefined, 'the switches are connected to directly');
    return this.#bus;
  }

  /** One more switch; with `through`, the one connection between it and the focus, or the bus, goes by another address. */
  async add(name: string, through?: Through): Promise<FarSwitch> {
    if (this.#bus === undefined) {
      const far = await this.start(name);
      await this.meet(far, through);
      return far;
    }
    const address = addressOf(this.#bus);
    const far = await FarSwitch.start(this.directory, name, (await through?.(address)) ?? address);
    this.#switches.push(far);
    await this.until(far.id, ({ state }) => state === 'up');
    return far;
  }

  /** A switch that the focus does not know of yet; not on a bus. */
  async start(name: string): Promise<FarSwitch> {
    const far = await FarSwitch.start(this.directory, name);
    this.#switches.push(far);
    return far;
  }

  async meet(far: FarSwitch, through?: Through): Promise<void> {
    const { eventSocket } = far.listens;
    await this.ask('POST', '/switches', { eventSocket: (await through?.(eventSocket)) ?? eventSocket });
    await this.until(far.id, ({ state }) => state === 'up');
  }

  /** Ends all sessions and all far switches, for the next test. */
  async clear(): Promise<void> {
    for (const id of await this.sessions()) await this.ask('DELETE', `/sessions/${id}`);
    const all = this.#switches.splice(0);
    for (const far of all) far.signal('SIGCONT');
    if (this.#bus !== undefined) await this.#drain(all);
    await Promise.all(all.map((far) => far.stop()));
    if (this.#bus !== undefined) return;
    for (const { id, eventSocket } of await this.switches()) {
      if (id === null || !all.some((far) => far.id === id)) continue;
      await this.until(id, ({ state }) => state !== 'up');
      await this.ask('DELETE', `/switches?eventSocket=${eventSocket}`);
    }
  }

  /** Nobody tells on a bus that a switch is gone: nothing is to be placed there until it is found silent. */
  async #drain(all: readonly FarSwitch[]): Promise<void> {
    for (const { id, state } of await this.switches()) {
      if (state === 'up' && all.some((far) => far.id === id))
        await this.ask('POST', `/switches/${id}/drain?sessions=stay`);
    }
  }

  /** Those that have not ended. */
  async sessions(): Promise<string[]> {
    const { items } = (await this.ask('GET', '/sessions')) as { items: { id: string; phase: string }[] };
    return items.filter(({ phase }) => phase !== 'ended' && phase !== 'ending').map(({ id }) => id);
  }

  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(`/api/v1${path}`, this.stack.ready.admin), {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async switches(): Promise<SwitchSeen[]> {
    return ((await this.ask('GET', '/switches')) as { items: SwitchSeen[] }).items;
  }

  /** The switch as the focus sees it, once it is as wanted. */
  until(id: string, isWanted: (seen: SwitchSeen) => boolean, timeoutMs?: number): Promise<SwitchSeen> {
    let seen: SwitchSeen[] = [];
    return eventually(
      async () => {
        seen = await this.switches();
        return seen.find((one) => one.id === id && isWanted(one));
      },
      () => `${id} is not so: ${JSON.stringify(seen)}`,
      timeoutMs,
    );
  }

  /** Where each session that runs is. */
  async places(): Promise<string[]> {
    const { items } = (await this.ask('GET', '/sessions')) as {
      items: { phase: string; switchId: string }[];
    };
    return items.filter(({ phase }) => phase !== 'ended').map(({ switchId }) => switchId);
  }

  async metric(name: string): Promise<number> {
    const response = await fetch(new URL('/metrics', this.stack.ready.admin));
    const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  async stop(): Promise<void> {
    for (const far of this.#switches) far.signal('SIGCONT');
    await Promise.all([this.stack.stop(), ...this.#switches.map((far) => far.stop())]);
    await this.#bus?.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

function addressOf(bus: Bus): string {
  return `127.0.0.1:${bus.port}`;
}
