/**
 * The admin as a thread beside the focus: what it reads, renders and compresses takes nothing from decisions, and a
 * fault there ends no conversation. It reads the store itself and asks the focus only for what is in no store.
 */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { HostPort } from '../../config/address.ts';
import type { Config } from '../../config/config.ts';
import { ThreadLink } from './link.ts';
import type { LiveState } from './live-state.ts';
import type { AdminOperations, AdminThreadData } from './worker.ts';

export interface AdminThread {
  readonly address: HostPort;
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 2_000;
const RESTART_DELAY_MS = 1_000;
/** Beyond this the thread is ended and started anew, the process goes on. */
const MAX_HEAP_MB = 512;

/** @throws CodedError ADMIN_PORT_TAKEN, ADMIN_LISTEN_FAILED, STORE_OPEN */
export async function startAdminThread(config: Config, live: LiveState, log: Logger): Promise<AdminThread> {
  let isClosing = false;
  let current = await start(config.admin.listen);
  const { address } = current;
  watch();
  return {
    address,
    async close() {
      isClosing = true;
      await current.stop();
    },
  };

  async function start(listen: HostPort) {
    const data: AdminThreadData = { config: { ...config, admin: { ...config.admin, listen } } };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const link = new ThreadLink<AdminOperations>(worker, live, { timeoutMs: START_TIMEOUT_MS });
    const ended = new Promise<unknown>((resolve) => {
      worker.once('error', resolve);
      worker.once('exit', (code) => resolve(new Error(`exit code ${code}`)));
    });
    void ended.then((why) => link.close(`the admin thread ended: ${String(why)}`));
    try {
      return {
        address: await link.ask('start'),
        ended,
        stop: async () => {
          const late = AbortSignal.timeout(STOP_TIMEOUT_MS);
          const isLate = new Promise((resolve) => late.addEventListener('abort', resolve, { once: true }));
          await Promise.race([link.ask('stop').catch(() => undefined), isLate]);
          await worker.terminate();
        },
      };
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /** A thread that ended by itself is replaced, on the same port, until the focus stops. */
  function watch(): void {
    void current.ended.then((why) => {
      if (isClosing) return;
      log.error({ why: String(why) }, 'the admin thread ended; it is started again');
      setTimeout(() => void restart(), RESTART_DELAY_MS).unref();
    });
  }

  async function restart(): Promise<void> {
    if (isClosing) return;
    try {
      current = await start(address);
      watch();
    } catch (error) {
      log.error({ err: error }, 'the admin thread could not be started again');
      setTimeout(() => void restart(), RESTART_DELAY_MS).unref();
    }
  }
}
