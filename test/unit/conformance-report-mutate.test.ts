/** Leaving a step out: the tables are found whole, rows belong to their ids, and the hook does what it says. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { NOT_STEPS } from '../conformance/mutate/not-steps.ts';
import { mutationPage } from '../conformance/mutate/page.ts';
import {
  allMutants,
  allRows,
  namePattern,
  rowsFor,
  rowsInOrder,
  rowsOf,
  statementOf,
} from '../conformance/mutate/steps.ts';
import { ROOT } from '../conformance/report/run-tests.ts';
import { STATEMENT_IDS, STATEMENTS } from '../conformance/report/statements.ts';

const MUTANTS = allMutants();

test('every statement is a step of its own, or has a reason not to be one', () => {
  const ids = new Set(MUTANTS.map(({ id }) => id));
  for (const { id } of STATEMENTS)
    assert.ok(
      ids.has(id) !== NOT_STEPS.has(id),
      `${id}: either a step carries it or not-steps.ts tells why none does`,
    );
  for (const [id, why] of NOT_STEPS) assert.ok(STATEMENT_IDS.has(id) && why.length > 20, id);
});

test('no step names a statement that does not exist', () => {
  for (const { id, titles } of MUTANTS)
    assert.ok(
      !id.startsWith('R-') || STATEMENT_IDS.has(id.replace('/check', '')),
      `${id} (${titles.join(' · ')})`,
    );
});

test('every statement that can be left out has a test that carries its id', () => {
  const rows = allRows();
  for (const mutant of MUTANTS) {
    const id = statementOf(mutant);
    if (id.startsWith('R-')) assert.ok(rowsFor(id, rows).length > 0, id);
  }
});

test('the reason of a refusal is left out at the step that refuses', () => {
  const mutant = MUTANTS.find(({ id }) => id === 'R-7.2.1.8-2b-i-warn');
  assert.deepEqual([mutant?.kind, mutant?.of], ['warning', 'R-7.2.1.8-2b-i']);
});

test('a step that may refuse can let everything pass, another has nothing to let pass', () => {
  const ids = new Set(MUTANTS.map(({ id }) => id));
  for (const id of ['R-7.2.1.2-7', 'R-7.2.1.4-1', 'R-7.2.1.4-3b', 'R-7.2.1.12-3-note'])
    assert.ok(ids.has(`${id}/check`), id);
  assert.ok(!ids.has('R-7.2.1.1-2/check'));
});

test('rows in the file of the clause come first', () => {
  const rows = ['a', '7.2.1.09-x', '7.2.1.10-x'].map((file) => ({
    file: `test/conformance/${file}.test.ts`,
    name: 'R-7.2.1.10-1 x',
  }));
  const [first] = rowsInOrder('R-7.2.1.10-1', rows);
  assert.equal(first?.file, 'test/conformance/7.2.1.10-x.test.ts');
});

test('rows are read from the source, computed names up to what is computed', () => {
  const source = `
    test('R-7.2.1.4-3, -3b: it\\'s full', () => {});
    it(
      \`R-7.2.1.9-ok-1 a \${status} ends it\`, () => {});
    await exit('R-7.2.1.4-1');`;
  const rows = rowsOf('x', source);
  assert.deepEqual(
    rows.map(({ name }) => name),
    ["R-7.2.1.4-3, -3b: it's full", 'R-7.2.1.9-ok-1 a '],
  );
  assert.equal(rowsFor('R-7.2.1.4-3b', rows).length, 1);
  assert.equal(rowsFor('R-7.2.1.4-1', rows).length, 0);
  assert.match('R-7.2.1.9-ok-1 a 481 ends it', namePattern(rows[1] ?? { file: '', name: '' }));
  assert.doesNotMatch('R-7x2.1.9-ok-1 a 481', namePattern(rows[1] ?? { file: '', name: '' }));
});

test('the rows of the conformance tests are found', () => {
  assert.ok(rowsFor('R-7.2.1.4-1', allRows()).length > 0);
});

test('the page names the commits and the days that its results are of', () => {
  const result = (run: { commit: string; date: string } | undefined) =>
    ({ fate: 'killed', trace: 'kept', seconds: 1, passed: [], ...(run && { run }) }) as const;
  const first = { commit: '0019645', date: '2026-11-22' };
  const second = { commit: 'd579457-dirty', date: '2026-11-29' };
  const page = mutationPage(MUTANTS, {
    'R-7.2.1.2-1': result(second),
    'R-7.2.1.2-1/check': result(first),
    'R-7.2.1.2-2': result(first),
  });
  assert.match(
    page,
    /^Tried at commit 0019645 on 2026-11-22 \(2\), commit d579457-dirty on 2026-11-29 \(1\)\.$/m,
  );
  const old = mutationPage(MUTANTS, { 'R-7.2.1.2-1': result(undefined) });
  assert.match(old, /^Tried at a commit that is not known \(1\)\.$/m);
  const kept = readFileSync(join(ROOT, 'docs/mutation.md'), 'utf8');
  assert.match(kept, /^Tried at commit [0-9a-f]{7,}(-dirty)? on \d{4}-\d\d-\d\d \(\d+\)/m);
});

const PROGRAM = `
  const { runSteps, step, done, refuse, Trace } = await import(${JSON.stringify(join(ROOT, 'src/focus/procedure.ts'))});
  const ran = [];
  const make = (ids) => step(ids, 'it', () => { ran.push([ids].flat()[0]); return done('it'); });
  const trace = new Trace();
  const why = { kind: 'refusal', code: 403, reason: 'Forbidden', warning: 'no', headers: [] };
  const steps = [make('a'), make(['b', 'also']), make('c'), step('d', 'no', () => refuse(why))];
  const outcome = runSteps(steps, {}, trace);
  console.log(JSON.stringify({ ran, warning: outcome.warning, trace: trace.steps.map(({ id, found }) => id + ' ' + found) }));`;

function runWith(env: NodeJS.ProcessEnv): unknown {
  const hook = pathToFileURL(join(ROOT, 'test/conformance/mutate/disable-step.ts')).href;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    env: { ...process.env, NODE_OPTIONS: `--import ${hook}`, ...env },
    encoding: 'utf8',
  });
  return JSON.parse(output) as unknown;
}

test('the hook leaves out the steps that carry the id, from the trace too unless it is to be kept, and nothing else', () => {
  const whole = { ran: ['a', 'b', 'c'], warning: 'no', trace: ['a it', 'b it', 'c it', 'd no'] };
  assert.deepEqual(runWith({}), whole);
  assert.deepEqual(runWith({ PARLEY_TEST_DISABLED_STEP: 'x' }), whole);
  for (const id of ['b', 'also']) {
    assert.deepEqual(runWith({ PARLEY_TEST_DISABLED_STEP: id }), {
      ...whole,
      ran: ['a', 'c'],
      trace: ['a it', 'c it', 'd no'],
    });
  }
  assert.deepEqual(runWith({ PARLEY_TEST_DISABLED_STEP: 'b', PARLEY_TEST_DISABLED_STEP_TRACE: 'kept' }), {
    ...whole,
    ran: ['a', 'c'],
    trace: ['a it', 'b disabled', 'c it', 'd no'],
  });
});

test('the hook takes the reason from a refusal', () => {
  assert.deepEqual(runWith({ PARLEY_TEST_SILENT_STEP: 'd' }), {
    ran: ['a', 'b', 'c'],
    warning: '',
    trace: ['a it', 'b it', 'c it', 'd no'],
  });
});

test('the hook lets pass what a step refuses', () => {
  assert.deepEqual(runWith({ PARLEY_TEST_LENIENT_STEP: 'd' }), {
    ran: ['a', 'b', 'c'],
    trace: ['a it', 'b it', 'c it', 'd no'],
  });
});
