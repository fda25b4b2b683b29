/** The stack of a demo: the embedded defaults on free loopback ports, with a store and a group of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { stringify } from 'yaml';
import type { PartSpec } from '../../app/part.ts';
import { type PartsOptions, partsOf } from '../../app/parts.ts';
import { type ReadyLine, startStack } from '../../app/stack.ts';
import { formatConfigError, loadConfig } from '../../config/load.ts';
import { GROUP_DOCUMENT } from './group.ts';
import type { ToldDecision } from './story.ts';

export interface StartedPart {
  /** `kamailio`, `focus`, `switch 0` */
  readonly name: string;
  readonly pid: number;
  readonly afterMs: number;
}

export interface StackProgress {
  begins(name: string): void;
  ready(part: StartedPart): void;
}

export interface DemoStack {
  readonly line: ReadyLine;
  readonly factory: string;
  /** Every start, restarts too. */
  readonly parts: readonly StartedPart[];
  newDecisions(): Promise<ToldDecision[]>;
  /** Ids of the sessions that have not ended. */
  sessions(): Promise<string[]>;
  /** Ends all parts and removes the directory; safe to call twice. */
  stop(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const ANY_PORT = `${LOOPBACK}:0`;
const CONFIG = {
  sip: { listen: [`udp:${ANY_PORT}`, `tcp:${ANY_PORT}`], trustedPeers: [`${LOOPBACK}/32`] },
  kamailio: { jsonRpc: { listen: ANY_PORT }, rpc: { listen: ANY_PORT }, memoryMb: 64 },
  msrp: { listen: ANY_PORT },
  eventSocket: { listen: ANY_PORT },
  admin: { listen: ANY_PORT, withoutToken: 'viewer' },
  groups: ['group.xml'],
  log: { level: 'error' },
};
/** The one key that a machine may need to say: where its Kamailio is. */
const BINARY_VARIABLE = 'PARLEY_KAMAILIO_BINARY';
const DECISIONS_PER_QUERY = 200;

/** Rejects with one clear line when it cannot start; nothing is left then. */
export async function startDemoStack(options: {
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly progress: StackProgress;
}): Promise<DemoStack> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-demo-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await writeFile(join(directory, 'group.xml'), GROUP_DOCUMENT);
    const file = join(directory, 'parley.yaml');
    await writeFile(file, stringify(CONFIG));
    const loaded = loadConfig({ file, env: { [BINARY_VARIABLE]: process.env[BINARY_VARIABLE] } });
    if (!loaded.ok) throw new Error(loaded.errors.map(formatConfigError).join('; '));
    const parts: StartedPart[] = [];
    const { log, signal, progress } = options;
    const stack = await startStack({
      config: loaded.config,
      log,
      signal,
      parts: (of) => watched(of, parts, progress),
    });
    const get = (path: string) => getItems(stack.line.admin, path);
    const seen = new Set<string>();
    let stopped: Promise<void> | undefined;
    return {
      line: stack.line,
      factory: loaded.config.conferenceFactories[0] ?? '',
      parts,
      newDecisions: async () => {
        const items = (await get(`/api/v1/decisions?limit=${DECISIONS_PER_QUERY}`)) as ToldDecision[];
        const fresh = items.toReversed().filter((item) => !seen.has(JSON.stringify(item)));
        for (const item of fresh) seen.add(JSON.stringify(item));
        return fresh;
      },
      sessions: async () => ((await get('/api/v1/sessions')) as { id: string }[]).map(({ id }) => id),
      stop: () => {
        stopped ??= stack.stop().finally(remove);
        return stopped;
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The parts of `up`, with a word at each start. */
function watched(options: PartsOptions, parts: StartedPart[], progress: StackProgress): PartSpec[][] {
  const startMs = performance.now();
  return partsOf(options).map((stage) =>
    stage.map(({ name, start }) => ({
      name,
      start: async (spawned) => {
        progress.begins(name);
        const running = await start(spawned);
        const part = { name, pid: running.pid, afterMs: performance.now() - startMs };
        parts.push(part);
        progress.ready(part);
        return running;
      },
    })),
  );
}

async function getItems(admin: string, path: string): Promise<unknown[]> {
  const response = await fetch(new URL(path, admin), { signal: AbortSignal.timeout(2_000) });
  if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
  return ((await response.json()) as { items: unknown[] }).items;
}
