/** The page about the conformance tests may not claim more than they have shown. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import type { RunResults, TestResult } from '../conformance/report/collect.ts';
import { conformancePage, stable } from '../conformance/report/page.ts';
import { READING_TEXTS } from '../conformance/report/readings-text.ts';
import { ROOT } from '../conformance/report/run-tests.ts';
import { CLAUSES, STATEMENT_IDS, STATEMENTS } from '../conformance/report/statements.ts';
import { idsOf, withoutIds } from '../conformance/report/test-ids.ts';
import { isComplete, judge } from '../conformance/report/verdicts.ts';

const RUN = { version: '0.1.0', date: '2026-11-22', kamailio: '5.6.3' };

function result(name: string, of: Partial<TestResult> = {}): TestResult {
  return {
    file: 'test/conformance/x.test.ts',
    name,
    passed: true,
    durationMs: 1,
    ...idsOf(name),
    evidence: {},
    ...of,
  };
}

const allPassing: RunResults = {
  tests: STATEMENTS.map(({ id }) => result(`${id}: it`, { evidence: { [id]: [`SIP/2.0 200 OK of ${id}`] } })),
  brokenFiles: [],
};

test('the statements are 170, each once, in twelve clauses', () => {
  assert.equal(STATEMENTS.length, 170);
  assert.equal(STATEMENT_IDS.size, 170);
  const counts = Object.keys(CLAUSES).map(
    (clause) => STATEMENTS.filter((statement) => statement.clause === clause).length,
  );
  assert.deepEqual(counts, [10, 20, 28, 21, 17, 7, 19, 18, 6, 5, 3, 16]);
  assert.equal(STATEMENTS.filter(({ id }) => id.endsWith('-ims')).length, 12);
  for (const { readings } of STATEMENTS) for (const reading of readings) assert.match(reading, /^A-\d{1,2}$/);
});

test('names carry ids in full, short, and in rows', () => {
  const ids = (name: string) => idsOf(name).ids.map((id) => id.replace('R-7.2.1.', ''));
  assert.deepEqual(ids('R-7.2.1.4-3, -3b: full'), ['4-3', '4-3b']);
  assert.deepEqual(ids('R-7.2.1.2-2 R-7.2.1.2-2-warn without one'), ['2-2', '2-2-warn']);
  assert.deepEqual(ids('R-7.2.1.4-10, -11, -12; R-7.2.1.3-9a to -9c: at once'), [
    '4-10',
    '4-11',
    '4-12',
    '3-9a',
    '3-9b',
    '3-9b-i',
    '3-9c',
  ]);
  assert.deepEqual(ids('R-7.2.1.8-2a-i to -2a-iv: the 202'), ['8-2a-i', '8-2a-ii', '8-2a-iii', '8-2a-iv']);
  assert.deepEqual(ids('11.2 R-7.2.1.5-1 R-7.2.1.12-1 a session that is not there'), ['5-1', '12-1']);
  assert.deepEqual(idsOf('R-7.2.1.1-3, -20 s: short'), { ids: ['R-7.2.1.1-3'], unknown: [] });
  assert.deepEqual(ids('A-8 of two faults the first decides'), []);
});

test('what looks like an id and is none is told, and does not count', () => {
  assert.deepEqual(idsOf('R-7.2.1.4-99, -3: x'), { ids: ['R-7.2.1.4-3'], unknown: ['R-7.2.1.4-99'] });
  const verdicts = judge({ ...allPassing, tests: [...allPassing.tests, result('R-7.2.1.99-1 x')] });
  assert.deepEqual(verdicts.unknown, ['R-7.2.1.99-1 in test/conformance/x.test.ts']);
  assert.equal(isComplete(verdicts), false);
});

test('the name beside the ids is without them', () => {
  assert.equal(withoutIds('R-7.2.1.4-3, -3b: full, 486'), 'full, 486');
  assert.equal(withoutIds('R-7.2.1.3-9a to -9e; R-7.2.1.4-4 at once'), 'at once');
  assert.equal(withoutIds('A-8 of two faults'), 'of two faults');
  assert.equal(withoutIds('R-7.2.1.9-ok-2 RFC3261-15 7.2.2.10 who left, by A-42'), 'who left, by A-42');
});

test('complete is every statement by passing tests alone, and no broken file', () => {
  assert.equal(isComplete(judge(allPassing)), true);
  const [bare, ...shown] = allPassing.tests;
  assert.ok(bare !== undefined);
  const unseen = judge({ tests: [{ ...bare, evidence: {} }, ...shown], brokenFiles: [] });
  assert.deepEqual([unseen.passed, unseen.unseen], [170, ['R-7.2.1.1-1']]);
  assert.equal(isComplete(unseen), false);
  const missing = judge({ ...allPassing, tests: allPassing.tests.slice(1) });
  assert.deepEqual([missing.passed, missing.missing], [169, ['R-7.2.1.1-1']]);
  assert.equal(isComplete(missing), false);
  const failed = judge({
    ...allPassing,
    tests: [...allPassing.tests, result('R-7.2.1.9-2: gone', { passed: false })],
  });
  assert.deepEqual([failed.passed, failed.failed], [169, ['R-7.2.1.9-2']]);
  assert.equal(isComplete(judge({ ...allPassing, brokenFiles: ['test/conformance/x.test.ts'] })), false);
});

test('evidence: a line of a message before one of the trace; of tests the one that shows more, then the own clause', () => {
  const id = 'R-7.2.1.4-3b';
  const trace = 'decision trace: R-7.2.1.4-3b refuse';
  const refused = 'SIP/2.0 486 Busy Here · Warning: 399 example.net "Too many participants"';
  const shownOf = (...tests: readonly Partial<TestResult>[]) => {
    const run = { tests: tests.map((of) => result(`${id}: it`, of)), brokenFiles: [] };
    const verdict = judge(run).all.find((row) => row.statement.id === id);
    return [verdict?.evidence, verdict?.tests[0]?.file];
  };
  const [other, own] = ['test/conformance/7.2.1.03-x.test.ts', 'test/conformance/7.2.1.04-x.test.ts'];
  assert.deepEqual(shownOf({ file: own, evidence: { [id]: [trace, refused] } }), [refused, own]);
  assert.deepEqual(shownOf({ file: own, evidence: { [id]: [trace] } }), [trace, own]);
  assert.deepEqual(shownOf({ file: own, evidence: { 'R-7.2.1.4-3': [refused] } }), [undefined, own]);
  const traced = { file: own, evidence: { [id]: [trace] } };
  const wired = { file: other, evidence: { [id]: [refused] } };
  assert.deepEqual(shownOf(traced, wired), [refused, other]);
  assert.deepEqual(shownOf(wired, { ...wired, file: own }), [refused, own]);
  assert.deepEqual(shownOf(wired, { ...traced, passed: false }), [trace, own], 'a failure before all else');
});

test('the page: counts, readings with their settings, a failure that cannot be missed', () => {
  const page = conformancePage(judge(allPassing), RUN);
  assert.match(page, /^Parley meets \*\*170 of 170\*\* statements/m);
  assert.match(page, /^\| R-7\.2\.1\.5-1 \| M \|.*\| \[A-27\]\(#readings\) \|.*\| pass \|$/m);
  assert.match(page, /^- \*\*A-27\*\* .*`readings\.goneSession`/m);
  assert.match(page, /^\| \*\*All\*\* \| \| 151 of 151 \| 13 of 13 \| 6 of 6 \| 170 of 170 \|$/m);
  assert.doesNotMatch(page, /\| {2}\|/, 'an empty cell, or a reading without words');
  assert.equal(page.match(/\| pass \|$/gm)?.length, 170);
  assert.doesNotMatch(page, /Without a passing test/);
  assert.equal(conformancePage(judge(allPassing), RUN), page);
  const [first, ...others] = allPassing.tests;
  assert.ok(first !== undefined);
  const worse = conformancePage(
    judge({ tests: [{ ...first, passed: false }, ...others.slice(1)], brokenFiles: [] }),
    RUN,
  );
  assert.match(worse, /^Parley meets \*\*168 of 170\*\*/m);
  assert.match(worse, /^Without a passing test: `R-7\.2\.1\.1-1`, `R-7\.2\.1\.1-2`\.$/m);
  assert.match(worse, /^\| R-7\.2\.1\.1-1 .*\*\*FAIL\*\* \|$/m);
  assert.match(worse, /^\| R-7\.2\.1\.1-2 .*\*\*no test\*\* \|$/m);
});

test('every reading that a statement names has words of its own', () => {
  const named = new Set(STATEMENTS.flatMap(({ readings }) => readings));
  assert.deepEqual(
    [...named].filter((reading) => READING_TEXTS[reading] === undefined),
    [],
  );
});

test('cells hold whatever a line holds; what differs from run to run is left out', () => {
  const evidence = { 'R-7.2.1.1-2': ['Allow: INVITE | `ACK`'] };
  const page = conformancePage(
    judge({ tests: [result('R-7.2.1.1-2: x', { evidence })], brokenFiles: [] }),
    RUN,
  );
  assert.match(page, /\| `` Allow: INVITE \\\| `ACK` `` \| pass \|/);
  assert.equal(
    stable(
      'Contact: <sip:im-s-0a1b2c3d4e5f@example.net>;tag=x1 at 127.0.0.1:40123 of sip:ada-12@example.net',
    ),
    'Contact: <sip:im-s-…@example.net>;tag=… at 127.0.0.1:… of sip:ada@example.net',
  );
  assert.equal(stable('a=path:msrp://127.0.0.1:5000/s3cret;tcp'), 'a=path:msrp://127.0.0.1:…/…;tcp');
});

/** A run of tests inside of a test is refused by node:test; in a process of its own it is not. */
async function runApart(folder: string, files: readonly string[]): Promise<RunResults> {
  const program = join(folder, 'run.mjs');
  const runner = pathToFileURL(join(ROOT, 'test/conformance/report/run-tests.ts')).href;
  await writeFile(
    program,
    `import { runTests } from ${JSON.stringify(runner)};
     console.log(JSON.stringify(await runTests({ files: ${JSON.stringify(files)} })));`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return JSON.parse(execFileSync(process.execPath, [program], { env, encoding: 'utf8' })) as RunResults;
}

test('a run: each test with its own lines, also of one loop and side by side; hooks and skips count against', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-report-'));
  const helper = pathToFileURL(join(ROOT, 'test/conformance/support/evidence.ts')).href;
  const write = async (name: string, body: string) => {
    const file = join(folder, name);
    await writeFile(
      file,
      `import { after, before, describe, it, test } from 'node:test';
       import { evidence } from ${JSON.stringify(helper)};\n${body}`,
    );
    return relative(ROOT, file);
  };
  const good = await write(
    'good.test.ts',
    `describe('d', { concurrency: 3 }, () => {
       before((context) => context.diagnostic?.('evidence R-7.2.1.4-3: of no test'));
       for (const n of [3, 1, 2]) it('R-7.2.1.4-' + n + ': it', async () => {
         await new Promise((resolve) => setTimeout(resolve, n * 20));
         evidence('R-7.2.1.4-' + n, 'line\\r\\n ' + n + ' ' + 'x'.repeat(900));
         if (n === 2) throw new Error('two\\nis bad');
       });
     });
     test.skip('R-7.2.1.4-4: not run', () => {});
     test('R-7.2.1.4-5: whole', async (t) => {
       evidence('R-7.2.1.4-5 R-7.2.1.4-7', 'the whole');
       evidence('', 'for none');
       await t.test('R-7.2.1.4-6: part', () => {});
     });`,
  );
  const bad = await write('bad.test.ts', `test('one', () => {}); after(() => { throw new Error('no'); });`);
  try {
    const { tests, brokenFiles } = await runApart(folder, [good, bad]);
    assert.deepEqual(
      tests.map(({ name, ids, passed, evidence, failure }) => [
        name,
        ids,
        passed,
        Object.keys(evidence),
        failure,
      ]),
      [
        ['R-7.2.1.4-3: it', ['R-7.2.1.4-3'], true, ['R-7.2.1.4-3'], undefined],
        ['R-7.2.1.4-1: it', ['R-7.2.1.4-1'], true, ['R-7.2.1.4-1'], undefined],
        ['R-7.2.1.4-2: it', ['R-7.2.1.4-2'], false, ['R-7.2.1.4-2'], 'two'],
        ['R-7.2.1.4-6: part', ['R-7.2.1.4-6'], true, [], undefined],
        ['R-7.2.1.4-5: whole', ['R-7.2.1.4-5'], true, ['R-7.2.1.4-5', 'R-7.2.1.4-7'], undefined],
        ['one', [], true, [], undefined],
      ],
    );
    const [line = ''] = tests[1]?.evidence['R-7.2.1.4-1'] ?? [];
    assert.match(line, /^line 1 x+…$/);
    assert.equal(line.length, 600);
    assert.deepEqual(brokenFiles, [bad]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
