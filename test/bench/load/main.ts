/**
 * A load generator for MSRP fan-out: one sender a room, every SEND answered 200. Prints one line of JSON when it is done
 * (`LoadReport`), or, with `--hold`, one when all are bound and the other after a line on stdin.
 *
 *   --spec FILE   one participant a line, `S|R <own-uri> <switch-uri>`; an empty line between rooms
 *   --seconds S   how long to send        --size BYTES  of each body
 *   --settle S    sends so long before it measures: a generator, too, begins with cold code
 *   --window N    closed loop: SENDs without answer        --ahead N  SENDs ahead of the slowest receiver
 *   --rate N      open loop instead: SENDs a second over all rooms; latency counts from when a SEND was due
 *   --pid PIDS    processes whose CPU time is measured, with commas
 *   --raw         the subject only forwards bytes: what binds is a greeting of nine bytes
 *   --relay       receivers authenticate at an RFC 4976 relay; the sender sends to each of them in turn
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuSeconds } from '../rig/processes.ts';
import { Member } from './member.ts';
import { Room } from './room.ts';

/** The line that this and other generators of the kind print. */
export interface LoadReport {
  readonly delivered: number;
  /** SENDs that were answered with anything but 200. */
  readonly bad: number;
  readonly seconds: number;
  readonly out_msg_s: number;
  /** CPU time of the measured processes. */
  readonly sut_cpu_s: number;
  readonly load_cpu_pct: number;
  readonly lat_us_p50: number;
  readonly lat_us_p99: number;
}

/** Unbound connections at a time: a switch limits them for one address. */
const BINDING_AT_A_TIME = 200;
const MAX_SAMPLES = 4_000_000;
const PACE_MS = 1;
const BIND_TIMEOUT_MS = 20_000;
const DRAIN_TIMEOUT_MS = 20_000;

const { values } = parseArgs({
  options: {
    spec: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    settle: { type: 'string', default: '0' },
    size: { type: 'string', default: '200' },
    window: { type: 'string', default: '64' },
    ahead: { type: 'string', default: '256' },
    rate: { type: 'string', default: '0' },
    pid: { type: 'string', default: '' },
    raw: { type: 'boolean', default: false },
    relay: { type: 'boolean', default: false },
    hold: { type: 'boolean', default: false },
  },
});
const size = Number(values.size);
const pace = { window: Number(values.window), ahead: Number(values.ahead) };
const rate = Number(values.rate);
const pids = values.pid.split(',').filter(Boolean).map(Number);

const samples = new Uint32Array(MAX_SAMPLES);
let sampled = 0;
let isSending = false;
let wake = (): void => {};
const roomOf = new Map<Member, Room>();
const nowMicros = (): number => Math.round(performance.now() * 1000);

const events = {
  onProgress(member: Member): void {
    // A closed loop goes on as answers and deliveries come; an open one by the clock.
    if (isSending && rate === 0) roomOf.get(member)?.pump(pace, nowMicros());
    wake();
  },
  onStamp(stampMicros: number): void {
    if (sampled < MAX_SAMPLES) samples[sampled++] = nowMicros() - stampMicros;
  },
  onGone(member: Member): void {
    throw new Error(`${member.from} was cut off`);
  },
};

const members: Member[] = [];
const rooms: Room[] = [];
for (const block of readFileSync(values.spec ?? '', 'utf8')
  .trim()
  .split('\n\n')) {
  const here = block.split('\n').map((line) => new Member(line, size, events));
  const room = new Room(here, size, values.relay);
  for (const member of here) roomOf.set(member, room);
  members.push(...here);
  rooms.push(room);
}

await bindAll();
if (values.hold) {
  // Who told us to hold may go away instead.
  process.stdin.once('end', () => process.exit(1));
  process.stdout.write(`${JSON.stringify({ bound: members.length })}\n`);
  await once(process.stdin, 'data');
}
const settleSeconds = Number(values.settle);
isSending = true;
if (settleSeconds > 0) await (rate > 0 ? sendByTheClock(settleSeconds) : sendInTheLoop(settleSeconds));
sampled = 0;
const startedMs = performance.now();
const deliveredBefore = deliveries();
const own = process.cpuUsage();
const cpuBefore = cpuSeconds(pids);
const measuredSeconds = Number(values.seconds);
await (rate > 0 ? sendByTheClock(measuredSeconds) : sendInTheLoop(measuredSeconds));
isSending = false;
const deadline = AbortSignal.timeout(DRAIN_TIMEOUT_MS);
while (!rooms.every((room) => room.isDone) && !deadline.aborted) await progress(deadline);
const seconds = (performance.now() - startedMs) / 1000;
const cpuAfter = cpuSeconds(pids);
const used = process.cpuUsage(own);
const delivered = deliveries() - deliveredBefore;
const bad =
  members.reduce((sum, member) => sum + member.refused, 0) + rooms.filter((room) => !room.isDone).length;
const sorted = samples.subarray(0, sampled).sort();
const report: LoadReport = {
  delivered,
  bad,
  seconds,
  out_msg_s: Math.round(delivered / seconds),
  sut_cpu_s: cpuAfter - cpuBefore,
  load_cpu_pct: Math.round((used.user + used.system) / 1e4 / seconds),
  lat_us_p50: sorted[Math.floor(sampled / 2)] ?? 0,
  lat_us_p99: sorted[Math.floor(sampled * 0.99)] ?? 0,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
for (const member of members) member.close();
process.exit(bad === 0 ? 0 : 1);

function deliveries(): number {
  return members.reduce((sum, member) => sum + member.received, 0);
}

function progress(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve;
    signal.onabort = () => resolve();
  });
}

async function bindAll(): Promise<void> {
  for (let from = 0; from < members.length; from += BINDING_AT_A_TIME) {
    const some = members.slice(from, from + BINDING_AT_A_TIME);
    for (const member of some) {
      member.open();
      if (values.raw) member.greet((roomOf.get(member) as Room).frameBytes);
      else if (!values.relay) member.bind();
      else if (member.role === 'R') member.authenticate();
      else member.isBound = true;
    }
    const deadline = AbortSignal.timeout(BIND_TIMEOUT_MS);
    for (;;) {
      const waiting = some.filter((member) => !member.isBound);
      if (waiting.length === 0) break;
      if (deadline.aborted) throw new Error(notBound(waiting, some.length));
      await progress(deadline);
    }
  }
}

function notBound(waiting: readonly Member[], all: number): string {
  const some = waiting.slice(0, 3).map((member) => `${member.from} ${member.state}`);
  return `${waiting.length} of ${all} were not let in within ${BIND_TIMEOUT_MS / 1000} s: ${some.join('; ')}`;
}

async function sendInTheLoop(seconds: number): Promise<void> {
  for (const room of rooms) room.pump(pace, nowMicros());
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Messages leave when they are due, whatever has become of those before them. */
async function sendByTheClock(seconds: number): Promise<void> {
  const startMs = performance.now();
  const total = Math.round(rate * seconds);
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1000) * rate));
    for (; sent < due; sent++) {
      const dueMs = startMs + (sent / rate) * 1000;
      (rooms[sent % rooms.length] as Room).send(1, Math.round(dueMs * 1000));
    }
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
}
