/**
 * Proves the conformance tests: leaves out each step of the procedure tables in turn; a test whose name carries the id
 * of the step must then fail. Nothing in the product knows of it (disable-step.ts).
 *
 *     node test/conformance/mutate/main.ts [ID…] [--only ID]… [--json FILE] [--timeout-s N] [--trace kept] [--no-baseline] [--list]
 *
 * `--trace kept` asks more: the decision trace still shows the step, so it must be missed on the wire. Fails when a
 * step survives, or one of the specification has no row.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Fate, type Outcome, runMutant } from './mutant.ts';
import { allRows, allSteps, type Row, rowsFor, type StepOfTable } from './steps.ts';

interface Mutant extends Outcome {
  readonly id: string;
  readonly titles: readonly string[];
  readonly seconds: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    'timeout-s': { type: 'string', default: '120' },
    trace: { type: 'string', default: 'removed' },
    'no-baseline': { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const timeoutMs = Number(values['timeout-s']) * 1000;
if (!(timeoutMs >= 1000)) throw new Error(`--timeout-s ${values['timeout-s']} is no time`);
if (values.trace !== 'kept' && values.trace !== 'removed') throw new Error('--trace is kept or removed');
const trace = values.trace;

const wanted = new Set([...values.only, ...positionals]);
const known = allSteps();
const unknown = [...wanted].filter((id) => !known.some((step) => step.id === id));
if (unknown.length > 0) throw new Error(`no step of a table has the id ${unknown.join(', ')}`);
const steps = known.filter(({ id }) => wanted.size === 0 || wanted.has(id));
const rows = allRows();
if (values.list) list(steps);
else await mutateAll(steps);

function list(all: readonly StepOfTable[]): void {
  for (const { id, titles } of all) print(`${id}\t${rowsFor(id, rows).length} rows\t${titles.join(' · ')}`);
}

async function mutateAll(all: readonly StepOfTable[]): Promise<void> {
  const usable = values['no-baseline'] ? rows : await passingRows(all);
  const mutants: Mutant[] = [];
  for (const [index, { id, titles }] of all.entries()) {
    const startedMs = performance.now();
    const outcome = await runMutant({ step: id, rows: rowsFor(id, usable), trace, timeoutMs });
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    mutants.push({ id, titles, seconds, ...outcome });
    const { fate, failed, passed } = outcome;
    print(
      `${index + 1}/${all.length} ${id}: ${fate} (${failed.length} of ${failed.length + passed.length} rows failed, ${seconds} s)`,
    );
  }
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ trace, mutants }, null, 1)}\n`);
  summarise(mutants);
}

/** The rows that pass on the product as it is: a failure of another one would prove nothing. */
async function passingRows(all: readonly StepOfTable[]): Promise<Row[]> {
  const needed = [...new Set(all.flatMap(({ id }) => rowsFor(id, rows)))];
  const usable: Row[] = [];
  for (const file of new Set(needed.map((row) => row.file))) {
    const own = needed.filter((row) => row.file === file);
    const { fate, failed, passed } = await runMutant({
      step: undefined,
      rows: own,
      trace,
      timeoutMs: 600_000,
    });
    // A file that failed by itself proves nothing either.
    if (failed.some((name) => name === file) || fate === 'late') {
      print(`baseline: ${file} does not pass as it is; its rows are left out`);
      continue;
    }
    const fit = own.filter(
      ({ name }) => passed.some((it) => it.startsWith(name)) && !failed.some((it) => it.startsWith(name)),
    );
    print(`baseline: ${file}: ${fit.length} of ${own.length} rows pass`);
    usable.push(...fit);
  }
  return usable;
}

function summarise(mutants: readonly Mutant[]): void {
  const of = (fate: Fate) => mutants.filter((mutant) => mutant.fate === fate);
  const survivors = of('survived');
  const untested = of('untested');
  for (const { id, titles, passed } of survivors)
    print(`SURVIVED ${id} (${titles.join(' · ')}): ${passed.length} rows passed without it`);
  for (const { id, titles } of untested) print(`UNTESTED ${id} (${titles.join(' · ')}): no row carries it`);
  print(
    `${mutants.length} steps: ${of('killed').length + of('late').length} missed when left out (${of('late').length} by no result in time), ` +
      `${survivors.length} survived, ${untested.length} without a row`,
  );
  const isProven = survivors.length === 0 && untested.every(({ id }) => !id.startsWith('R-'));
  process.exitCode = isProven ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
