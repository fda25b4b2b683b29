/** The benchmarks of test/bench in their short form: that they run, not how fast anything is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { bindToLife, endChild, within } from '../../support/children.ts';

interface Report {
  readonly environment: { readonly node: string };
  readonly rows: readonly {
    benchmark: string;
    what: string;
    measured: string;
    verdict: string;
    note: string;
  }[];
}

const MAIN = new URL('../../bench/main.ts', import.meta.url).pathname;

/** Some 25 s are to be expected at a load of twenty. */
const TIMEOUT_MS = 90_000;
const GRACE_MS = 3_000;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function bench(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  bindToLife(child);
  let progress = '';
  child.stderr.setEncoding('utf8').on('data', (some: string) => {
    progress += some;
  });
  const ended = Promise.all([text(child.stdout), once(child, 'close')]);
  try {
    const what = `the end of bench ${args.join(' ')}`;
    const [stdout, [status]] = await within(TIMEOUT_MS, what, ended, () => progress);
    return { status: status as number | null, stdout, stderr: progress };
  } finally {
    await endChild(child, GRACE_MS);
  }
}

test('the short form runs every benchmark, and judges none', async () => {
  const { status, stdout, stderr } = await bench('--short', '--json');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /no reference points in C: no --reference DIR given/);
  const { environment, rows } = JSON.parse(stdout) as Report;
  assert.equal(environment.node, process.version);
  const names = [
    'short-messages',
    'long-messages',
    'large-room',
    'throughput',
    'latency',
    'crowd',
    'processes',
  ];
  assert.deepEqual(new Set(rows.map(({ benchmark }) => benchmark)), new Set(names));
  for (const { what, measured, verdict } of rows) {
    assert.equal(verdict, 'not judged', what);
    // Not NaN; in so short a time on a busy machine it may be 0.
    assert.match(measured, /^\d/, what);
  }
  const everybody = rows.find(({ what }) => what === '200 participants in 20 sessions, one process');
  assert.equal(everybody?.measured, '200 bound; 72 of 72 deliveries');
});

test('a reference directory without the programs is no reason to stop, and said', async () => {
  const { status, stdout, stderr } = await bench(
    '--short',
    '--only',
    'crowd',
    '--reference',
    import.meta.dirname,
  );
  assert.equal(status, 0, stderr);
  assert.match(stderr, /msrpload\.c is not in the directory of --reference/);
  assert.match(stdout, /200 participants in 20 sessions, one process/);
});

test('--help names the benchmarks; a name that is none of them is refused', async () => {
  const help = await bench('--help');
  assert.deepEqual([help.status, help.stdout.includes('short-messages')], [0, true]);
  const unknown = await bench('--only', 'everything');
  assert.deepEqual([unknown.status, unknown.stdout], [2, '']);
  assert.match(unknown.stderr, /no benchmark everything; there are short-messages,/);
});
