/**
 * A focus with its admin thread, without network: it decides set-ups at a rate and says how long they took. The
 * Kamailio and the switch say yes to everything at once. `decider.ts FOLDER PER_S`, with a store that is filled.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { openRecords } from '../../../src/admin/records/database.ts';
import { DecisionTally, type LiveState } from '../../../src/app/admin/live-state.ts';
import { startAdminThread } from '../../../src/app/admin/thread.ts';
import { focusSettings } from '../../../src/app/settings.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { randomIds } from '../../../src/lib/ids.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { listBody, sipRequest } from '../../unit/focus/messages.ts';

const [folder = '', perS = '100'] = process.argv.slice(2);
const loaded = loadConfig({
  env: {
    PARLEY_STORE_SQLITE: join(folder, 'store.db'),
    PARLEY_ADMIN_SQLITE: join(folder, 'admin.db'),
    PARLEY_ADMIN_LISTEN: '127.0.0.1:0',
    PARLEY_ADMIN_WITHOUT_TOKEN: 'admin',
    PARLEY_ADMIN_REQUESTS_PER_S: '0',
    PARLEY_LIMITS_MAX_SESSIONS: '1000000',
    PARLEY_LOG_LEVEL: 'error',
    PARLEY_SIP_DOMAIN: 'im.example.net',
  },
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
const { config } = loaded;
openRecords(config.admin.sqlite).close();
const log = pino({ level: 'error' }, pino.destination(2));
const store = openSqliteStore({ file: config.store.sqlite });
const tally = new DecisionTally();
const engine = new Engine({
  settings: focusSettings(config),
  store,
  kamailio: {
    reply: () => Promise.resolve('sent'),
    request: () => Promise.resolve(),
    cancel: () => Promise.resolve(),
  },
  switches: {
    command: () => Promise.resolve({ ok: true, revision: 0 }),
    choose: () => ({ id: 'switch-0', host: '192.0.2.10', port: 2855 }),
  },
  findGroup: () => undefined,
  clock: systemClock,
  ids: randomIds,
  log,
  onDecision: (record) => tally.add(record),
});
engine.load();
const live = {
  readiness: () => ({ ready: true, reasons: [] }),
  switches: () => [],
  fileGroups: () => ({ revision: 0, entries: [] }),
  fileGroupDocument: () => undefined,
  metrics: () => [],
  traffic: () => undefined,
} as unknown as LiveState;
const admin = await startAdminThread(config, live, log);

let calls = 0;

/** Set up and given up again: two decisions and two commits, of which the first is measured. */
function decideOne(): number {
  calls += 1;
  const from = `sip:user-${calls % 20_000}@im.example.net`;
  const callId = `bench-${process.pid}-${calls}`;
  const request = sipRequest({
    uri: config.conferenceFactories[0] ?? '',
    from,
    callId,
    ...listBody([
      `sip:user-${(calls + 1) % 20_000}@im.example.net`,
      `sip:user-${(calls + 2) % 20_000}@im.example.net`,
    ]),
  });
  const origin = {
    transaction: { kam: 'kam1', epoch: '1', tid: `${calls}:1` },
    src: 'udp:192.0.2.9:5060',
    rcv: 'udp:192.0.2.1:5060',
    asserted: [`<${from}>`],
    trust: 'core',
  } as const;
  const startedMs = performance.now();
  engine.request(request, origin);
  const tookMs = performance.now() - startedMs;
  engine.cancel(sipRequest({ method: 'CANCEL', uri: request.uri, from, callId }));
  return tookMs;
}

/** In an open loop: what is late is done at once, as requests that come are. */
async function run(seconds: number) {
  const took: number[] = [];
  const startedMs = performance.now();
  for (;;) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= seconds * 1000) break;
    const due = Math.floor((elapsedMs * Number(perS)) / 1000);
    while (took.length < due) took.push(decideOne());
    await delay(1);
  }
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: took.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

process.on('message', (message) => {
  if (typeof message === 'number') void run(message).then((result) => process.send?.(result));
  else process.exit(0);
});
process.send?.({ url: `http://${admin.address.host}:${admin.address.port}` });
