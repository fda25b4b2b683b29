/**
 * A child of its own for each mutant: runs rows (JSON in argv) file after file and prints the results as one line of
 * JSON. With `first-failure` it ends as soon as a row has failed: one is enough.
 */
import { join } from 'node:path';
import { run } from 'node:test';
import { Collector, type RunResults, type TestEventLike } from '../report/collect.ts';
import { ROOT } from '../report/run-tests.ts';
import { namePattern, type Row } from './steps.ts';

const rows = JSON.parse(process.argv[2] ?? '[]') as Row[];
const timeout = Number(process.argv[3]);
const endsAtFailure = process.argv[4] === 'first-failure';
const collector = new Collector(ROOT);

for (const file of new Set(rows.map((row) => row.file))) {
  const stream = run({
    files: [join(ROOT, file)],
    cwd: ROOT,
    timeout,
    testNamePatterns: rows.filter((row) => row.file === file).map(namePattern),
  });
  for await (const event of stream as AsyncIterable<TestEventLike>) {
    collector.take(event);
    if (endsAtFailure && hasFailed(collector.results())) finish();
  }
}
finish();

function hasFailed({ tests, brokenFiles }: RunResults): boolean {
  return brokenFiles.length > 0 || tests.some(({ passed }) => !passed);
}

/** What still runs is ended by the parent, with the whole group. */
function finish(): never {
  process.stdout.write(`${JSON.stringify(collector.results())}\n`);
  process.exit(0);
}
