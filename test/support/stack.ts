/**
 * The whole product as a user starts it: `parley up` as a process of its own, on free loopback ports, with a store of
 * its own. What it says on stderr is kept for a failing test.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Subscriber, type SubscriberOptions } from '../../src/agents/chat.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const READY_TIMEOUT_MS = 40_000;
const STOP_TIMEOUT_MS = 20_000;

export const DOMAIN = 'example.net';
export const FACTORY = `sip:im-conference-factory@${DOMAIN}`;
/** Clients on this address are a trusted core: their P-Asserted-Identity counts. */
export const CORE_ADDRESS = '127.0.0.1';
/** Clients on this address are nobody's: they are asked for digest. */
export const OUTSIDE_ADDRESS = '127.0.0.9';

export interface ReadyLine {
  readonly ready: true;
  /** `host:port` */
  readonly sip: string;
  readonly domain: string;
  readonly admin: string;
  readonly switches: readonly string[];
  readonly eventSockets: readonly string[];
}

export interface StackOptions {
  /** Merged over the test defaults, section by section. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>> | readonly string[] | string>>;
  /** OMA group documents (XML). */
  readonly groups?: readonly string[];
  /** `user:realm:HA1` lines. */
  readonly users?: readonly string[];
  /** Keep and reuse this directory (store and configuration) instead of a fresh one. */
  readonly directory?: string;
}

export interface TraceStepView {
  readonly id: string;
  readonly title: string;
  readonly verdict: string;
  readonly found: string;
}

export interface DecisionView {
  readonly clause: string;
  readonly procedure: string;
  readonly trigger: string;
  readonly callId: string | null;
  readonly status: number | null;
  readonly session: string | null;
  readonly steps: readonly TraceStepView[];
}

export class Stack {
  readonly ready: ReadyLine;
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #log: string[];
  readonly #ownsDirectory: boolean;
  readonly #subscribers: Subscriber[] = [];

  private constructor(
    child: ChildProcess,
    ready: ReadyLine,
    directory: string,
    ownsDirectory: boolean,
    log: string[],
  ) {
    this.#child = child;
    this.ready = ready;
    this.directory = directory;
    this.#ownsDirectory = ownsDirectory;
    this.#log = log;
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'parley-test-')));
    const file = await writeConfig(directory, options);
    const log: string[] = [];
    const child = spawn(process.execPath, [MAIN, 'up', '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log.push(text);
      if (log.length > 5_000) log.splice(0, 2_500);
    });
    try {
      const ready = await readyLine(child);
      return new Stack(child, ready, directory, options.directory === undefined, log);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`the stack did not start: ${String(error)}\n${log.join('').slice(-4_000)}`, {
        cause: error,
      });
    }
  }

  get proxy(): { readonly host: string; readonly port: number } {
    const colon = this.ready.sip.lastIndexOf(':');
    return { host: this.ready.sip.slice(0, colon), port: Number(this.ready.sip.slice(colon + 1)) };
  }

  /** stderr so far: one JSON line a log entry. */
  get log(): string {
    return this.#log.join('');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Pids of the processes that `up` recorded, by part name. */
  logEntries(): Record<string, unknown>[] {
    return (
      this.log
        .split('\n')
        // The last one may still be on its way.
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    );
  }

  /** A subscriber of the core: registered, asserted as itself. Stopped with the stack. */
  async subscriber(name: string, options: Partial<SubscriberOptions> = {}): Promise<Subscriber> {
    const uri = options.uri ?? `sip:${name}@${DOMAIN}`;
    const displayName = options.displayName ?? name[0]?.toUpperCase() + name.slice(1);
    const subscriber = await Subscriber.start({
      uri,
      displayName,
      proxy: this.proxy,
      localAddress: CORE_ADDRESS,
      assertedIdentity: `"${displayName}" <${uri}>`,
      ...options,
    });
    this.#subscribers.push(subscriber);
    await subscriber.register();
    return subscriber;
  }

  /** Decisions on a request, newest first; the trace that indirect requirements are read from. */
  async decisions(query: {
    readonly callId?: string;
    readonly session?: string;
    readonly clause?: string;
  }): Promise<DecisionView[]> {
    const url = new URL('/api/v1/decisions', this.ready.admin);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const response = await fetch(url);
    assert.equal(response.status, 200, `GET ${url.pathname}${url.search}`);
    const body = (await response.json()) as { items: DecisionView[] };
    return body.items;
  }

  /** All steps of all decisions about a Call-ID. */
  async steps(callId: string): Promise<TraceStepView[]> {
    return (await this.decisions({ callId })).flatMap(({ steps }) => steps);
  }

  async sessions(): Promise<
    { id: string; phase: string; participants: { connected: number; invited: number } }[]
  > {
    const response = await fetch(new URL('/api/v1/sessions', this.ready.admin));
    return ((await response.json()) as { items: [] }).items;
  }

  /** Stops the subscribers, then the stack; fails when it does not end in time. @returns its exit status */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    await Promise.allSettled(this.#subscribers.map((subscriber) => subscriber.stop()));
    const exit = await this.end(signal);
    if (this.#ownsDirectory) await rm(this.directory, { recursive: true, force: true });
    return exit;
  }

  /** Ends the process alone; agents and store stay for a restart. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exited = once(this.#child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
    this.#child.kill(signal);
    try {
      const [code] = (await exited) as [number | null];
      return code;
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw new Error(`the stack did not end on ${signal}\n${this.log.slice(-2_000)}`, { cause: error });
    }
  }
}

async function writeConfig(
  directory: string,
  { config = {}, groups = [], users = [] }: StackOptions,
): Promise<string> {
  for (const [index, xml] of groups.entries()) await writeFile(join(directory, `group-${index}.xml`), xml);
  if (users.length > 0) await writeFile(join(directory, 'users'), `${users.join('\n')}\n`);
  const defaults: Record<string, unknown> = {
    sip: {
      listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'],
      domain: DOMAIN,
      trustedPeers: [`${CORE_ADDRESS}/32`],
    },
    ...(users.length === 0 ? {} : { digest: { usersFile: 'users' } }),
    kamailio: { jsonRpc: { listen: '127.0.0.1:0' }, rpc: { listen: '127.0.0.1:0' }, memoryMb: 64 },
    msrp: { listen: '127.0.0.1:0' },
    eventSocket: { listen: '127.0.0.1:0' },
    admin: { listen: '127.0.0.1:0', withoutToken: 'admin' },
    store: { sqlite: 'parley.db' },
    ...(groups.length === 0 ? {} : { groups: ['group-*.xml'] }),
  };
  for (const [section, value] of Object.entries(config)) {
    const base = defaults[section];
    defaults[section] = isSection(base) && isSection(value) ? { ...base, ...value } : value;
  }
  const file = join(directory, 'parley.yaml');
  await writeFile(file, stringify(defaults));
  return file;
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readyLine(child: ChildProcess): Promise<ReadyLine> {
  let text = '';
  const { promise, resolve, reject } = Promise.withResolvers<ReadyLine>();
  const timer = setTimeout(
    () => reject(new Error(`no ready line within ${READY_TIMEOUT_MS} ms`)),
    READY_TIMEOUT_MS,
  );
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) resolve(JSON.parse(text.slice(0, end)) as ReadyLine);
  });
  child.once('exit', (code, signal) => reject(new Error(`it ended with ${code ?? signal}`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
