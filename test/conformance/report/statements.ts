/**
 * The normative statements of 7.2.1.1 to 7.2.1.12, one row each, in the order of the text. Ids, levels and protocol
 * tokens are facts of the change request; the titles are our words.
 */
import type { Level, Observed } from './statement-row.ts';
import { IN_SESSION } from './statements-in-session.ts';
import { SET_UP_AND_JOINING } from './statements-set-up.ts';

export interface Statement {
  readonly id: string;
  /** `7.2.1.4` */
  readonly clause: string;
  readonly level: Level;
  readonly observed: readonly Observed[];
  readonly title: string;
  /** The readings of the specification that apply (`A-3`). */
  readonly readings: readonly string[];
}

export const CLAUSES: Readonly<Record<string, string>> = {
  '7.2.1.1': 'General: the 200 to an initial INVITE',
  '7.2.1.2': 'Ad-hoc group set-up',
  '7.2.1.3': 'Pre-defined group set-up',
  '7.2.1.4': 'Joining a pre-defined group session',
  '7.2.1.5': 'Rejoining',
  '7.2.1.6': 'Session modification',
  '7.2.1.7': 'Adding participants',
  '7.2.1.8': 'REFER with method BYE',
  '7.2.1.9': 'Removing a participant',
  '7.2.1.10': 'BYE received',
  '7.2.1.11': 'Session refresh',
  '7.2.1.12': 'Subscribing to participant information',
};

export const STATEMENTS: readonly Statement[] = [...SET_UP_AND_JOINING, ...IN_SESSION].map(
  ([id, level, observed, title, readings = '']) => ({
    id,
    clause: clauseOf(id),
    level,
    observed: observed.split(' ') as Observed[],
    title,
    readings: readings.split(' ').filter((reading) => reading !== ''),
  }),
);

export const STATEMENT_IDS: ReadonlySet<string> = new Set(STATEMENTS.map(({ id }) => id));

/** `R-7.2.1.4-3b` → `7.2.1.4` */
export function clauseOf(id: string): string {
  return /^R-(7\.2\.1\.\d+)-/.exec(id)?.[1] ?? '';
}
