/**
 * Runs the conformance tests and writes docs/conformance.md from what they have shown.
 *
 *     node test/conformance/report/main.ts [--check] [--date YYYY-MM-DD] [--output FILE]
 *                                          [--results FILE] [--from FILE] [--concurrency N] [WORD…]
 *
 * `--check` writes no page and fails when a statement has no passing test. `--results` keeps the run as JSON, `--from`
 * reads such a file in place of running. With words only the test files with one of them in their path run.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../../../src/app/version.ts';
import type { RunResults } from './collect.ts';
import { conformancePage } from './page.ts';
import { conformanceFiles, ROOT, runTests } from './run-tests.ts';
import { isComplete, judge, TRACE_PREFIX, type Verdicts } from './verdicts.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
    output: { type: 'string', default: join(ROOT, 'docs/conformance.md') },
    results: { type: 'string' },
    from: { type: 'string' },
    concurrency: { type: 'string', default: '1' },
  },
});

if (!/^\d{4}-\d\d-\d\d$/.test(values.date)) throw new Error(`--date ${values.date} is no date (YYYY-MM-DD)`);
const results = values.from === undefined ? await runAll() : read(values.from);
if (values.results !== undefined) writeFileSync(values.results, `${JSON.stringify(results, null, 1)}\n`);
const verdicts = judge(results);
if (!values.check) {
  const of = { version: VERSION, date: values.date, kamailio: kamailioVersion() };
  writeFileSync(values.output, conformancePage(verdicts, of));
}
tell(verdicts);
process.exitCode = isComplete(verdicts) ? 0 : 1;

async function runAll(): Promise<RunResults> {
  const files = conformanceFiles(positionals);
  if (files.length === 0) throw new Error(`no conformance test file matches ${positionals.join(' ')}`);
  return runTests({
    files,
    concurrency: Number.parseInt(values.concurrency, 10) || 1,
    onFile: (file, tests) => {
      print(`${file}: ${tests.filter(({ passed }) => passed).length} of ${tests.length} tests passed`);
      for (const { passed, name, failure } of tests) if (!passed) print(`  FAILED ${name}: ${failure}`);
    },
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function read(file: string): RunResults {
  return JSON.parse(readFileSync(file, 'utf8')) as RunResults;
}

function tell({ all, passed, failed, missing, unknown, brokenFiles }: Verdicts): void {
  const shown = all.flatMap(({ evidence }) => (evidence === undefined ? [] : [evidence]));
  const traced = shown.filter((line) => line.startsWith(TRACE_PREFIX)).length;
  const list = (what: string, items: readonly string[]) => {
    if (items.length > 0) print(`${what} (${items.length}): ${items.join(', ')}`);
  };
  list('failed', failed);
  list('without a test', missing);
  list('no such statement', unknown);
  list('files that failed outside of their tests', brokenFiles);
  print(
    `${passed} of ${all.length} statements pass; ${shown.length - traced} with a line of a message, ${traced} with one of the trace`,
  );
}

/** Of the Kamailio that the tests ran against (PARLEY_KAMAILIO_BINARY as for the product). */
function kamailioVersion(): string {
  const text = execFileSync(process.env['PARLEY_KAMAILIO_BINARY'] ?? 'kamailio', ['-v'], {
    encoding: 'utf8',
  });
  const version = /^version: kamailio (\S+)/m.exec(text)?.[1];
  if (version === undefined) throw new Error('kamailio -v does not tell its version');
  return version;
}
