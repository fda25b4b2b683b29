import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { access, constants, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { KamailioRpcClient, type Logger } from 'kamailio-jsonrpc';
import { CodedError } from '../lib/errors.ts';
import {
  formatSettingsFile,
  formatUsersTable,
  hostText,
  type KamailioSettings,
} from './kamailio-settings.ts';

/** Of each process. In the 8 MB of a Kamailio left to itself the script variables for a NOTIFY of 60,000 bytes find no room. */
const PRIVATE_MEMORY_MB = 16;

export interface KamailioOptions extends KamailioSettings {
  /** Default: `kamailio` in PATH or /usr/sbin. */
  readonly binary?: string;
  /** The stand-alone kamailio.cfg of this project. */
  readonly configFile: string;
  /** Gets the settings (with the secret, mode 0600), the users table and Kamailio's own run-time files. */
  readonly runDir: string;
  /** htdigest format, `user:realm:HA1`. */
  readonly usersFile?: string;
  /** Shared memory; about 13.6 KB a transaction. Default 256. */
  readonly memoryMb?: number;
  /** How long it may take until it answers on its RPC socket. Default 15000. */
  readonly startTimeoutMs?: number;
  readonly log: Logger;
}

export interface KamailioExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface KamailioProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid it names this process and no later one. */
  readonly startTime: string;
  /** Settles when the main process is gone and its children with it. */
  readonly exited: Promise<KamailioExit>;
  /** SIGTERM, then after `timeoutMs` SIGKILL to the whole process group. Resolves when none of it is left. */
  stop(timeoutMs?: number): Promise<void>;
  /** The last lines it wrote, newest last. */
  recentOutput(): string;
  /** Writes the users table again from `usersFile` and has Kamailio read it. */
  reloadUsers(): Promise<void>;
}

const RECENT_LINES = 200;
const SETPRIV = '/usr/bin/setpriv';
/** How long `stop` waits for processes that were killed to vanish. */
const LINGER_MS = 1000;
const APT = 'apt-get install kamailio kamailio-extra-modules';
/** Debian's package of the modules that are not in `kamailio` itself. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  jansson: 'kamailio-extra-modules',
  janssonrpcc: 'kamailio-extra-modules',
  tls: 'kamailio-tls-modules',
};

/**
 * Starts Kamailio in the foreground as a process group of its own and waits until it answers on its RPC socket.
 * Rejects with `CodedError`: `KAMAILIO_MISSING`, `KAMAILIO_PORT_TAKEN`, `KAMAILIO_BAD_OPTIONS`, `KAMAILIO_BAD_USERS`,
 * `KAMAILIO_CONFIG`, `KAMAILIO_START_TIMEOUT`; nothing is left running then.
 */
export async function startKamailio(options: KamailioOptions): Promise<KamailioProcess> {
  const binary = await findBinary(options.binary);
  const settingsFile = await writeRunFiles(options);
  await checkPorts(options);
  const child = spawn(...(await diesWithUs(binary, commandLine(options, settingsFile))), {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const recent: string[] = [];
  const state = { isAskedToStop: false, hasExited: false };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      recent.push(line);
      if (recent.length > RECENT_LINES) recent.shift();
      logLine(options.log, line, state.isAskedToStop);
    });
  }
  const exited = watchExit(child);
  void exited.then(() => {
    state.hasExited = true;
  });
  const pid = child.pid;
  if (pid === undefined) {
    await exited;
    throw new CodedError('KAMAILIO_MISSING', `${binary} cannot be run: ${APT}`);
  }
  const stop = (timeoutMs = 4000) => {
    // What one that died by itself has said stays what it is.
    if (!state.hasExited) state.isAskedToStop = true;
    return stopGroup(pid, exited, timeoutMs);
  };
  const client = new KamailioRpcClient({
    url: rpcUrl(options),
    secret: options.secret,
    timeoutMs: 1000,
    log: options.log,
  });
  try {
    await untilAnswers(client, exited, recent, options);
  } catch (error) {
    await stop();
    await client.close();
    throw error;
  }
  const startTime = (await processStartTime(pid)) ?? '';
  options.log.info({ pid, rpc: rpcUrl(options) }, 'kamailio is ready');
  void exited.then(() => client.close());
  return {
    pid,
    startTime,
    exited,
    stop,
    recentOutput: () => recent.join('\n'),
    async reloadUsers() {
      await writeUsers(options);
      await client.reloadUsers();
    },
  };
}

/** Has Kamailio check the configuration without starting. Rejects as `startKamailio` does. */
export async function checkKamailioConfig(options: KamailioOptions): Promise<void> {
  const binary = await findBinary(options.binary);
  const settingsFile = await writeRunFiles(options);
  const child = spawn(binary, ['-c', ...commandLine(options, settingsFile)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  if ((await promise) !== 0) throw startFault(lines);
}

/** Field 22 of /proc/PID/stat, or undefined when there is no such process. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  // the name in field 2 may hold spaces and brackets
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/**
 * A group of its own can be signalled as a whole, but does not hear when we are killed. util-linux's setpriv asks the kernel
 * to end Kamailio then, and becomes Kamailio, so that the pid stays.
 */
async function diesWithUs(binary: string, parameters: readonly string[]): Promise<[string, string[]]> {
  const hasSetpriv = await isExecutable(SETPRIV);
  return hasSetpriv
    ? [SETPRIV, ['--pdeathsig', 'SIGTERM', '--', binary, ...parameters]]
    : [binary, [...parameters]];
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function commandLine(options: KamailioOptions, settingsFile: string): string[] {
  const memory = ['-m', String(options.memoryMb ?? 256), '-M', String(PRIVATE_MEMORY_MB)];
  return ['-DD', '-E', '-f', settingsFile, '-Y', options.runDir, ...memory];
}

async function findBinary(binary: string | undefined): Promise<string> {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
  const candidates =
    binary === undefined ? folders.filter((f) => f !== '').map((f) => path.join(f, 'kamailio')) : [binary];
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  throw new CodedError('KAMAILIO_MISSING', `${binary ?? 'kamailio'} is not installed: ${APT}`);
}

async function writeRunFiles(options: KamailioOptions): Promise<string> {
  const runDir = path.resolve(options.runDir);
  const usersFolder = path.join(runDir, 'users');
  const text = formatSettingsFile(options, path.resolve(options.configFile), usersFolder);
  await mkdir(usersFolder, { recursive: true, mode: 0o700 });
  await writeUsers(options);
  const settingsFile = path.join(runDir, 'kamailio.cfg');
  await writeFile(settingsFile, text, { mode: 0o600 });
  return settingsFile;
}

async function writeUsers(options: KamailioOptions): Promise<void> {
  let lines = '';
  if (options.usersFile !== undefined) {
    lines = await readFile(options.usersFile, 'utf8').catch((cause: unknown) => {
      throw new CodedError('KAMAILIO_BAD_USERS', `${options.usersFile} cannot be read`, { cause });
    });
  }
  const file = path.join(path.resolve(options.runDir), 'users', 'imusers');
  const before = await stat(file).catch(() => undefined);
  await writeFile(file, formatUsersTable(lines, options.realm), { mode: 0o600 });
  if (before === undefined) return;
  // db_text compares whole seconds to see whether a file has changed
  const changed = Math.max(Math.floor(before.mtimeMs / 1000) + 1, Math.floor(Date.now() / 1000));
  await utimes(file, changed, changed);
}

async function checkPorts(options: KamailioOptions): Promise<void> {
  for (const { proto, host, port } of options.listen) {
    await (proto === 'udp' ? checkUdp(host, port) : checkTcp(proto, host, port));
  }
  await checkTcp('tcp', options.rpc.host, options.rpc.port);
}

function checkUdp(host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.once('error', (error: NodeJS.ErrnoException) => {
    socket.close();
    reject(portFault('udp', host, port, error));
  });
  socket.bind(port, host, () => socket.close(() => resolve()));
  return promise;
}

function checkTcp(proto: string, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once('error', (error: NodeJS.ErrnoException) => reject(portFault(proto, host, port, error)));
  server.listen(port, host, () => server.close(() => resolve()));
  return promise;
}

function portFault(proto: string, host: string, port: number, cause: NodeJS.ErrnoException): CodedError {
  const socket = `${proto}:${hostText(host)}:${port}`;
  if (cause.code === 'EADDRINUSE') {
    return new CodedError('KAMAILIO_PORT_TAKEN', `${socket} is taken by another process`, { cause });
  }
  return new CodedError('KAMAILIO_BAD_OPTIONS', `${socket} cannot be listened on: ${cause.code}`, { cause });
}

async function untilAnswers(
  client: KamailioRpcClient,
  exited: Promise<KamailioExit>,
  recent: readonly string[],
  options: KamailioOptions,
): Promise<void> {
  const timeoutMs = options.startTimeoutMs ?? 15000;
  const deadline = AbortSignal.timeout(timeoutMs);
  let hasExited = false;
  void exited.then(() => {
    hasExited = true;
  });
  while (!deadline.aborted) {
    if (hasExited) throw startFault(recent);
    const node = await client.epoch().catch(() => undefined);
    if (node?.kam === options.nodeId) return;
    await delay(50);
  }
  throw new CodedError(
    'KAMAILIO_START_TIMEOUT',
    `kamailio did not answer on ${rpcUrl(options)} in ${timeoutMs} ms`,
  );
}

/** What Kamailio's own words say about a failed start. */
function startFault(lines: readonly string[]): CodedError {
  const faults = lines.filter((line) => /\b(ERROR|CRITICAL|ALERT)\b|^ERROR/.test(line));
  const module = /could not find module <([\w.]+?)(?:\.so)?>/.exec(faults.join('\n'))?.[1];
  if (module !== undefined) {
    const debianPackage = PACKAGE_OF[module] ?? 'kamailio';
    return new CodedError('KAMAILIO_MISSING', `Kamailio lacks ${module}: apt-get install ${debianPackage}`);
  }
  const taken = faults.find((line) => /Address already in use/.test(line));
  if (taken !== undefined) return new CodedError('KAMAILIO_PORT_TAKEN', message(taken));
  const first = faults.find((line) => /CRITICAL/.test(line)) ?? faults[0];
  return new CodedError('KAMAILIO_CONFIG', first === undefined ? 'kamailio ended at once' : message(first));
}

/** The text behind ` 0(1234) ERROR: <core> [file.c:12]: function(): `. */
function message(line: string): string {
  return line.replace(/^\s*\d+\(\d+\)\s*/, '').replace(/<\w+> \[[^\]]*\]: /, '');
}

function watchExit(child: ChildProcess): Promise<KamailioExit> {
  const { promise, resolve } = Promise.withResolvers<KamailioExit>();
  child.once('error', () => resolve({ code: null, signal: null }));
  child.once('exit', (code, signal) => {
    // a main process that was killed leaves its children behind
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    resolve({ code, signal });
  });
  return promise;
}

async function stopGroup(pid: number, exited: Promise<KamailioExit>, timeoutMs: number): Promise<void> {
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), timeoutMs);
  if (signalGroup(pid, 0)) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      // the main process is gone; what is left of the group goes by SIGKILL below
      signalGroup(pid, 'SIGKILL');
    }
  }
  await exited;
  clearTimeout(timer);
  // killed children of a killed main process wait as zombies for an init that may never collect them
  const deadline = Date.now() + LINGER_MS;
  while (signalGroup(pid, 0) && Date.now() < deadline) await delay(10);
}

/** False when the group has no member left. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Each child says so of its socket to the main process when that ends: CRITICAL, unless it was asked to. */
const MAIN_HAS_GONE = /CRITICAL: .*receive_fd\(\): EOF on \d+/;

/** At each start. What comes to its RPC socket is from the focus, and has a Content-Length; SIP over TCP must have one. */
const NO_LENGTH_TAKEN = /WARNING: .*tcp_accept_no_cl not set/;

function logLine(log: Logger, line: string, isAskedToStop: boolean): void {
  const level = /^\s*\d+\(\d+\)\s+(\w+):/.exec(line)?.[1];
  const details = { kamailio: message(line) };
  if ((isAskedToStop && MAIN_HAS_GONE.test(line)) || NO_LENGTH_TAKEN.test(line))
    log.debug(details, 'kamailio');
  else if (level === 'ERROR' || level === 'CRITICAL' || level === 'ALERT' || level === 'BUG')
    log.error(details, 'kamailio');
  else if (level === 'WARNING' || level === 'WARN') log.warn(details, 'kamailio');
  else log.debug(details, 'kamailio');
}

function rpcUrl(options: KamailioOptions): string {
  return `http://${hostText(options.rpc.host)}:${options.rpc.port}`;
}
