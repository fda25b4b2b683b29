/** Runs SIPp scenarios as child processes: free ports, a deadline, and a failure that says what came instead. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './kamailio/free-port.ts';

export interface SippOptions {
  /** File name in test/sipp/, such as `adhoc-inviter.xml`, or an absolute path. */
  readonly scenario: string;
  /** `host:port` that requests go to; without it the scenario only answers. */
  readonly remote?: string;
  /** `-s`: what `[service]` stands for. */
  readonly service?: string;
  /** `-key name value` each; scenarios name the keys they need in their first comment. */
  readonly keys?: Readonly<Record<string, string>>;
  /** What `@NAME@` stands for in the scenario's file: for what SIPp takes no key in, such as an expected status. */
  readonly filled?: Readonly<Record<string, string>>;
  /** Any other arguments. */
  readonly args?: readonly string[];
  /** Default 127.0.0.1. */
  readonly localAddress?: string;
  /** Default udp. */
  readonly transport?: 'udp' | 'tcp';
  /** Calls to make or take, default 1. */
  readonly calls?: number;
  /** SIPp is killed after it; default 30,000 ms. */
  readonly timeoutMs?: number;
}

export interface SippResult {
  /** 0: all calls went as the scenario says. −1: killed at the deadline. */
  readonly exitCode: number;
  /** Last row of SIPp's statistics by column, such as `SuccessfulCall(C)`. */
  readonly stats: Readonly<Record<string, string>>;
  readonly successful: number;
  readonly failed: number;
  /** SIPp's last screen: which step was reached how often. */
  readonly screenLog: string;
  /** SIPp's error log: unexpected messages with their text. */
  readonly errors: string;
  /** All messages as SIPp logged them. */
  readonly messages: string;
  /** One text for an assertion: what failed and the unexpected message. */
  readonly explanation: string;
}

export interface RunningSipp {
  /** The address that the scenario sends from and listens on. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Never rejects for a failed scenario: see `exitCode`. */
  readonly done: Promise<SippResult>;
  /** Resolves when SIPp has sent this response to a request with this method; rejects with its explanation when it ends before. */
  hasAnswered(status: number, method: string): Promise<void>;
  /** Ends the child now. */
  stop(): Promise<SippResult>;
}

/** Runs the scenario to its end. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  return (await startSipp(options)).done;
}

/** What the other side awaits while SIPp runs: rejects with SIPp's explanation as soon as the scenario has failed. */
export async function meanwhile<T>(sipp: Promise<SippResult>, wait: Promise<T>): Promise<T> {
  const failed = sipp.then((result) => {
    if (result.exitCode !== 0) throw new Error(result.explanation);
    return wait;
  });
  wait.catch(() => {});
  return Promise.race([wait, failed]);
}

/** Starts the scenario and returns once SIPp has its port, so that an answering scenario can be called. */
export async function startSipp(options: SippOptions): Promise<RunningSipp> {
  const localAddress = options.localAddress ?? '127.0.0.1';
  const transport = options.transport ?? 'udp';
  const localPort = await freePort(localAddress);
  const folder = await mkdtemp(join(tmpdir(), 'sipp-'));
  const file = await scenarioFile(options, folder);
  const child = spawn('sipp', sippArguments(options, file, localAddress, localPort), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString('latin1')).slice(-MAX_OUTPUT_CHARS);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let timedOut = false;
  const kill = (): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.timeoutMs ?? 30_000);
  const done = finished(child)
    .then((code) => readResult(folder, options.scenario, timedOut ? -1 : code, output))
    .finally(async () => {
      clearTimeout(timer);
      await rm(folder, { recursive: true, force: true });
    });
  done.catch(() => {});
  try {
    await untilBound(child, localAddress, localPort, transport);
  } catch (error) {
    kill();
    throw new Error(`${(error as Error).message}\n${(await done).explanation}`);
  }
  return {
    localAddress,
    localPort,
    done,
    hasAnswered: (status, method) => {
      const wanted = `SIPp to answer ${method} with ${status}`;
      const look = async () => {
        const log = await readFile(join(folder, 'messages.log'), 'latin1').catch(() => '');
        return log.split(/^-{20,}.*$/m).some((entry) => isAnswer(entry, status, method));
      };
      return meanwhile(done, eventually(wanted, look));
    },
    stop: () => {
      kill();
      return done;
    },
  };
}

const MAX_OUTPUT_CHARS = 200_000;
/** A machine with other work takes its time to start a program. */
const BOUND_TIMEOUT_MS = 15_000;

/** @param entry one message of SIPp's log, with what it says before it */
function isAnswer(entry: string, status: number, method: string): boolean {
  return (
    /message sent/.test(entry) &&
    new RegExp(`^SIP/2\\.0 ${status} `, 'm').test(entry) &&
    new RegExp(`^CSeq: \\d+ ${method}\\r?$`, 'm').test(entry)
  );
}

async function scenarioFile({ scenario, filled }: SippOptions, folder: string): Promise<string> {
  const file = scenario.startsWith('/') ? scenario : join(import.meta.dirname, '..', 'sipp', scenario);
  if (filled === undefined) return file;
  const text = await readFile(file, 'latin1');
  const copy = join(folder, 'scenario.xml');
  await writeFile(
    copy,
    text.replaceAll(/@([A-Z]+)@/g, (whole, name: string) => filled[name] ?? whole),
    'latin1',
  );
  return copy;
}

function sippArguments(
  options: SippOptions,
  file: string,
  localAddress: string,
  localPort: number,
): string[] {
  const args = ['-sf', file, '-i', localAddress, '-p', String(localPort), '-m', String(options.calls ?? 1)];
  args.push('-t', options.transport === 'tcp' ? 't1' : 'u1', '-nostdin', '-fd', '1');
  args.push('-trace_err', '-error_file', 'errors.log', '-trace_msg', '-message_file', 'messages.log');
  args.push('-trace_stat', '-stf', 'stats.csv', '-trace_screen', '-screen_file', 'screen.log');
  args.push('-deadcall_wait', '0');
  if (options.service !== undefined) args.push('-s', options.service);
  for (const [key, value] of Object.entries(options.keys ?? {})) args.push('-key', key, value);
  args.push(...(options.args ?? []));
  if (options.remote !== undefined) args.push(options.remote);
  return args;
}

function finished(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`sipp cannot be run (Debian package sip-tester): ${error.message}`)),
    );
    child.once('close', (code) => resolve(code ?? -1));
  });
}

/** SIPp says nothing when it has its socket, so the kernel's table is asked. */
async function untilBound(
  child: ChildProcess,
  address: string,
  port: number,
  transport: 'udp' | 'tcp',
): Promise<void> {
  const hexAddress = address
    .split('.')
    .reverse()
    .map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase())
    .join('');
  const wanted = `${hexAddress}:${port.toString(16).padStart(4, '0').toUpperCase()}`;
  const deadline = Date.now() + BOUND_TIMEOUT_MS;
  while (child.exitCode === null && child.signalCode === null) {
    const table = await readFile(`/proc/net/${transport}`, 'latin1');
    if (table.includes(wanted)) return;
    if (Date.now() > deadline)
      throw new Error(`sipp did not take ${transport} ${address}:${port} within ${BOUND_TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  // It may have run to its end already; its result tells.
}

async function readResult(
  folder: string,
  scenario: string,
  exitCode: number,
  output: string,
): Promise<SippResult> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8').catch(() => '');
  const [errors, messages, screenLog, csv] = await Promise.all([
    read('errors.log'),
    read('messages.log'),
    read('screen.log'),
    read('stats.csv'),
  ]);
  const rows = csv.split('\n').filter((line) => line.trim() !== '');
  const names = (rows[0] ?? '').split(';');
  const values = (rows.length > 1 ? (rows.at(-1) ?? '') : '').split(';');
  const stats: Record<string, string> = {};
  names.forEach((name, index) => {
    if (name !== '') stats[name] = values[index] ?? '';
  });
  const screen = screenLog === '' ? output : screenLog;
  return {
    exitCode,
    stats,
    successful: Number(stats['SuccessfulCall(C)'] ?? '0'),
    failed: Number(stats['FailedCall(C)'] ?? '0'),
    screenLog: screen,
    errors,
    messages,
    explanation: explain(scenario, exitCode, errors, messages, screen),
  };
}

function explain(
  scenario: string,
  exitCode: number,
  errors: string,
  messages: string,
  screen: string,
): string {
  if (exitCode === 0) return `${scenario}: passed`;
  const how = exitCode === -1 ? 'was ended at its deadline' : `failed with exit code ${exitCode}`;
  const parts = [`${scenario} ${how}`];
  if (errors.trim() !== '') parts.push(`SIPp says: ${errors.trim().slice(0, 4_000)}`);
  const steps = screen.split('\n').filter((line) => /-{5,}>|<-{5,}|Unexpected/.test(line));
  if (steps.length > 0) parts.push(`steps:\n${steps.slice(-20).join('\n')}`);
  if (messages.trim() !== '') parts.push(`last messages:\n${messages.trim().slice(-4_000)}`);
  if (parts.length === 1) parts.push(screen.trim().slice(-2_000));
  return parts.join('\n');
}
