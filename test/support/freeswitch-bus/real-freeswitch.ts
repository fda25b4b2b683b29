/**
 * A real FreeSWITCH as a bus and as nothing else, where there is a program: `PARLEY_FREESWITCH` (`npm run test:freeswitch --
 * --binary PATH`), or `freeswitch` in PATH. Members reach it through a proxy of ours, so that a test can cut their connections.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../kamailio/free-port.ts';

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5000;

/** Undefined where no FreeSWITCH is to be had. */
export function freeswitchBinary(): string | undefined {
  const named = process.env['PARLEY_FREESWITCH'];
  if (named !== undefined && named !== '') return named;
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return folders.map((folder) => join(folder, 'freeswitch')).find((file) => existsSync(file));
}

export interface RealFreeswitchOptions {
  readonly binary: string;
  readonly password: string;
  /** The user `im@example.net` of `userauth`, with the rights that the documentation asks for. */
  readonly userPassword: string;
}

export class RealFreeswitch {
  readonly #options: RealFreeswitchOptions;
  readonly #folder: string;
  readonly #ownPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #proxy = createServer((socket) => this.#pass(socket));
  #child: ChildProcess | undefined;

  private constructor(options: RealFreeswitchOptions, folder: string, ownPort: number) {
    this.#options = options;
    this.#folder = folder;
    this.#ownPort = ownPort;
  }

  static async start(options: RealFreeswitchOptions): Promise<RealFreeswitch> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-bus-'));
    const bus = new RealFreeswitch(options, folder, await freePort());
    for (const name of FOLDERS) await mkdir(join(folder, name));
    await writeFile(join(folder, 'conf', 'freeswitch.xml'), bus.#document());
    bus.#proxy.listen(0, '127.0.0.1');
    await once(bus.#proxy, 'listening');
    await bus.launch();
    return bus;
  }

  /** Of the proxy. */
  get port(): number {
    return (this.#proxy.address() as AddressInfo).port;
  }

  /** Every connection breaks; new ones are taken. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    this.cutAll();
    this.#proxy.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #pass(near: Socket): void {
    const far = createConnection({ host: '127.0.0.1', port: this.#ownPort, noDelay: true });
    near.setNoDelay(true);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  }

  /** At the start, and after `end`; the port stays. */
  async launch(): Promise<void> {
    const { binary } = this.#options;
    const modules = join(dirname(dirname(binary)), 'mod');
    const flags = FLAGS.flatMap(([flag, name]) => [`-${flag}`, join(this.#folder, name)]);
    if (existsSync(modules)) flags.push('-mod', modules);
    this.#child = spawn(binary, ['-nf', '-nonat', '-nc', '-np', ...flags], { stdio: 'ignore' });
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (performance.now() < deadlineMs && this.#child.exitCode === null) {
        await delay(50);
        continue;
      }
      const log = await readFile(join(this.#folder, 'log/freeswitch.log'), 'utf8').catch(() => '');
      throw new Error(`FreeSWITCH is not there after ${START_TIMEOUT_MS} ms: ${log.slice(-4000)}`);
    }
  }

  async #answers(): Promise<boolean> {
    const socket = createConnection({ host: '127.0.0.1', port: this.#ownPort });
    const heard = new Promise<boolean>((resolve) => {
      socket.on('data', (chunk) => resolve(chunk.toString().startsWith('Content-Type: auth/request')));
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
    });
    const isThere = await heard;
    socket.destroy();
    return isThere;
  }

  #document(): string {
    const { password, userPassword } = this.#options;
    const param = (name: string, value: string) => `<param name="${name}" value="${value}"/>`;
    const modules = ['mod_logfile', 'mod_event_socket', 'mod_commands'];
    return `<?xml version="1.0"?>
<document type="freeswitch/xml">
<section name="configuration">
<configuration name="switch.conf"><settings>${param('loglevel', 'warning')}</settings></configuration>
<configuration name="modules.conf"><modules>${modules.map((name) => `<load module="${name}"/>`).join('')}</modules></configuration>
<configuration name="logfile.conf"><profiles><profile name="default">
<settings>${param('logfile', join(this.#folder, 'log/freeswitch.log'))}</settings>
<mappings><map name="all" value="warning,err,crit,alert"/></mappings></profile></profiles></configuration>
<configuration name="event_socket.conf"><settings>${param('listen-ip', '127.0.0.1')}
${param('listen-port', String(this.#ownPort))}${param('password', password)}</settings></configuration>
</section>
<section name="directory"><domain name="example.net"><user id="im"><params>
${param('esl-password', userPassword)}
${param('esl-allowed-events', 'SHUTDOWN CUSTOM im::request im::reply im::event im::hello')}
${param('esl-allowed-api', 'status')}
</params></user></domain></section>
</document>
`;
  }
}

/** What the program would otherwise write below its own prefix. */
const FLAGS: readonly (readonly [flag: string, folder: string])[] = [
  ['conf', 'conf'],
  ['log', 'log'],
  ['run', 'run'],
  ['db', 'db'],
  ['scripts', 'scripts'],
  ['temp', 'tmp'],
  ['storage', 'storage'],
  ['recordings', 'recordings'],
  ['cache', 'cache'],
  ['certs', 'certs'],
];
const FOLDERS = FLAGS.map(([, folder]) => folder);
