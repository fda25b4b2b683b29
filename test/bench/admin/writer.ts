/** Writes decisions at a rate into a store, as a focus under load does: `writer.ts FILE PER_S SECONDS`. */
import { setTimeout as delay } from 'node:timers/promises';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { decisionOf } from './fill.ts';

const [file = '', perS = '0', seconds = '0'] = process.argv.slice(2);
const TICK_MS = 20;
const store = openSqliteStore({ file, maxDecisions: 20_000 });
const total = Number(perS) * Number(seconds);
const startedMs = performance.now();
let written = 0;
while (written < total) {
  const due = Math.min(total, Math.floor(((performance.now() - startedMs) * Number(perS)) / 1000));
  for (; written < due; written += 1) {
    store.commit({
      record: decisionOf(written, `im-s-${String(written % 10_000).padStart(6, '0')}`, Date.now()),
    });
  }
  await delay(TICK_MS);
}
store.close();
process.send?.({ written, elapsedS: (performance.now() - startedMs) / 1000 });
process.disconnect();
