import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunResults, TestResult } from '../conformance/report/collect.ts';
import { CONFORMANCE_PAGE, conformanceFaults } from '../conformance/report/gate.ts';
import { conformancePage, withReadings } from '../conformance/report/page.ts';
import { ROOT } from '../conformance/report/run-tests.ts';
import { STATEMENTS } from '../conformance/report/statements.ts';
import { idsOf } from '../conformance/report/test-ids.ts';
import { judge } from '../conformance/report/verdicts.ts';

const OF = { version: '0.1.0', date: '2026-11-22', kamailio: '5.6.3' };
const FIRST = 'R-7.2.1.1-1';

function shows(id: string, line: string, of: Partial<TestResult> = {}): TestResult {
  const name = of.name ?? `${id} does | what it should`;
  const file = 'test/conformance/x.test.ts';
  return { file, name, passed: true, durationMs: 1, ...idsOf(name), evidence: { [id]: [line] }, ...of };
}

const lineOf = (id: string, port: number): string =>
  `SIP/2.0 200 OK · Contact: <sip:127.0.0.1:${port}> | ${id}`;

function runOf(port: number): TestResult[] {
  return STATEMENTS.map(({ id }) => shows(id, lineOf(id, port)));
}

const asRun = (tests: readonly TestResult[]): RunResults => ({ tests, brokenFiles: [] });
const page = conformancePage(judge(asRun(runOf(5060))), OF);
const faultsOf = (tests: readonly TestResult[], of = page) => conformanceFaults(asRun(tests), of);
const withFirst = (...instead: readonly TestResult[]) => [...instead, ...runOf(5060).slice(1)];

test('a run with other ports, further tests and further lines leaves the page as good as it was', () => {
  assert.deepEqual(faultsOf(runOf(40_123)), []);
  const more = shows(FIRST, 'BYE sip:a@b SIP/2.0', {
    file: 'test/conformance/7.2.1.01-a.test.ts',
    name: `${FIRST}: more`,
  });
  assert.deepEqual(faultsOf([more, ...runOf(6_060)]), []);
  const [first, ...others] = runOf(5060);
  assert.ok(first);
  const both = { ...first, evidence: { [FIRST]: ['SIP/2.0 180 Ringing', ...(first.evidence[FIRST] ?? [])] } };
  assert.deepEqual(faultsOf([both, ...others]), []);
  assert.deepEqual(
    faultsOf(runOf(5060), page.replace(/2026-11-22/, '2027-01-01').replace('5.6.3', '5.8.1')),
    [],
  );
});

test('a statement without a passing test is named, and only as that', () => {
  const fault = `conformance: statements without a passing test: ${FIRST}`;
  assert.deepEqual(faultsOf(withFirst()), [fault]);
  assert.deepEqual(faultsOf(withFirst(shows(FIRST, 'x', { passed: false }))), [fault]);
});

test('a statement whose tests show nothing is named', () => {
  const [fault = '', ...more] = faultsOf(withFirst(shows(FIRST, '', { evidence: {} })));
  assert.match(fault, /no test shows a line.*R-7\.2\.1\.1-1$/);
  assert.match(more.join(), /stale.*R-7\.2\.1\.1-1 \(a line that was not seen\)$/);
});

test('a page that names a test, a line, a title or a statement that the run did not have is stale, with its remedy', () => {
  const stale = (why: string) => [
    `conformance: docs/conformance.md is stale; \`npm run conformance\` writes it anew: ${why}`,
  ];
  assert.deepEqual(
    faultsOf(withFirst(shows(FIRST, lineOf(FIRST, 6_060), { name: `${FIRST} renamed` }))),
    stale(`${FIRST} (a test that did not run)`),
  );
  assert.deepEqual(
    faultsOf(withFirst(shows(FIRST, 'SIP/2.0 202 Accepted'))),
    stale(`${FIRST} (a line that was not seen)`),
  );
  const all = runOf(5060);
  const [row = ''] = /^\| R-7\.2\.1\.1-1 .*\n/m.exec(page) ?? [];
  assert.deepEqual(faultsOf(all, page.replace(row, '')), stale(`${FIRST} (no row)`));
  assert.deepEqual(
    faultsOf(all, page.replace(row, row.replace('| M |', '| S |'))),
    stale(`${FIRST} (another level)`),
  );
  assert.deepEqual(
    faultsOf(all, page.replace(row, row.replace('| pass |', '| **FAIL** |'))),
    stale(`${FIRST} (another result)`),
  );
  assert.deepEqual(
    faultsOf(all, page.replace(row, row + row.replace(FIRST, 'R-7.2.1.1-99'))),
    stale('R-7.2.1.1-99 (no such statement)'),
  );
});

test('a page whose readings are not those of the product is stale', () => {
  const fault =
    'conformance: docs/conformance.md is stale; `npm run conformance` writes it anew: the part from "Readings" on';
  const all = runOf(5060);
  assert.deepEqual(faultsOf(all, page.replace('- **A-22** ', '- **A-22** Once ')), [fault]);
  assert.deepEqual(faultsOf(all, page.slice(0, page.indexOf('## Readings'))), [fault]);
  assert.deepEqual(faultsOf(all, `${page}\nmore\n`), [fault]);
  assert.equal(withReadings(page.replace('- **A-22** ', '- **A-22** Once ')), page);
});

test('the readings of docs/conformance.md are those of the product', () => {
  const kept = readFileSync(join(ROOT, CONFORMANCE_PAGE), 'utf8');
  assert.ok(kept === withReadings(kept), '`npm run conformance -- --readings` writes them anew');
});

test('what a test names and is no statement is told', () => {
  const [fault] = faultsOf([...runOf(5060), shows('R-7.2.1.99-1', 'x')]);
  assert.equal(
    fault,
    'conformance: named by a test, but no statement: R-7.2.1.99-1 in test/conformance/x.test.ts',
  );
});
