/**
 * Which statements the name of a test carries. Ids stand in full (`R-7.2.1.4-3b`), after one of the same clause also
 * short (`R-7.2.1.4-3, -3b`), and in a row of the text (`R-7.2.1.4-9a to -9c`, both ends included).
 */
import { clauseOf, STATEMENT_IDS, STATEMENTS } from './statements.ts';

export interface NamedIds {
  readonly ids: readonly string[];
  /** What looks like an id and is none. */
  readonly unknown: readonly string[];
}

const FULL = /R-7\.2\.1\.\d+-[0-9a-z]+(?:-[0-9a-z]+)*/g;
const SHORT = /^(?:,? and |[,;]? |, ?)(-[0-9a-z]+(?:-[0-9a-z]+)*)/;
const UP_TO = /^ to (?:R-7\.2\.1\.\d+)?(-[0-9a-z]+(?:-[0-9a-z]+)*)/;

export function idsOf(name: string): NamedIds {
  const ids = new Set<string>();
  const unknown = new Set<string>();
  const put = (id: string) => (STATEMENT_IDS.has(id) ? ids : unknown).add(id);
  for (const match of name.matchAll(FULL)) {
    const clause = clauseOf(match[0]);
    let last = match[0];
    let at = match.index + last.length;
    put(last);
    for (;;) {
      const rest = name.slice(at);
      const upTo = UP_TO.exec(rest);
      const next = upTo ?? SHORT.exec(rest);
      if (next === null) break;
      const id = `R-${clause}${next[1]}`;
      // A dash in the prose is no id: only what is one is taken.
      if (upTo === null && !STATEMENT_IDS.has(id)) break;
      if (upTo === null) put(id);
      else for (const between of row(last, id)) put(between);
      last = id;
      at += next[0].length;
    }
  }
  return { ids: [...ids], unknown: [...unknown] };
}

/** Of a statement, a reading, another clause or an RFC: `R-7.2.1.4-3b`, `-3b`, `A-39`, `7.2.2.10`, `RFC3261-15`. */
const ID = /(?:R-7\.2\.1\.\d+)?-[0-9a-z]+(?:-[0-9a-z]+)*|A-\d+|\d+(?:\.\d+)+|RFC\d+-\d+(?:\.\d+)*/;
const LEADING = new RegExp(`^(?:(?:${ID.source})(?:,? and | to |[,;:]? ))+`);

/** The name as a reader wants it beside the ids. */
export function withoutIds(name: string): string {
  return name.replace(LEADING, '');
}

/** The statements from one to the other, in the order of the text. */
function row(first: string, last: string): readonly string[] {
  const from = STATEMENTS.findIndex(({ id }) => id === first);
  const to = STATEMENTS.findIndex(({ id }) => id === last);
  if (from < 0 || to < from) return [last];
  return STATEMENTS.slice(from, to + 1).map(({ id }) => id);
}
