/** docs/mutation.md: each statement, what became of the product without it, and which test saw that. */
import { CLAUSES, clauseOf, STATEMENT_IDS, STATEMENTS } from '../report/statements.ts';
import { withoutIds } from '../report/test-ids.ts';
import { NOT_STEPS, NOT_TRIED } from './not-steps.ts';
import type { MutantResult } from './results.ts';
import { type Mutant, statementOf } from './steps.ts';

const MAX_FAILURE_CHARACTERS = 110;

const WHAT: Readonly<Partial<Record<Mutant['kind'], string>>> = {
  check: 'the refusal alone',
  warning: 'the text of the Warning',
};

export function mutationPage(
  mutants: readonly Mutant[],
  results: Readonly<Record<string, MutantResult>>,
): string {
  const statements = mutants.filter(({ id }) => STATEMENT_IDS.has(id));
  const checks = mutants.filter(({ kind, of }) => kind === 'check' && STATEMENT_IDS.has(of));
  const others = mutants.filter(
    ({ id }) => !id.startsWith('R-') && results[id] !== undefined && !NOT_TRIED.has(id),
  );
  const count = (fate: MutantResult['fate']) =>
    statements.filter(({ id }) => results[id]?.fate === fate).length;
  const survived = count('survived') + count('untested');
  const lines = [
    '# Mutation of the procedures',
    '',
    '<!-- Written by npm run conformance:mutate; do not edit. -->',
    '',
    'Each statement of 7.2.1 is a step of a procedure (src/focus/procedures). The command leaves the steps of one id out,',
    'starts the whole stack without them, and runs the conformance tests of that id until one fails. The decision trace',
    'still shows the step as done, so a test has to miss it on the wire, or miss what the trace says was found. `/check`',
    'leaves a step as it is but lets pass what it refuses; `-warn` takes the reason from the Warning of the refusal. A test',
    'counts only if it passes on the product as it is.',
    '',
    `Of ${STATEMENTS.length} statements ${statements.length} can be left out: ${count('killed') + count('late')} are missed, ${survived} are not. ` +
      `${NOT_STEPS.size} are no step (at the end). ${checks.length} check something: without the refusal alone ${checks.filter(({ id }) => isMissed(results[id])).length} are missed.`,
    '',
    triedAt(mutants.flatMap(({ id }) => results[id] ?? [])),
    '',
  ];
  for (const [clause, title] of Object.entries(CLAUSES)) {
    const own = mutants.filter((mutant) => clauseOf(statementOf(mutant)) === clause);
    lines.push(`## ${clause} ${title}`, '', ...table(own, results), '');
  }
  lines.push('## What other standards and readings ask for', '', ...table(others, results), '');
  lines.push('## Not left out', '', '| Id | Why |', '|---|---|');
  for (const [id, why] of [...NOT_STEPS, ...NOT_TRIED]) lines.push(`| ${id} | ${why} |`);
  return `${lines.join('\n')}\n`;
}

/** With `--results` not everything is of one run. */
function triedAt(results: readonly MutantResult[]): string {
  const counts = new Map<string, number>();
  for (const { run } of results) {
    const at = run === undefined ? 'a commit that is not known' : `commit ${run.commit} on ${run.date}`;
    counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  const byDate = [...counts].toSorted(([a], [b]) => dateIn(a).localeCompare(dateIn(b)));
  return `Tried at ${byDate.map(([at, count]) => `${at} (${count})`).join(', ')}.`;
}

function dateIn(at: string): string {
  return /[-\d]+$/.exec(at)?.[0] ?? '';
}

function isMissed(result: MutantResult | undefined): boolean {
  return result?.fate === 'killed' || result?.fate === 'late';
}

function table(mutants: readonly Mutant[], results: Readonly<Record<string, MutantResult>>): string[] {
  return [
    '| Id | Left out | Missed by | It said |',
    '|---|---|---|---|',
    ...mutants.map((mutant) => {
      const { by, said } = verdictOf(results[mutant.id]);
      const what = WHAT[mutant.kind] ?? mutant.titles.join(' · ');
      return `| ${mutant.id} | ${cell(what)} | ${cell(by)} | ${cell(said)} |`;
    }),
  ];
}

function verdictOf(result: MutantResult | undefined): { readonly by: string; readonly said: string } {
  if (result === undefined) return { by: '', said: 'not tried' };
  if (result.fate === 'survived') return { by: '**nobody**', said: `${result.passed.length} tests passed` };
  if (result.fate === 'untested') return { by: '**nobody**', said: 'no test ran' };
  if (result.by === undefined) return { by: 'its tests', said: 'no result in time' };
  const { file, name, failure } = result.by;
  const short = file.replace(/^test\/conformance\/|\.test\.ts$/g, '');
  return { by: `${short}: ${withoutIds(name)}`, said: failure };
}

/** Addresses, tags and numbers differ from run to run; the page should not. */
function cell(text: string): string {
  const steady = text
    .replaceAll(/\b[0-9a-f]{10,}\b/g, '…')
    .replaceAll(/\b(\w+)-\d+@/g, '$1@')
    .replaceAll(/im-s-[a-z0-9]+/g, 'im-s-…')
    .replaceAll(/:\d{4,5}\b/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim();
  return steady.length <= MAX_FAILURE_CHARACTERS ? steady : `${steady.slice(0, MAX_FAILURE_CHARACTERS - 1)}…`;
}
