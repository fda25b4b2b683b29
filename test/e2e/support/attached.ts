/** `parley focus` and `parley switch` as an operator starts them, beside a Kamailio that is not theirs. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Subscriber } from '../../../src/agents/chat.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { Command } from './command.ts';
import { LogWatch } from './eventually.ts';

export const DOMAIN = 'example.test';
export const FACTORY = `sip:im-conference-factory@${DOMAIN}`;
export const SECRET = 'a-secret-of-both-sides-1';
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

export class Attached {
  readonly directory: string;
  readonly ports: Ports;
  readonly focus: Command;
  readonly switch: Command;
  readonly #subscribers: Subscriber[] = [];

  private constructor(directory: string, ports: Ports, focus: Command, switchCommand: Command) {
    this.directory = directory;
    this.ports = ports;
    this.focus = focus;
    this.switch = switchCommand;
  }

  /** Both are ready, and the focus has its switch; Kamailio need not run yet. */
  static async start(ports: Ports, secret = SECRET): Promise<Attached> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-attached-'));
    await mkdir(join(directory, 'secrets'));
    await writeFile(join(directory, 'secrets/kamailio'), `${secret}\n`, { mode: 0o600 });
    await writeFile(join(directory, 'secrets/switch'), 'a-password-of-ours\n', { mode: 0o600 });
    const at = (port: number) => `127.0.0.1:${port}`;
    const file = join(directory, 'parley.yaml');
    await writeFile(
      file,
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
        eventSocket: { listen: at(await freePort()), passwordFile: 'secrets/switch' },
        msrp: { listen: at(await freePort()) },
        admin: { listen: at(await freePort()) },
        store: { sqlite: 'parley.db' },
      }),
    );
    const switchCommand = new Command('switch', '--config', file);
    const focus = new Command('focus', '--config', file);
    const attached = new Attached(directory, ports, focus, switchCommand);
    try {
      await Promise.all([switchCommand.ready(), focus.ready()]);
      await new LogWatch(focus, 0).until({ msg: 'switch state', state: 'up' });
    } catch (error) {
      await attached.stop();
      throw error;
    }
    return attached;
  }

  kamailioConnected(): Promise<unknown> {
    return new LogWatch(this.focus, 0).until({ msg: 'Kamailio connected' });
  }

  /** Registered through the core, asserted as itself. */
  async subscriber(name: string): Promise<Subscriber> {
    const uri = `sip:${name}@${DOMAIN}`;
    const proxy = { host: '127.0.0.1', port: this.ports.sip };
    const subscriber = await Subscriber.start({ uri, proxy, localAddress: CORE, assertedIdentity: uri });
    this.#subscribers.push(subscriber);
    await subscriber.register();
    return subscriber;
  }

  /** @returns the exit status of focus and switch */
  async stop(): Promise<(number | null)[]> {
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.stop()));
    const ended = await Promise.all([this.focus.stop(), this.switch.stop()]);
    await rm(this.directory, { recursive: true, force: true });
    return ended.map(({ code }) => code);
  }
}
