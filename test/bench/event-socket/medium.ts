/** One medium under measurement: a focus here, a switch in its own process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { FocusBus } from '../../../src/event-socket/bus/focus-bus.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { SwitchFleet } from '../../../src/event-socket/switch-fleet.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { bindToLife, endChild, within } from '../../support/children.ts';
import type { FromSwitch, SwitchBenchOptions, ToSwitch } from './protocol.ts';

const SWITCH = fileURLToPath(new URL('./switch.ts', import.meta.url));
const FOCUS = { focusId: 'bench-focus', focusEpoch: `f${process.pid}` };
const TELL_EVERY = 500;
const START_TIMEOUT_MS = 20_000;
const EVENTS_TIMEOUT_MS = 60_000;

export interface Figures {
  /** Of requests one after the other. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly eventsPerS: number;
}

export async function measure(
  options: SwitchBenchOptions,
  amount: { readonly requests: number; readonly events: number },
): Promise<Figures> {
  const child = fork(SWITCH, [JSON.stringify(options)]);
  bindToLife(child);
  try {
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    const [{ port }] = (await once(child, 'message', { signal })) as [FromSwitch];
    return await measureWith(child, port, options, amount);
  } finally {
    await endChild(child, 0);
  }
}

async function measureWith(
  child: ChildProcess,
  port: number,
  { busPort, password, key }: SwitchBenchOptions,
  amount: { readonly requests: number; readonly events: number },
): Promise<Figures> {
  let seen = 0;
  const all = Promise.withResolvers<void>();
  const fleet = new SwitchFleet({
    switches: busPort === undefined ? [{ host: '127.0.0.1', port, password }] : [],
    ...FOCUS,
    log: silentLog,
    clock: systemClock,
    onState: (_, __, { gap }) => {
      if (gap !== null) all.reject(new Error('events were lost'));
    },
    onEvent: () => {
      seen += 1;
      if (seen % TELL_EVERY === 0) tell(child, { say: 'seen', events: seen });
      if (seen === amount.events) all.resolve();
    },
  });
  const bus =
    busPort === undefined
      ? undefined
      : new FocusBus({
          ...FOCUS,
          address: { host: '127.0.0.1', port: busPort, password, keys: [key] },
          switches: [],
          log: silentLog,
          clock: systemClock,
          onMeet: (_, open) => fleet.meet({ host: '127.0.0.1', port: busPort }, open),
        });
  fleet.start();
  bus?.start();
  try {
    const { id } = await fleet.waitForSwitch(10_000);
    const times = await requestTimes(fleet, id ?? '', amount.requests);
    const startMs = performance.now();
    tell(child, { say: 'publish', events: amount.events });
    await within(EVENTS_TIMEOUT_MS, 'the last event', all.promise, () => `${seen} of ${amount.events} came`);
    const eventsPerS = amount.events / ((performance.now() - startMs) / 1000);
    return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), eventsPerS };
  } finally {
    await fleet.stop();
    await bus?.close();
  }
}

async function requestTimes(fleet: SwitchFleet, id: string, requests: number): Promise<number[]> {
  const times: number[] = [];
  const warmUp = Math.ceil(requests / 4);
  for (let count = 0; count < warmUp + requests; count += 1) {
    const startMs = performance.now();
    await fleet.request(id, 'session.drop', { session: 'im-s-of-the-bench', revision: count });
    if (count >= warmUp) times.push(performance.now() - startMs);
  }
  return times.sort((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function tell(child: ChildProcess, message: ToSwitch): void {
  child.send(message);
}
