/**
 * Rooms at work for a while, members coming and going by every way there is: every message that got a 200 reaches each member
 * that stayed, once and in order; nobody gets anything twice; memory stays flat. The switch is a process of its own and is kept at
 * half load. As a program: `soak.ts [SECONDS]`, default ten minutes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { bindToLife, endChild, within } from '../../../support/children.ts';
import { Ledger } from './ledger.ts';
import { SoakRoom } from './room.ts';
import type { Order, Telling, Vitals } from './switch.ts';

const ROOMS = 20;
const TURN_MS = 20;
const MEBIBYTE = 1024 ** 2;
const HALF_LOAD = 0.5;
/** Beyond it the senders wait: the machine is busy with something else. */
const MAX_UNANSWERED = 20_000;
const FIRST_RATE_PER_S = 400;
const LATE_MS = 400;
/** How often the switch is looked at; in a short run more often, so that its thirds can be compared. */
const LOOK_EVERY_MS = 1_000;
const MIN_LOOKS = 12;
const SAMPLE_EVERY_MS = 500;
const MIN_SAMPLES = 6;
const SETTLE_MS = 20_000;
const READY_TIMEOUT_MS = 30_000;
const VITALS_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;

export interface SoakResult {
  readonly seconds: number;
  readonly accepted: number;
  readonly received: number;
  readonly left: number;
  /** Share of one core that the switch used, in the mean. */
  readonly load: number;
  /** Lost, doubled, out of order, for somebody else, refused, cut off: each in words. */
  readonly faults: readonly string[];
  /** Live and resident bytes, in the mean of the last third less that of the second. */
  readonly liveGrowthBytes: number;
  readonly residentGrowthBytes: number;
  readonly residentBytes: number;
  /** Live bytes once all has been received, less those of before anything was said. */
  readonly restGrowthBytes: number;
}

/** The switch of the soak as its parent sees it. */
class Subject {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, (vitals: Vitals) => void>();
  #questions = 0;
  ports: Readonly<Record<string, number>> = {};

  constructor(onTelling: (telling: Telling) => void) {
    this.#child = fork(new URL('switch.ts', import.meta.url), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    bindToLife(this.#child);
    this.#child.on('message', (telling: Telling) => {
      if ('vitals' in telling) {
        this.#asked.get(telling.number)?.(telling.vitals);
        this.#asked.delete(telling.number);
      } else if ('ready' in telling) this.ports = telling.ready;
      else onTelling(telling);
    });
  }

  async ready(): Promise<void> {
    const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
    while (Object.keys(this.ports).length === 0) await once(this.#child, 'message', { signal });
  }

  order(op: string, body: unknown): void {
    this.#child.send({ op, body } satisfies Order);
  }

  vitals(isExact: boolean): Promise<Vitals> {
    this.#questions++;
    const number = this.#questions;
    const answer = new Promise<Vitals>((resolve) => {
      this.#asked.set(number, resolve);
      this.#child.send({ vitals: number, isExact } satisfies Order);
    });
    return within(VITALS_TIMEOUT_MS, "an answer of the switch's process", answer);
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await endChild(this.#child, STOP_TIMEOUT_MS);
  }
}

/** @param ratePerS messages a second to all rooms together; 0: as many as keep the switch at half load */
export async function soak(seconds: number, ratePerS = 0): Promise<SoakResult> {
  const ledger = new Ledger();
  const rooms: SoakRoom[] = [];
  const subject = new Subject((telling) => {
    if ('event' in telling) {
      const { event } = telling;
      rooms.find(({ name }) => name === event.session)?.noteEvent(event);
    } else ledger.fault('defect' in telling ? telling.defect : 'refused' in telling ? telling.refused : '?');
  });
  try {
    await subject.ready();
    for (let i = 0; i < ROOMS; i++)
      rooms.push(new SoakRoom(i, subject.ports, ledger, (op, body) => subject.order(op, body)));
    for (const room of rooms) await room.open();
    return await run(subject, rooms, ledger, seconds, ratePerS);
  } finally {
    for (const room of rooms) room.close();
    await subject.stop();
  }
}

async function run(
  subject: Subject,
  rooms: readonly SoakRoom[],
  ledger: Ledger,
  seconds: number,
  fixedPerS: number,
): Promise<SoakResult> {
  const beganMs = performance.now();
  const endMs = beganMs + seconds * 1000;
  const comingAndGoing = rooms.map((room) => room.comeAndGo(endMs));
  const first = await subject.vitals(true);
  const samples: Vitals[] = [];
  let perS = fixedPerS === 0 ? FIRST_RATE_PER_S : fixedPerS;
  let before = { ...first, atMs: performance.now() };
  let sampleDueMs = beganMs;
  let budget = 0;
  let said = 0;
  let turnMs = performance.now();
  const lookEveryMs = Math.min(LOOK_EVERY_MS, (seconds * 1000) / MIN_LOOKS);
  while (performance.now() < endMs || samples.length < MIN_SAMPLES) {
    const nowMs = performance.now();
    // Its clients are late as well: what they cannot take is not the switch's fault.
    if (fixedPerS === 0 && nowMs - turnMs > LATE_MS) perS *= 0.9;
    budget = Math.min(budget + ((nowMs - turnMs) * perS) / 1000, perS / 2);
    turnMs = nowMs;
    const unanswered = rooms.reduce((sum, room) => sum + room.unanswered, 0);
    for (; budget >= 1 && unanswered < MAX_UNANSWERED; budget--, said++)
      rooms[Math.floor(Math.random() * rooms.length)]?.say();
    if (nowMs - before.atMs > lookEveryMs) {
      const vitals = await subject.vitals(nowMs > sampleDueMs);
      if (nowMs > sampleDueMs) {
        samples.push(vitals);
        tellProgress((nowMs - beganMs) / 1000, perS, vitals, ledger);
        sampleDueMs = nowMs + Math.max(SAMPLE_EVERY_MS, (seconds * 1000) / 60);
      }
      const elapsedMs = performance.now() - before.atMs;
      const load = (vitals.cpuMicros - before.cpuMicros) / 1000 / elapsedMs;
      // Of what could be said: its clients may be busier than the switch.
      const saidPerS = (said * 1000) / elapsedMs;
      if (fixedPerS === 0)
        perS = Math.min(perS, saidPerS * 1.2) * Math.min(1.3, Math.max(0.5, HALF_LOAD / load));
      before = { ...vitals, atMs: performance.now() };
      said = 0;
    }
    await delay(TURN_MS);
  }
  const last = await subject.vitals(true);
  const load = (last.cpuMicros - first.cpuMicros) / 1000 / (performance.now() - beganMs);
  await Promise.all(comingAndGoing);
  const giveUpMs = performance.now() + SETTLE_MS;
  const missing = (): readonly string[] => rooms.flatMap((room) => room.missing());
  while (missing().length > 0 && performance.now() < giveUpMs) await delay(50);
  for (const one of missing()) ledger.fault(one);
  const rest = await subject.vitals(true);
  const third = Math.floor(samples.length / 3);
  const growth = (of: (vitals: Vitals) => number): number =>
    mean(samples.slice(-third).map(of)) - mean(samples.slice(third, -third).map(of));
  return {
    seconds,
    accepted: ledger.accepted,
    received: ledger.received,
    left: rooms.reduce((sum, room) => sum + room.left, 0),
    load,
    faults: ledger.faults,
    liveGrowthBytes: growth(({ liveBytes }) => liveBytes),
    residentGrowthBytes: growth(({ rssBytes }) => rssBytes),
    residentBytes: last.rssBytes,
    restGrowthBytes: rest.liveBytes - first.liveBytes,
  };
}

/** On stderr: stdout is for the result. */
function tellProgress(seconds: number, perS: number, vitals: Vitals, ledger: Ledger): void {
  if (!import.meta.main) return;
  const { rssBytes, liveBytes, connections, senderPauses } = vitals;
  process.stderr.write(
    `${seconds.toFixed(0)} s: ${perS.toFixed(0)} messages/s, ${connections} connections, ${mebibytes(liveBytes)} live, ` +
      `${mebibytes(rssBytes)} resident, ${senderPauses} pauses, ${ledger.faults.length} faults\n`,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function mebibytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}

const MAX_LIVE_GROWTH_BYTES = 8 * MEBIBYTE;
const MAX_RESIDENT_GROWTH_BYTES = 32 * MEBIBYTE;
/** What stays for the next time: memory to write frames in, tables that have grown. */
export const MAX_REST_GROWTH_BYTES = 32 * MEBIBYTE;

if (import.meta.main) {
  const result = await soak(Number(process.argv[2] ?? 600));
  process.stdout.write(
    `${result.seconds} s at ${Math.round(result.load * 100)} % of a core: ${result.accepted} messages got a 200, ` +
      `${result.received} were received; members left and came back ${result.left} times; ${result.faults.length} faults; ` +
      `from the second third to the last live memory moved by ${mebibytes(result.liveGrowthBytes)}, resident by ` +
      `${mebibytes(result.residentGrowthBytes)} to ${mebibytes(result.residentBytes)}; at rest ${mebibytes(result.restGrowthBytes)} more is live than in the beginning\n${result.faults.map((fault) => `  ${fault}\n`).join('')}`,
  );
  const isFlat =
    result.liveGrowthBytes < MAX_LIVE_GROWTH_BYTES &&
    result.residentGrowthBytes < MAX_RESIDENT_GROWTH_BYTES &&
    result.restGrowthBytes < MAX_REST_GROWTH_BYTES;
  process.exitCode = result.faults.length === 0 && isFlat ? 0 : 1;
}
