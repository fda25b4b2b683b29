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
  /** The line that was asserted, where a test gave one. */
  readonly evidence?: string;
}

export interface Verdicts {
  readonly all: readonly Verdict[];
  readonly passed: number;
  readonly failed: readonly string[];
  readonly missing: readonly string[];
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
    unknown: [...new Set(unknown)],
    brokenFiles,
  };
}

/** Every statement has a test, every test passed, and nothing is misnamed. */
export function isComplete({ passed, all, unknown, brokenFiles }: Verdicts): boolean {
  return passed === all.length && unknown.length === 0 && brokenFiles.length === 0;
}

function idsWith(all: readonly Verdict[], wanted: Result): readonly string[] {
  return all.filter(({ result }) => result === wanted).map(({ statement }) => statement.id);
}

function judgeOne(statement: Statement, run: readonly TestResult[]): Verdict {
  const carrying = run
    .filter(({ ids }) => ids.includes(statement.id))
    .map((test) => ({ test, line: lineOf(statement, test) }));
  if (carrying.length === 0) return { statement, result: 'missing', tests: [] };
  const result = carrying.every(({ test }) => test.passed) ? 'passed' : 'failed';
  // What the reader is shown: a failure before all else, then the strongest evidence.
  const shown = carrying.toSorted(
    (a, b) => Number(a.test.passed) - Number(b.test.passed) || (a.line?.rank ?? 9) - (b.line?.rank ?? 9),
  );
  const [first] = shown;
  const tests = shown.map(({ test }) => test);
  return {
    statement,
    result,
    tests,
    ...(first?.line === undefined ? {} : { evidence: first.line.text }),
  };
}

export const TRACE_PREFIX = 'decision trace: ';

/** Own wire line, then a line of the test that speaks of the same things, then the decision trace. */
function lineOf(statement: Statement, test: TestResult): { text: string; rank: number } | undefined {
  const own = test.evidence[statement.id] ?? [];
  const wire = own.find((line) => !line.startsWith(TRACE_PREFIX));
  if (wire !== undefined) return { text: wire, rank: 0 };
  const { must, may } = tokensOf(statement);
  let best: { text: string; score: number } | undefined;
  for (const text of test.seen) {
    if (!must.every((token) => token.test(text))) continue;
    const score = [...must, ...may].filter((token) => token.test(text)).length;
    if (score === 0) continue;
    // Of NOTIFYs that say the same the last one is shown: the first has the state before anything happened.
    const isBetter = score > (best?.score ?? 0) || (score === best?.score && text.startsWith('NOTIFY'));
    if (isBetter) best = { text, score };
  }
  if (best !== undefined) return { text: best.text, rank: 1 };
  const [trace] = own;
  return trace === undefined ? undefined : { text: trace, rank: 2 };
}

interface Tokens {
  readonly must: readonly RegExp[];
  readonly may: readonly RegExp[];
}

/** Header fields and protocol words of a title; its status code, or the NOTIFY that it is seen in, must be there. */
function tokensOf({ title, observed }: Statement): Tokens {
  const words = title.match(/\b(?:[A-Z][A-Za-z]*(?:-[A-Z][a-z]+)*|accept-types|isfocus)\b/g) ?? [];
  const may = words.map((word) => new RegExp(`\\b${word}\\b`, 'i'));
  if (observed.every((plane) => plane === 'REF')) {
    // That none comes is shown by no line.
    return { must: [/\bNOTIFY\b.*refer.*sipfrag/], may };
  }
  if (observed.every((plane) => plane === 'CONF')) return { must: [/\bNOTIFY\b.*conference/], may };
  if (observed.includes('MSRP')) may.push(/^MSRP\b/);
  const status = /\b([1-6]\d\d|2xx)\b/.exec(title)?.[1];
  if (status === undefined) return { must: [], may };
  return { must: [new RegExp(`^SIP/2\\.0 ${status === '2xx' ? '2\\d\\d' : status}\\b`)], may };
}
