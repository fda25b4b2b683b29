/** `parley focus` and `parley switch`: one part as a process, by hand or as a child of `up`. */
import type { Logger } from 'pino';
import { createLogger } from '../app/logging.ts';
import { readResolvedConfig } from '../app/resolved-config.ts';
import type { Config } from '../config/config.ts';
import { formatConfigError } from '../config/config-error.ts';
import type { Arguments } from './command.ts';
import { loadOrTell } from './load-config.ts';
import { awaitShutdown } from './shutdown.ts';

interface Service {
  readonly addresses: object;
  /** What it cannot serve without and has not found yet. */
  waitsFor?(): readonly string[];
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 4000;
const MAX_INDEX = 63;
const LOOK_EVERY_MS = 100;

export async function runFocus(args: Arguments): Promise<number> {
  return runService(args, 'focus', undefined, async (config, log) => {
    const { startFocus } = await import('../app/focus.ts');
    return startFocus(config, log);
  });
}

export async function runSwitch(args: Arguments): Promise<number> {
  const index = Number(args.flags.get('index') ?? '0');
  if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) {
    process.stderr.write(`parley: switch: --index must be a whole number from 0 to ${MAX_INDEX}\n`);
    return 2;
  }
  return runService(args, `switch ${index}`, index, async (config, log) => {
    const { startSwitch } = await import('../app/switch.ts');
    return startSwitch(config, index, log);
  });
}

async function runService(
  args: Arguments,
  part: string,
  index: number | undefined,
  start: (config: Config, log: Logger) => Promise<Service>,
): Promise<number> {
  const shutdown = awaitShutdown();
  const config = configOf(args, part);
  if (config === undefined) return 1;
  if (!args.flags.has('resolved') && (await tellTakenPorts(config, index))) return 1;
  const log = createLogger(config.log.level, part);
  const failed = failure(log);
  try {
    const service = await start(config, log);
    announce(service, args.flags.has('resolved'), log);
    const reason = await Promise.race([shutdown.requested, failed]);
    if (reason !== undefined) log.info({ reason }, 'stopping');
    await Promise.race([service.stop(), timeout(STOP_TIMEOUT_MS)]);
    return reason === undefined ? 1 : 0;
  } catch (error) {
    process.stderr.write(`parley: ${part}: ${(error as Error).message.replace(/\s*\n\s*/g, ' ')}\n`);
    log.debug({ err: error }, 'could not start');
    return 1;
  }
}

/**
 * To the supervisor on its channel, which looks itself whether the parts have found each other. To a person as a line of
 * JSON: `ready` once it can serve, and before that what it waits for.
 */
function announce({ addresses, waitsFor }: Service, supervised: boolean, log: Logger): void {
  if (supervised && process.send !== undefined) {
    process.send({ type: 'ready', addresses });
    return;
  }
  const tell = (line: object) => process.stdout.write(`${JSON.stringify({ ...line, ...addresses })}\n`);
  const missing = waitsFor?.() ?? [];
  if (waitsFor === undefined || missing.length === 0) {
    tell({ ready: true });
    return;
  }
  tell({ ready: false, waitsFor: missing });
  let told = missing.join();
  const look = setInterval(() => {
    const now = waitsFor();
    if (now.join() === told) return;
    told = now.join();
    if (now.length > 0) log.info({ waitsFor: now }, 'still waiting');
    else {
      clearInterval(look);
      tell({ ready: true });
    }
  }, LOOK_EVERY_MS);
  look.unref();
}

function configOf(args: Arguments, part: string): Config | undefined {
  const resolved = args.flags.get('resolved');
  if (resolved !== undefined) return readResolvedConfig(resolved);
  const loaded = loadOrTell(args.flags.get('config'));
  if (loaded === undefined) return undefined;
  const faults = attachFaults(loaded.config, part);
  for (const fault of faults) process.stderr.write(`parley: ${fault}\n`);
  for (const warning of loaded.warnings) process.stderr.write(`parley: warning: ${warning}\n`);
  return faults.length === 0 ? loaded.config : undefined;
}

/** What two processes started by hand cannot agree on by themselves. */
function attachFaults(config: Config, part: string): string[] {
  const faults: string[] = [];
  if (part === 'focus' && config.kamailio.manage) {
    faults.push(
      formatConfigError({
        path: 'kamailio.manage',
        value: true,
        message: 'means that `parley up` starts Kamailio, and this command starts none',
        mend: 'set kamailio.manage: false with kamailio.nodes and kamailio.secretFile, or use `parley up`',
      }),
    );
  }
  // On a bus they have its password and key in common.
  if (config.eventSocket.bus === undefined && config.eventSocket.passwordFile === undefined) {
    faults.push(
      formatConfigError({
        path: 'eventSocket.passwordFile',
        value: undefined,
        message: 'is missing: focus and switch, started one by one, need the same password',
        mend: 'name the file that holds it',
      }),
    );
  }
  return faults;
}

/** What `up` looks at before it starts its parts; a part on its own looks at its own sockets. */
async function tellTakenPorts(config: Config, index: number | undefined): Promise<boolean> {
  const { portFaults } = await import('../app/ports.ts');
  const faults = await portFaults(config, (listener) => listener.process === index);
  for (const fault of faults) process.stderr.write(`parley: ${formatConfigError(fault)}\n`);
  return faults.length > 0;
}

/** A bug ends the process, and the supervisor starts a new one; resolves with nothing, after the log line. */
function failure(log: Logger): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onFault = (error: unknown) => {
    log.fatal({ err: error }, 'unexpected fault; this process ends');
    resolve(undefined);
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  return promise;
}

function timeout(afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, afterMs).unref();
  });
}
