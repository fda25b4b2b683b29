/** What `npm test` holds against a run of the conformance tests, and against the page that is in the repository. */
import type { RunResults, TestResult } from './collect.ts';
import { type Row, rowOf, rowsOf, seenCell, testCell, withReadings } from './page.ts';
import { judge, type Verdict } from './verdicts.ts';

/** Relative to the project. */
export const CONFORMANCE_PAGE = 'docs/conformance.md';

const REMEDY = '`npm run conformance` writes it anew';

/** One line for each kind of fault; none when every statement is proven and the page says what the run has shown. */
export function conformanceFaults(results: RunResults, page: string): readonly string[] {
  const verdicts = judge(results);
  const { all, failed, missing, unseen, unknown } = verdicts;
  const stale = [
    ...staleRows(all, rowsOf(page)),
    ...(page === withReadings(page) ? [] : ['the part from "Readings" on']),
  ];
  const faults: readonly (readonly [what: string, items: readonly string[]])[] = [
    ['statements without a passing test', [...missing, ...failed]],
    ['statements of which no test shows a line (evidence)', unseen],
    ['named by a test, but no statement', unknown],
    [`${CONFORMANCE_PAGE} is stale; ${REMEDY}`, briefly(stale)],
  ];
  return faults
    .filter(([, items]) => items.length > 0)
    .map(([what, items]) => `conformance: ${what}: ${items.join(', ')}`);
}

/** A page that is stale all over is told in a line that can still be read. */
const MAX_LISTED = 20;

function briefly(items: readonly string[]): readonly string[] {
  const more = items.length - MAX_LISTED;
  return more > 0 ? [...items.slice(0, MAX_LISTED), `${more} more`] : items;
}

/** A statement that is not proven is told as that, and its row is not looked at. */
function staleRows(all: readonly Verdict[], rows: ReadonlyMap<string, Row>): readonly string[] {
  const known = new Set(all.map(({ statement }) => statement.id));
  const stray = [...rows.keys()].filter((id) => !known.has(id)).map((id) => `${id} (no such statement)`);
  const stale = all
    .filter(({ result }) => result === 'passed')
    .flatMap((verdict) => {
      const why = staleness(verdict, rows.get(verdict.statement.id));
      return why === undefined ? [] : [`${verdict.statement.id} (${why})`];
    });
  return [...stray, ...stale];
}

/**
 * Why this row does not say what the run has shown. Any test that carries the statement, and any line that it has
 * shown of it, will do: a test that is added makes no page stale.
 */
function staleness(verdict: Verdict, row: Row | undefined): string | undefined {
  if (row === undefined) return 'no row';
  const wanted = rowOf(verdict);
  for (const cell of ['level', 'statement', 'reading', 'result'] as const)
    if (row[cell] !== wanted[cell]) return `another ${cell}`;
  const test = verdict.tests.find((candidate) => testCell(candidate) === row.test);
  if (test === undefined) return 'a test that did not run';
  return linesOf(test, row.id).includes(row.seen) ? undefined : 'a line that was not seen';
}

function linesOf({ evidence }: TestResult, id: string): readonly string[] {
  return (evidence[id] ?? []).map(seenCell);
}
