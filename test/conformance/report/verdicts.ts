/** Statement by statement: which tests carry it, what they saw, and whether it is proven. */
import type { RunResults, TestResult } from './collect.ts';
import { STATEMENT_IDS, STATEMENTS, type Statement } from './statements.ts';

/** `failed`: a test that carries the statement failed; `missing`: no test carries it. */
export type Result = 'passed' | 'failed' | 'missing';

export interface Verdict {
  readonly statement: Statement;
  readonly result: Result;
  /** All tests that carry it; the one shown is the first. */
  readonly tests: readonly TestResult[];
  /** The line that the test shown has asserted on. */
  readonly evidence?: string;
}

export interface Verdicts {
  readonly all: readonly Verdict[];
  readonly passed: number;
  readonly failed: readonly string[];
  readonly missing: readonly string[];
  /** Passed, but no test has shown a line of what it saw. */
  readonly unseen: readonly string[];
  /** Named by tests and no statement: `R-7.2.1.99-1 in FILE`. */
  readonly unknown: readonly string[];
  readonly brokenFiles: readonly string[];
}

export function judge({ tests, brokenFiles }: RunResults): Verdicts {
  const all = STATEMENTS.map((statement) => judgeOne(statement, tests));
  const unknown = tests.flatMap(({ file, unknown: ids, evidence }) =>
    [...ids, ...Object.keys(evidence).filter((id) => id.startsWith('R-') && !STATEMENT_IDS.has(id))].map(
      (id) => `${id} in ${file}`,
    ),
  );
  return {
    all,
    passed: all.filter(({ result }) => result === 'passed').length,
    failed: idsWith(all, 'failed'),
    missing: idsWith(all, 'missing'),
    unseen: idsOf(all.filter(({ result, evidence }) => result === 'passed' && evidence === undefined)),
    unknown: [...new Set(unknown)],
    brokenFiles,
  };
}

/** Every statement has a test and a line, every test passed, and nothing is misnamed. */
export function isComplete({ passed, all, unseen, unknown, brokenFiles }: Verdicts): boolean {
  return passed === all.length && [unseen, unknown, brokenFiles].every((faults) => faults.length === 0);
}

function idsWith(all: readonly Verdict[], wanted: Result): readonly string[] {
  return idsOf(all.filter(({ result }) => result === wanted));
}

function idsOf(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.map(({ statement }) => statement.id);
}

function judgeOne(statement: Statement, run: readonly TestResult[]): Verdict {
  const carrying = run.filter(({ ids }) => ids.includes(statement.id));
  if (carrying.length === 0) return { statement, result: 'missing', tests: [] };
  const result = carrying.every(({ passed }) => passed) ? 'passed' : 'failed';
  // What the reader is shown: a failure before all else, then a line of a message, then the clause's own file.
  const rank = (test: TestResult): number =>
    (test.passed ? 8 : 0) + 2 * kindOf(lineOf(statement, test)) + Number(!isOfClause(statement, test));
  const tests = carrying.toSorted((a, b) => rank(a) - rank(b));
  const line = tests[0] === undefined ? undefined : lineOf(statement, tests[0]);
  return { statement, result, tests, ...(line === undefined ? {} : { evidence: line }) };
}

/** What begins a line of the decision trace; others are of messages. */
export const TRACE_PREFIX = 'decision trace: ';

/** A line of a message, else one of the decision trace. */
function lineOf({ id }: Statement, { evidence }: TestResult): string | undefined {
  const lines = evidence[id] ?? [];
  return lines.find((line) => !line.startsWith(TRACE_PREFIX)) ?? lines[0];
}

function kindOf(line: string | undefined): 0 | 1 | 2 {
  if (line === undefined) return 2;
  return line.startsWith(TRACE_PREFIX) ? 1 : 0;
}

/** `7.2.1.4` and `test/conformance/7.2.1.04-joining.test.ts` */
function isOfClause({ clause }: Statement, { file }: TestResult): boolean {
  const numbers = /\/(\d+(?:\.\d+)+)-[^/]*$/.exec(file)?.[1];
  return numbers?.split('.').map(Number).join('.') === clause;
}
