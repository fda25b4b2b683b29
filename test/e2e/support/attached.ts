/** `parley focus` and `parley switch` as an operator starts them, beside a Kamailio that is not theirs. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Subscriber } from '../../../src/agents/chat.ts';
import { startKamailio } from '../../../src/app/kamailio-process.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { log } from '../../support/kamailio/kamailio-fixture.ts';
import { Command } from './command.ts';
import { LogWatch } from './eventually.ts';

export const DOMAIN = 'example.test';
export const FACTORY = `sip:im-conference-factory@${DOMAIN}`;
export const SECRET = 'a-secret-of-both-sides-1';
const BUS_KEY = 'the-key-of-this-test-which-has-32-characters-and-more';
const KAMAILIO_CONFIG = fileURLToPath(new URL('../../../kamailio/kamailio.cfg', import.meta.url));
/** Of an agent for what it waits for; a machine with other work takes its time. */
const AGENT_WAIT_MS = 10_000;
/** The address of the trusted core; everybody else is on 127.0.0.1. */
export const CORE = '127.0.0.2';

export interface Ports {
  readonly sip: number;
  readonly rpc: number;
  readonly jsonRpc: number;
}

export async function freePorts(): Promise<Ports> {
  return { sip: await freePort(), rpc: await freePort(), jsonRpc: await freePort() };
}

export interface AttachedOptions {
  /** Of the calls between focus and Kamailio. */
  readonly secret?: string;
  /** In place of a password for direct connections. */
  readonly bus?: { readonly port: number; readonly password: string };
}

type Part = 'focus' | 'switch';

export class Attached {
  readonly directory: string;
  readonly ports: Ports;
  readonly #parts = new Map<Part, Command>();
  readonly #subscribers: Subscriber[] = [];

  private constructor(directory: string, ports: Ports) {
    this.directory = directory;
    this.ports = ports;
  }

  /** Both are ready, and the focus has its switch; Kamailio need not run yet. */
  static async start(ports: Ports, options: AttachedOptions = {}): Promise<Attached> {
    const attached = await Attached.prepare(ports, options);
    const [switchCommand, focus] = [attached.launch('switch'), attached.launch('focus')];
    try {
      await Promise.all([switchCommand.ready(), focus.ready()]);
      await attached.switchIsUp();
    } catch (error) {
      await attached.stop();
      throw error;
    }
    return attached;
  }

  /** The files, and nothing runs yet. */
  static async prepare(ports: Ports, { secret = SECRET, bus }: AttachedOptions = {}): Promise<Attached> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-attached-'));
    await mkdir(join(directory, 'secrets'));
    const secrets = {
      kamailio: secret,
      switch: 'a-password-of-ours',
      ...(bus === undefined ? {} : { bus: bus.password, 'bus-key': BUS_KEY }),
    };
    for (const [name, value] of Object.entries(secrets))
      await writeFile(join(directory, 'secrets', name), `${value}\n`, { mode: 0o600 });
    const at = (port: number) => `127.0.0.1:${port}`;
    const coupling =
      bus === undefined
        ? { passwordFile: 'secrets/switch' }
        : {
            via: 'freeswitch',
            bus: { address: at(bus.port), passwordFile: 'secrets/bus', keyFile: 'secrets/bus-key' },
          };
    await writeFile(
      join(directory, 'parley.yaml'),
      stringify({
        sip: { domain: DOMAIN, advertise: at(ports.sip) },
        kamailio: {
          manage: false,
          secretFile: 'secrets/kamailio',
          jsonRpc: { listen: at(ports.jsonRpc) },
          nodes: [
            {
              id: 'kam1',
              rpc: `http://${at(ports.rpc)}`,
              sendSockets: { udp: `udp:${at(ports.sip)}`, tcp: `tcp:${at(ports.sip)}` },
            },
          ],
        },
        eventSocket: { listen: at(await freePort()), ...coupling },
        msrp: { listen: at(await freePort()) },
        admin: { listen: at(await freePort()), withoutToken: 'admin' },
        store: { sqlite: 'parley.db' },
      }),
    );
    return new Attached(directory, ports);
  }

  get focus(): Command {
    return this.#part('focus');
  }

  get switch(): Command {
    return this.#part('switch');
  }

  /** `parley focus` or `parley switch`, as the first or in place of one that has ended. */
  launch(part: Part): Command {
    const command = new Command(part, '--config', join(this.directory, 'parley.yaml'));
    this.#parts.set(part, command);
    return command;
  }

  #part(part: Part): Command {
    const command = this.#parts.get(part);
    assert(command !== undefined, `no ${part} was started`);
    return command;
  }

  /** Somebody else's Kamailio: our stand-alone configuration, but started by hand. */
  async startKamailio(t: Pick<TestContext, 'after'>): Promise<void> {
    const runDir = await mkdtemp(join(tmpdir(), 'parley-kamailio-'));
    t.after(() => rm(runDir, { recursive: true, force: true }));
    const at = (port: number) => ({ host: '127.0.0.1', port });
    const { sip, rpc, jsonRpc } = this.ports;
    const running = await startKamailio({
      nodeId: 'kam1',
      configFile: KAMAILIO_CONFIG,
      runDir,
      listen: [
        { proto: 'udp', ...at(sip) },
        { proto: 'tcp', ...at(sip) },
      ],
      domain: DOMAIN,
      realm: DOMAIN,
      trustedPeers: [`${CORE}/32`],
      rpc: at(rpc),
      service: [at(jsonRpc)],
      secret: SECRET,
      sessionPrefix: 'im-s-',
      factories: [FACTORY],
      memoryMb: 64,
      workers: 2,
      log,
    });
    t.after(() => running.stop());
  }

  switchIsUp(): Promise<unknown> {
    return new LogWatch(this.focus, 0).until({ msg: 'switch state', state: 'up' });
  }

  kamailioConnected(): Promise<unknown> {
    return new LogWatch(this.focus, 0).until({ msg: 'Kamailio connected' });
  }

  /** Registered through the core, asserted as itself; with a password from elsewhere, by digest. */
  async subscriber(name: string, password?: string): Promise<Subscriber> {
    const uri = `sip:${name}@${DOMAIN}`;
    const proxy = { host: '127.0.0.1', port: this.ports.sip };
    const identity = password === undefined ? { localAddress: CORE, assertedIdentity: uri } : { password };
    const subscriber = await Subscriber.start({ uri, proxy, waitMs: AGENT_WAIT_MS, ...identity });
    this.#subscribers.push(subscriber);
    await subscriber.register();
    return subscriber;
  }

  /** @returns the exit status of focus and switch, as far as they were started */
  async stop(): Promise<(number | null)[]> {
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.stop()));
    const parts = (['focus', 'switch'] as const).flatMap((part) => this.#parts.get(part) ?? []);
    const ended = await Promise.all(parts.map((part) => part.stop()));
    await rm(this.directory, { recursive: true, force: true });
    return ended.map(({ code }) => code);
  }
}
