/** Leaving a step out: the tables are found whole, rows belong to their ids, and the hook does what it says. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { allRows, allSteps, namePattern, rowsFor, rowsOf } from '../conformance/mutate/steps.ts';
import { ROOT } from '../conformance/report/run-tests.ts';

test('the tables are found whole, also those that no module exports', () => {
  const ids = new Set(allSteps().map(({ id }) => id));
  for (const id of ['R-7.2.1.1-6', 'R-7.2.1.2-ok-1', 'R-7.2.1.3-fail-2', 'R-7.2.1.8-2a-v', 'R-7.2.1.12-8'])
    assert.ok(ids.has(id), id);
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

const PROGRAM = `
  const { runSteps, step, done, Trace } = await import(${JSON.stringify(join(ROOT, 'src/focus/procedure.ts'))});
  const ran = [];
  const make = (id) => step(id, id, () => { ran.push(id); return done('it'); });
  const trace = new Trace();
  const outcome = runSteps(['a', 'b', 'c'].map(make), {}, trace);
  console.log(JSON.stringify({ ran, outcome, trace: trace.steps.map(({ id, found }) => id + ' ' + found) }));`;

function runWith(env: NodeJS.ProcessEnv): unknown {
  const hook = pathToFileURL(join(ROOT, 'test/conformance/mutate/disable-step.ts')).href;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    env: { ...process.env, NODE_OPTIONS: `--import ${hook}`, ...env },
    encoding: 'utf8',
  });
  return JSON.parse(output) as unknown;
}

test('the hook leaves out the step named, from the trace too unless it is to be kept, and nothing else', () => {
  const whole = { ran: ['a', 'b', 'c'], outcome: 'completed', trace: ['a it', 'b it', 'c it'] };
  assert.deepEqual(runWith({}), whole);
  assert.deepEqual(runWith({ PARLEY_TEST_DISABLED_STEP: 'x' }), whole);
  assert.deepEqual(runWith({ PARLEY_TEST_DISABLED_STEP: 'b' }), {
    ran: ['a', 'c'],
    outcome: 'completed',
    trace: ['a it', 'c it'],
  });
  assert.deepEqual(runWith({ PARLEY_TEST_DISABLED_STEP: 'b', PARLEY_TEST_DISABLED_STEP_TRACE: 'kept' }), {
    ran: ['a', 'c'],
    outcome: 'completed',
    trace: ['a it', 'b disabled', 'c it'],
  });
});
