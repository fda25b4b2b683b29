/** Runs the conformance tests and writes docs/conformance.md from what they have shown; `--help` tells the options. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../../../src/app/version.ts';
import type { RunResults } from './collect.ts';
import { CONFORMANCE_PAGE, conformanceFaults } from './gate.ts';
import { conformancePage, withReadings } from './page.ts';
import { conformanceFiles, ROOT, runTests } from './run-tests.ts';
import { isComplete, judge, TRACE_PREFIX, type Verdicts } from './verdicts.ts';

const HELP = `npm run conformance -- [options] [WORD…]

Runs the conformance tests against the whole product behind a real Kamailio, and writes
${CONFORMANCE_PAGE} from what they have shown. The exit status is 0 when every statement of
7.2.1.1 to 7.2.1.12 has a passing test and a line of what was seen, else 1.

  --readings         writes the readings at the end of the page anew, without a run
  --check            compares the page with the run instead of writing it
  --date YYYY-MM-DD  the date on the page (default: today)
  --output FILE      the page (default: ${CONFORMANCE_PAGE})
  --results FILE     keeps what the run has shown, as JSON
  --from FILE        takes what an earlier run has shown instead of running the tests
  --concurrency N    test files at one time (default: 1)
  --help             this text
  WORD…              only test files with one of these in their path; for a look, not for the page

The first run in a fresh clone is \`npm test -- conformance\`: it installs what is needed.
PARLEY_KAMAILIO_BINARY names another Kamailio than the one on the path.
`;

const { values, positionals } = options();

if (values.help) print(HELP.trimEnd());
else if (values.readings) writeFileSync(values.output, withReadings(readFileSync(values.output, 'utf8')));
else process.exitCode = (await report()) ? 0 : 1;

/** @returns whether every statement is proven, and the page compared says so */
async function report(): Promise<boolean> {
  if (!/^\d{4}-\d\d-\d\d$/.test(values.date))
    throw new Error(`--date ${values.date} is no date (YYYY-MM-DD)`);
  const results = values.from === undefined ? await runAll() : read(values.from);
  if (values.results !== undefined) writeFileSync(values.results, `${JSON.stringify(results, null, 1)}\n`);
  const verdicts = judge(results);
  tell(verdicts);
  if (values.check) {
    const faults = conformanceFaults(results, readFileSync(values.output, 'utf8'));
    for (const fault of faults) print(fault);
    return faults.length === 0 && isComplete(verdicts);
  }
  if (positionals.length > 0) print(`${CONFORMANCE_PAGE} is not written: only a part of the tests has run`);
  else {
    const of = { version: VERSION, date: values.date, kamailio: kamailioVersion() };
    writeFileSync(values.output, conformancePage(verdicts, of));
  }
  return isComplete(verdicts);
}

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        readings: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
        output: { type: 'string', default: join(ROOT, CONFORMANCE_PAGE) },
        results: { type: 'string' },
        from: { type: 'string' },
        concurrency: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

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

function tell({ all, passed, failed, missing, unseen, unknown, brokenFiles }: Verdicts): void {
  const shown = all.flatMap(({ evidence }) => (evidence === undefined ? [] : [evidence]));
  const traced = shown.filter((line) => line.startsWith(TRACE_PREFIX)).length;
  const list = (what: string, items: readonly string[]) => {
    if (items.length > 0) print(`${what} (${items.length}): ${items.join(', ')}`);
  };
  list('failed', failed);
  list('without a test', missing);
  list('without a line of what was seen', unseen);
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
