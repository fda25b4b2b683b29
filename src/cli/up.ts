/** `parley up`: the whole stack in the foreground. */

import { createLogger } from '../app/logging.ts';
import { startStack } from '../app/stack.ts';
import type { Arguments } from './command.ts';
import { loadOrTell } from './load-config.ts';
import { awaitShutdown } from './shutdown.ts';

/** Exit status 0 after an orderly stop, 1 when it could not start. */
export async function runUp(args: Arguments): Promise<number> {
  const shutdown = awaitShutdown();
  const loaded = loadOrTell(args.flags.get('config'));
  if (loaded === undefined) return 1;
  const log = createLogger(loaded.config.log.level, 'up');
  try {
    const stack = await startStack({ config: loaded.config, log, signal: shutdown.signal });
    // Not before: what keeps it from starting is to stand alone on stderr.
    for (const warning of loaded.warnings) log.warn(warning);
    process.stdout.write(`${JSON.stringify(stack.line)}\n`);
    log.info({ page: `${stack.line.admin}/` }, 'ready; the live view is at its page');
    log.info({ reason: await shutdown.requested }, 'stopping');
    await stack.stop();
    log.info('stopped');
    return 0;
  } catch (error) {
    process.stderr.write(`parley: ${(error as Error).message.replace(/\s*\n\s*/g, ' ')}\n`);
    return 1;
  }
}
