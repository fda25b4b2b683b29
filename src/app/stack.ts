/** A whole stack in the foreground of one process: what `parley up` runs, and the demo. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { formatHostPort, switchAddresses } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { formatConfigError } from '../config/config-error.ts';
import { CodedError } from '../lib/errors.ts';
import type { PartSpec } from './part.ts';
import { type PartsOptions, partsOf } from './parts.ts';
import { portFaults, resolvePorts } from './ports.ts';
import { writeResolvedConfig } from './resolved-config.ts';
import { endLeftovers, openRunRecord, type RunRecord } from './run-record.ts';
import { Supervisor } from './supervisor.ts';

/** The line that `up` prints. */
export interface ReadyLine {
  readonly ready: true;
  /** The first SIP address. */
  readonly sip: string;
  readonly domain: string;
  readonly admin: string;
  /** MSRP, one for each switch process. */
  readonly switches: readonly string[];
  readonly eventSockets: readonly string[];
}

export interface Stack {
  /** With the ports and secrets in use. */
  readonly config: Config;
  readonly line: ReadyLine;
  /** Ends all parts; safe to call twice. */
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Aborted: the start is given up, what has started is stopped. */
  readonly signal?: AbortSignal;
  /** For tests: other parts than the real ones. */
  readonly parts?: (options: PartsOptions) => PartSpec[][];
}

const JOIN_TIMEOUT_MS = 15_000;
const JOIN_POLL_MS = 20;
const LEFTOVER_TIMEOUT_MS = 2000;
/** Of the 5 s that a stop may take, what the parts get before SIGKILL. */
const STOP_TIMEOUT_MS = 3500;

/** Resolves when every part is ready. Rejects with one clear sentence as message; nothing is left running then. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { log, signal } = options;
  const given = withKamailioFound(options.config);
  const record = openRunRecord(options.config.store.sqlite);
  let supervisor: Supervisor | undefined;
  const stop = async () => {
    await supervisor?.stop(STOP_TIMEOUT_MS);
    record.close();
  };
  const stopOnce = once(stop);
  const onAbort = () => void stopOnce().catch(() => undefined); // The start rejects with what went wrong.
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await endLeftovers(record, LEFTOVER_TIMEOUT_MS, (part) =>
      log.warn({ part: part.name, pid: part.pid }, 'ending what a killed run left behind'),
    );
    const config = await concretePorts(given);
    const parts = (options.parts ?? partsOf)(prepare(config, record, log));
    signal?.throwIfAborted();
    supervisor = new Supervisor({ stages: parts, record, log });
    await supervisor.start();
    if (options.parts === undefined) await joined(config, signal);
    return { config, line: readyLine(config), stop: stopOnce };
  } catch (error) {
    await stopOnce();
    throw signal?.aborted === true ? signal.reason : withKey(error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Started is not yet joined: only when the focus sees its switches and a managed Kamailio is a first call served. */
async function joined(config: Config, signal: AbortSignal | undefined): Promise<void> {
  if (!config.kamailio.manage) return; // Somebody else's Kamailio may come later.
  const url = `http://${formatHostPort(config.admin.listen)}/readyz`;
  const deadlineMs = performance.now() + JOIN_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(url, { signal: signal ?? null });
    const text = await response.text();
    if (response.ok) return;
    if (performance.now() > deadlineMs) {
      const seconds = JOIN_TIMEOUT_MS / 1000;
      throw new CodedError('RUN_NOT_JOINED', `the parts did not find each other in ${seconds} s: ${text}`);
    }
    await delay(JOIN_POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

const KAMAILIO_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];
const KAMAILIO_MEND =
  'install Kamailio (apt-get install --no-install-recommends kamailio kamailio-extra-modules kamailio-tls-modules) or name the program';

/** Looked at before anything is started, so that the one line about it stands alone. */
function withKamailioFound(config: Config): Config {
  const { manage, binary } = config.kamailio;
  if (!manage) return config;
  const folders = [
    ...(process.env['PATH'] ?? '').split(':').filter((folder) => folder !== ''),
    ...KAMAILIO_FOLDERS,
  ];
  const name = binary ?? 'kamailio';
  const candidates = name.includes('/') ? [name] : folders.map((folder) => join(folder, name));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return { ...config, kamailio: { ...config.kamailio, binary: found } };
  const where = name.includes('/') ? '' : ` (looked in PATH and ${KAMAILIO_FOLDERS.join(', ')})`;
  const message = `is not a program that can be run${where}`;
  throw new CodedError(
    'KAMAILIO_MISSING',
    formatConfigError({ path: 'kamailio.binary', value: name, message, mend: KAMAILIO_MEND }),
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Which key is at fault when Kamailio does not start. */
const KEY_OF: Readonly<Record<string, string>> = {
  KAMAILIO_MISSING: 'kamailio.binary',
  KAMAILIO_PORT_TAKEN: 'sip.listen',
  KAMAILIO_BAD_USERS: 'digest.usersFile',
};

function withKey(error: unknown): unknown {
  if (!(error instanceof CodedError) || !error.code.startsWith('KAMAILIO_')) return error;
  const key = KEY_OF[error.code] ?? 'kamailio';
  return new CodedError(error.code, `${key}: ${error.message}`, { cause: error });
}

function prepare(config: Config, record: RunRecord, log: Logger): PartsOptions {
  const resolvedFile = join(record.directory, 'config.json');
  writeResolvedConfig(resolvedFile, config);
  return { config, resolvedFile, runDirectory: record.directory, log };
}

/** All ports known and free, else one line about the first that is not. */
async function concretePorts(config: Config): Promise<Config> {
  const [first, ...others] = await portFaults(config);
  if (first !== undefined) {
    const more = others.length === 0 ? '' : ` (the same for ${others.map((fault) => fault.path).join(', ')})`;
    throw new CodedError('RUN_PORT_TAKEN', formatConfigError(first) + more);
  }
  return resolvePorts(config);
}

function readyLine(config: Config): ReadyLine {
  const indexes = Array.from({ length: config.switch.processes }, (_, index) => index);
  const [managed] = config.sip.listen;
  const attached = Object.values(config.kamailio.nodes[0]?.sendSockets ?? {})[0];
  const sip =
    config.kamailio.manage && managed !== undefined
      ? formatHostPort(managed)
      : attached?.replace(/^\w+:/, '');
  return {
    ready: true,
    sip: sip ?? '',
    domain: config.sip.domain,
    admin: `http://${formatHostPort(config.admin.listen)}`,
    switches: indexes.flatMap((index) => {
      const [address] = switchAddresses(config, index).msrp;
      return address === undefined ? [] : [formatHostPort(address)];
    }),
    eventSockets: indexes.map((index) => formatHostPort(switchAddresses(config, index).eventSocket)),
  };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
