/** The entry of every process of Parley. */
import { setTimeout as delay } from 'node:timers/promises';
import { main } from './cli/main.ts';

/** A command that ran so long may have code that is being compiled in another thread. */
const LONG_RUN_S = 5;
const COMPILED_MS = 100;

// Whoever read our output may go away (`parley --help | head -1`); that is no fault of ours.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.exitCode = await main(process.argv.slice(2));
await Promise.all([process.stdout, process.stderr].map(written));
// Node joins the compiling threads when it exits, and one of them may wait for a garbage collection of this thread for ever
// (nodejs/node issue 54918, seen with Node 24.21). While this thread has nothing else to do, they come to an end.
if (process.uptime() > LONG_RUN_S) await delay(COMPILED_MS);
// The exit is explicit: a handle that some library left open must not keep a stopped process.
process.exit();

/** Resolves when all that was written has gone to the reader of a pipe, or there is no reader any more. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
}
