/**
 * `npm run bench:event-socket`: what a request and an event cost between focus and switch, directly, over the stand-in for a
 * bus, and over a real FreeSWITCH when there is one (`--binary PATH`, or in PATH). Exit status 1 when a bound is missed.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Fleet } from '../../e2e/support/far-switch.ts';
import { roundTripsOfTen } from '../../e2e/support/session-of-ten.ts';
import { freeswitchBinary, RealFreeswitch } from '../../support/freeswitch-bus/real-freeswitch.ts';
import { StandInBus } from '../../support/freeswitch-bus/stand-in-bus.ts';
import { describeEnvironment } from '../environment.ts';
import { type Figures, measure } from './medium.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCUMENT = join(ROOT, 'docs/performance-event-socket.md');
const PASSWORD = 'password-of-the-bench';
const SECRETS = { password: PASSWORD, key: 'key-of-the-bench-of-32-characters' };
const MAX_P50_MS = 1.5;
const MIN_EVENTS_PER_S = 20_000;
const MAX_ROUND_TRIPS = 2;
/** The rest is what the set-up of the held session takes longer than that of the one before. */
const TOLERANCE = 0.7;
const DIRECT = { requests: 1000, events: 60_000 };
const BUS = { requests: 100, events: 4_000 };

const { values } = parseArgs({ options: { binary: { type: 'string' }, write: { type: 'boolean' } } });
const { date, commit, node, system, cores, processor, memoryGiB, loadAverage } = describeEnvironment(
  ROOT,
  '',
);
const rows: [medium: string, figures: Figures][] = [['direct', await measure(SECRETS, DIRECT)]];
const standIn = new StandInBus({ password: PASSWORD });
await standIn.start();
rows.push(['stand-in bus', await measure({ ...SECRETS, busPort: standIn.port }, BUS)]);
await standIn.stop();
const binary = values.binary ?? freeswitchBinary();
if (binary !== undefined) {
  const bus = await RealFreeswitch.start({ binary, password: PASSWORD, userPassword: PASSWORD });
  try {
    rows.push(['FreeSWITCH', await measure({ ...SECRETS, busPort: bus.port }, BUS)]);
  } finally {
    await bus.stop();
  }
}

const ofTen = await sessionOfTen();
const direct = rows[0]?.[1];
const isGood =
  direct !== undefined &&
  direct.p50Ms < MAX_P50_MS &&
  direct.eventsPerS >= MIN_EVENTS_PER_S &&
  ofTen.roundTrips < MAX_ROUND_TRIPS + TOLERANCE;
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const table = rows.map(
  ([medium, { p50Ms, p99Ms, eventsPerS }]) =>
    `| ${medium} | ${ms(p50Ms)} | ${ms(p99Ms)} | ${Math.round(eventsPerS).toLocaleString('en')} |`,
);
const page = `# Performance of the event socket

<!-- Written by \`npm run bench:event-socket -- --write\` from one run; do not edit. -->

${date}, commit ${commit}; Node ${node}, ${system}, ${cores} × ${processor}, ${memoryGiB} GiB; load average ${loadAverage} before

| between focus and switch | request and reply, p50 | p99 | events a second |
| --- | --- | --- | --- |
${table.join('\n')}

| a session of ten, from the first INVITE until all are in it | |
| --- | --- |
| round trips, one after the other | ${ofTen.roundTrips.toFixed(2)} |
| requests | ${ofTen.requests} |

Bounds: in direct mode p50 under ${MAX_P50_MS} ms, ${MIN_EVENTS_PER_S.toLocaleString('en')} events a second or more; ${MAX_ROUND_TRIPS} round trips for a session of ten: ${isGood ? 'kept' : '**missed**'}.

Requests go one after the other (${DIRECT.requests}, on a bus ${BUS.requests}, after a warm-up), events in one burst (${DIRECT.events.toLocaleString('en')}, on a bus
${BUS.events.toLocaleString('en')}), at most 4,000 ahead of who reads them. Focus and switch are processes of their own on one machine; they share it with the bus and with
whoever else is there. The session of ten is set up by a whole stack with Kamailio, in which every reply of the switch is held back for a second: so many seconds longer it takes
(\`test/e2e/bus.test.ts\` holds it to that). FreeSWITCH's listeners look for events every 20 ms, so that a request and its reply take 20 to 40 ms on
a bus, and a session of ten, which waits for two of them, takes 40 to 80 ms longer to set up.
`;
process.stdout.write(page);
if (values.write === true) writeFileSync(DOCUMENT, page);
process.exitCode = isGood ? 0 : 1;

/** Which round trips it waits for does not depend on what they go over; on this bus they can be held back. */
async function sessionOfTen(): ReturnType<typeof roundTripsOfTen> {
  const fleet = await Fleet.start({}, 'bus');
  try {
    await fleet.add('ten');
    return await roundTripsOfTen(fleet.stack, fleet.bus.bus);
  } finally {
    await fleet.stop();
  }
}
