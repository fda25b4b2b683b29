/** `up` with stub parts, as a process of its own that a test may kill: `stub-up.ts STORE behaviour…`. */
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../../src/app/logging.ts';
import { startChild } from '../../../src/app/part.ts';
import { startStack } from '../../../src/app/stack.ts';
import { awaitShutdown } from '../../../src/cli/shutdown.ts';
import { loadConfig } from '../../../src/config/load.ts';

const [store = '', ...behaviours] = process.argv.slice(2);
const shutdown = awaitShutdown();
const loaded = loadConfig({
  env: {
    PARLEY_STORE_SQLITE: store,
    PARLEY_KAMAILIO_BINARY: process.execPath, // Never started: the parts are stubs.
    PARLEY_SIP_LISTEN: 'udp:127.0.0.1:0',
    PARLEY_KAMAILIO_RPC_LISTEN: '127.0.0.1:0',
    PARLEY_KAMAILIO_JSON_RPC_LISTEN: '127.0.0.1:0',
    PARLEY_ADMIN_LISTEN: process.env['STUB_ADMIN'] ?? '127.0.0.1:0',
    PARLEY_EVENT_SOCKET_LISTEN: '127.0.0.1:0',
    PARLEY_MSRP_LISTEN: '127.0.0.1:0',
  },
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));

const stub = fileURLToPath(new URL('stub-part.ts', import.meta.url));
try {
  const stack = await startStack({
    config: loaded.config,
    log: createLogger('info', 'up'),
    signal: shutdown.signal,
    parts: () => [
      behaviours.map((behaviour, index) => ({
        name: `${behaviour} ${index}`,
        start: (spawned) =>
          startChild(
            {
              name: `${behaviour} ${index}`,
              command: process.execPath,
              args: [stub, behaviour],
              readyTimeoutMs: 20_000,
            },
            spawned,
          ),
      })),
    ],
  });
  process.stdout.write(`${JSON.stringify(stack.line)}\n`);
  await shutdown.requested;
  await stack.stop();
  process.exit(0);
} catch (error) {
  process.stderr.write(`parley: ${(error as Error).message}\n`);
  process.exit(1);
}
