/** The steps of all procedure tables, and the tests whose rows carry their ids. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformanceFiles, ROOT } from '../report/run-tests.ts';
import { idsOf } from '../report/test-ids.ts';

export interface StepOfTable {
  readonly id: string;
  /** One id may stand in several tables. */
  readonly titles: readonly string[];
}

export interface Row {
  readonly file: string;
  /** The name as far as it is fixed in the source: up to the first `${`. */
  readonly name: string;
}

/** Every step in the order in which the tables are loaded. */
export function allSteps(): StepOfTable[] {
  const recorder = fileURLToPath(new URL('./record-steps.ts', import.meta.url));
  const program = `await import(${JSON.stringify(join(ROOT, 'src/focus/decide.ts'))});
    await import(${JSON.stringify(join(ROOT, 'src/focus/decide-outcome.ts'))});`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const output = execFileSync(
    process.execPath,
    ['--import', recorder, '--input-type=module', '--eval', program],
    { env, encoding: 'utf8' },
  );
  const titles = new Map<string, Set<string>>();
  for (const line of output.trim().split('\n')) {
    const { id, title } = JSON.parse(line) as { id: string; title: string };
    titles.set(id, (titles.get(id) ?? new Set()).add(title));
  }
  return [...titles].map(([id, own]) => ({ id, titles: [...own] }));
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

/** The rows that carry an id: a statement as the page counts it, another one as a word of the name. */
export function rowsFor(id: string, rows: readonly Row[]): Row[] {
  if (id.startsWith('R-')) return rows.filter(({ name }) => idsOf(name).ids.includes(id));
  return rows.filter(({ name }) => name.split(/[\s,;:()]+/).includes(id));
}

/** Matches these names and, where the rest of one is computed, whatever follows. */
export function namePattern({ name }: Row): RegExp {
  return new RegExp(name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').trimEnd());
}
