/** The steps of a decision, each with its mark and what was found. */
import type { DecisionView } from '../admin/view.ts';

const MARKS: Readonly<Record<string, string>> = { pass: '✓', done: '✓', skip: '·', stop: '■', refuse: '✗' };

export function stepLines(steps: DecisionView['steps']): string[] {
  const width = Math.max(...steps.map(({ id }) => id.length), 0);
  return steps.map(
    ({ id, title, verdict, found }) => `  ${MARKS[verdict] ?? '?'} ${id.padEnd(width)}  ${title}: ${found}`,
  );
}
