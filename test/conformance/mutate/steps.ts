/** The mutants that the steps of all procedure tables allow, and the tests whose rows carry their ids. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformanceFiles, ROOT } from '../report/run-tests.ts';
import { STATEMENT_IDS, STATEMENTS } from '../report/statements.ts';
import { idsOf } from '../report/test-ids.ts';

/**
 * What can be taken from the product: the steps that carry an id; of those that may refuse, the refusal alone (`check`);
 * or the reason that it tells (`warning`, the statements `-warn`).
 */
export interface Mutant {
  /** That of the steps, of the statement `-warn`, or with CHECK at its end. */
  readonly id: string;
  readonly kind: 'step' | 'check' | 'warning';
  /** The id of the steps that are changed. */
  readonly of: string;
  /** One id may stand in several tables. */
  readonly titles: readonly string[];
}

/** Ends the id of a mutant that lets everything pass. */
const CHECK = '/check';

/** The id that a test carries which must miss it. */
export function statementOf({ id }: Mutant): string {
  return id.endsWith(CHECK) ? id.slice(0, -CHECK.length) : id;
}

export interface Row {
  readonly file: string;
  /** The name as far as it is fixed in the source: up to the first `${`. */
  readonly name: string;
}

interface RecordedStep {
  readonly ids: readonly string[];
  readonly title: string;
  readonly isCheck: boolean;
}

/** Every mutant: statements in the order of the specification, then the steps that other standards ask for. */
export function allMutants(): Mutant[] {
  const steps = recordedSteps();
  const mutants: Mutant[] = [];
  for (const of of new Set(steps.flatMap(({ ids }) => ids))) {
    const own = steps.filter(({ ids }) => ids.includes(of));
    const titles = [...new Set(own.map(({ title }) => title))];
    mutants.push({ id: of, kind: 'step', of, titles });
    if (own.some(({ isCheck }) => isCheck)) mutants.push({ id: `${of}${CHECK}`, kind: 'check', of, titles });
    if (STATEMENT_IDS.has(`${of}-warn`)) mutants.push({ id: `${of}-warn`, kind: 'warning', of, titles });
  }
  const order = new Map(STATEMENTS.map(({ id }, index) => [id, index]));
  const rank = (mutant: Mutant) => order.get(statementOf(mutant)) ?? order.size;
  return mutants.sort((one, other) => rank(one) - rank(other));
}

function recordedSteps(): RecordedStep[] {
  const recorder = fileURLToPath(new URL('./record-steps.ts', import.meta.url));
  const program = `await import(${JSON.stringify(join(ROOT, 'src/focus/decide.ts'))});
    await import(${JSON.stringify(join(ROOT, 'src/focus/decide-outcome.ts'))});`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const output = execFileSync(
    process.execPath,
    ['--import', recorder, '--input-type=module', '--eval', program],
    { env, encoding: 'utf8' },
  );
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedStep);
}

/** All tests of the conformance files, read from their source: a name stands right after `test(` or `it(`. */
export function allRows(): Row[] {
  return conformanceFiles().flatMap((file) => rowsOf(file, readFileSync(join(ROOT, file), 'utf8')));
}

export function rowsOf(file: string, source: string): Row[] {
  return [...source.matchAll(/\b(?:test|it)\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)].map(
    ([, quote, text = '']) => {
      const fixed = quote === '`' ? (text.split('${')[0] ?? '') : text;
      return { file, name: fixed.replaceAll(/\\(.)/g, '$1') };
    },
  );
}

/** The rows of an id, those in the file of its clause first: they are the ones most likely to miss it. */
export function rowsInOrder(id: string, rows: readonly Row[]): Row[] {
  const number = /^R-7\.2\.1\.(\d+)-/.exec(id)?.[1];
  const own = number === undefined ? undefined : `/7.2.1.${number.padStart(2, '0')}-`;
  const rank = ({ file }: Row) => (own !== undefined && file.includes(own) ? 0 : 1);
  return rowsFor(id, rows).sort((a, b) => rank(a) - rank(b) || a.file.localeCompare(b.file, 'en'));
}

/** The rows that carry an id: a statement as the page counts it, another one as a word of the name. */
export function rowsFor(id: string, rows: readonly Row[]): Row[] {
  if (id.startsWith('R-')) return rows.filter(({ name }) => idsOf(name).ids.includes(id));
  return rows.filter(({ name }) => name.split(/[\s,;:()]+/).includes(id));
}

/** Matches these names and, where the rest of one is computed, whatever follows. */
export function namePattern({ name }: Row): RegExp {
  return new RegExp(name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').trimEnd());
}
