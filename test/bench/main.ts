/** `npm run bench`: all benchmarks of the switch in one go, beside their reference points. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Bench, Benchmark, Row, Scale } from './bench.ts';
import { largeRoom, longMessages, shortMessages } from './cases/cost.ts';
import { crowd } from './cases/crowd.ts';
import { latency } from './cases/latency.ts';
import { processes } from './cases/processes.ts';
import { throughput } from './cases/throughput.ts';
import { asMarkdown, asText, environmentText } from './document.ts';
import { describeEnvironment } from './environment.ts';
import { buildReference } from './rig/reference.ts';

const BENCHMARKS: readonly Benchmark[] = [
  shortMessages,
  longMessages,
  largeRoom,
  throughput,
  latency,
  crowd,
  processes,
];
const FULL: Scale = { rounds: 5, warmUpSeconds: 1, seconds: 2, crowdRooms: 1000, isJudged: true };
const SHORT: Scale = { rounds: 1, warmUpSeconds: 0, seconds: 0.1, crowdRooms: 20, isJudged: false };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENT = join(ROOT, 'docs/performance.md');
const HELP = `Usage: npm run bench -- [options]

Measures the MSRP switch beside reference points, in turn, and prints ratios with their bounds. Takes about twelve
minutes of a machine with nothing else to do. Exit status: 0, 1 when a bound is missed, 2 when a run fails.

  --reference DIR  sources of a generator and of minimal fan-outs (msrpload.c, msrpfan.c, rawfan.js), built by cc in a
                   scratch directory; without it the generator and the raw forwarder of this repository are used,
                   and what is held against C is not judged
  --only NAME      one benchmark; may be given several times
  --short          a few seconds to see that all of it works; judges nothing
  --json           one JSON document on stdout instead of the table
  --write          writes docs/performance.md
  --help

Benchmarks:
${BENCHMARKS.map(({ name, title }) => `  ${name.padEnd(16)} ${title}`).join('\n')}
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      reference: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = values.only.find((name) => BENCHMARKS.every((benchmark) => benchmark.name !== name));
  if (unknown !== undefined) {
    say(`no benchmark ${unknown}; there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const scale = values.short ? SHORT : FULL;
  const scratch = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  try {
    const built = buildReference(values.reference, scratch);
    const reference = typeof built === 'string' ? null : built;
    const referenceFault = typeof built === 'string' ? `no reference points in C: ${built}` : '';
    if (referenceFault !== '') say(referenceFault);
    const environment = describeEnvironment(
      ROOT,
      reference === null ? 'of this repository only' : 'built from --reference',
    );
    say(environmentText(environment));
    const bench: Bench = { scale, scratch, reference, referenceFault, progress: say };
    const rows: Row[] = [];
    for (const benchmark of BENCHMARKS) {
      if (values.only.length > 0 && !values.only.includes(benchmark.name)) continue;
      const some = await benchmark.run(bench);
      rows.push(...some);
      if (!values.json) process.stdout.write(`${asText(some)}\n`);
    }
    if (values.json) process.stdout.write(`${JSON.stringify({ environment, scale, rows }, null, 2)}\n`);
    else process.stdout.write(`\n${asText(rows)}\n`);
    if (values.write) {
      const command = `npm run bench -- --write${reference === null ? '' : ' --reference DIR'}${values.only.map((name) => ` --only ${name}`).join('')}${values.short ? ' --short' : ''}`;
      writeFileSync(DOCUMENT, asMarkdown(rows, environment, scale, command));
    }
    return rows.some(({ verdict }) => verdict === 'miss') ? 1 : 0;
  } catch (error) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 2;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Progress and faults; stdout is for the result. */
function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
