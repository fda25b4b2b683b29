/** Thousands of participants in many sessions on one process: what one costs while it is silent, and all of them talking. */
import { type Bench, type Benchmark, judge, microsPerDelivery, type Row, thousands } from '../bench.ts';
import { gather } from '../rig/load.ts';
import { residentBytes } from '../rig/processes.ts';
import { startSwitch } from '../rig/subject.ts';

const BODY_BYTES = 200;
const PARTICIPANTS_A_ROOM = 10;
/** SENDs a second over all rooms, for each room. */
const RATE_PER_ROOM = 2;
const MAX_IDLE_BYTES = 20_000;

export const crowd: Benchmark = {
  name: 'crowd',
  title: '10,000 participants in 1,000 sessions on one process; memory of one that is silent',
  async run(bench) {
    const { crowdRooms, seconds } = bench.scale;
    const participants = crowdRooms * PARTICIPANTS_A_ROOM;
    await using subject = await startSwitch(PARTICIPANTS_A_ROOM - 1, crowdRooms);
    const [pid] = subject.pids as [number];
    bench.progress(`crowd: ${thousands(participants)} participants bind`);
    const ratePerS = crowdRooms * RATE_PER_ROOM;
    const options = {
      seconds: Math.max(2, seconds * 2) * (bench.scale.isJudged ? 1 : 0.1),
      bodyBytes: BODY_BYTES,
      ratePerS,
    };
    await using people = await gather(subject, bench.scratch, options);
    const idleBytes = (residentBytes(pid) - subject.emptyBytes) / people.bound;
    bench.progress(`crowd: they talk, ${thousands(ratePerS)} messages a second`);
    const report = await people.talk();
    const expected = Math.round(ratePerS * options.seconds) * (PARTICIPANTS_A_ROOM - 1);
    return [
      memoryRow(bench, idleBytes, people.bound),
      {
        benchmark: 'crowd',
        what: `${thousands(participants)} participants in ${thousands(crowdRooms)} sessions, one process`,
        measured: `${thousands(people.bound)} bound; ${thousands(report.delivered)} of ${thousands(expected)} deliveries`,
        reference: '',
        ratio: '',
        bound: 'all bound, nothing lost',
        verdict: judge(bench, people.bound === participants && report.delivered === expected),
        note: `at ${thousands(ratePerS)} messages a second: p99 ${(report.lat_us_p99 / 1000).toFixed(1)} ms, ${microsPerDelivery(report).toFixed(1)} µs CPU per delivery`,
      },
    ];
  },
};

function memoryRow(bench: Bench, idleBytes: number, bound: number): Row {
  return {
    benchmark: 'crowd',
    what: 'memory of a bound participant who is silent',
    measured: `${(idleBytes / 1000).toFixed(1)} KB`,
    reference: '',
    ratio: '',
    bound: `< ${MAX_IDLE_BYTES / 1000} KB`,
    verdict: judge(bench, idleBytes < MAX_IDLE_BYTES),
    note: `resident memory with ${thousands(bound)} of them, less that of the process before; without the kernel's socket buffers`,
  };
}
