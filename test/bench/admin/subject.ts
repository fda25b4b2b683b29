/** The admin by itself, as a process: what it uses is its own. Run by main.ts, with the store's file as argument. */
import pino from 'pino';
import { startAdmin } from '../../../src/admin/admin.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { stateView } from '../../../src/app/admin/state-view.ts';
import { focusSettings } from '../../../src/app/settings.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { StateReader } from '../../../src/store/state-reader.ts';
import { fakeControl } from '../../unit/admin/fake-control.ts';
import { fakeGroups } from '../../unit/admin/fake-groups.ts';
import { fakePolicies } from '../../unit/admin/fake-policies.ts';
import { fakeView } from '../../unit/admin/fake-view.ts';

const loaded = loadConfig({ env: {} });
if (!loaded.ok) throw new Error('the defaults are no configuration');
const settings = focusSettings(loaded.config);
const reader = new StateReader(process.argv[2] ?? '');
const admin = await startAdmin({
  host: '127.0.0.1',
  port: 0,
  view: fakeView(
    stateView(
      reader,
      () => settings,
      () => Promise.resolve(undefined),
    ),
  ),
  control: fakeControl(),
  groups: fakeGroups(),
  policies: fakePolicies(),
  records: openRecords(':memory:'),
  nowMs: () => Date.now(),
  withoutToken: 'admin',
  openProbes: true,
  limits: { requestsPerS: 0 },
  live: { maxClients: 200 },
  log: pino({ level: 'warn' }, pino.destination(2)),
});

process.on('message', (message) => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage();
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send?.({ cpuMs: (user + system) / 1000, rss, heap: heapUsed + external });
  } else process.exit(0);
});
process.send?.({ url: `http://127.0.0.1:${admin.address.port}` });
