/** What a clause is about, in a few words. */
const CLAUSES: Readonly<Record<string, string>> = {
  '7.2.1.1': 'general',
  '7.2.1.2': 'ad-hoc set-up',
  '7.2.1.3': 'group set-up',
  '7.2.1.4': 'joining',
  '7.2.1.5': 'rejoining',
  '7.2.1.6': 'modification',
  '7.2.1.7': 'adding',
  '7.2.1.8': 'removing by REFER',
  '7.2.1.9': 'removal',
  '7.2.1.10': 'leaving',
  '7.2.1.11': 'expiry',
  '7.2.1.12': 'subscribing',
  '7.2.2.2': 'inviting',
  '7.2.2.6': 'session timer',
  '7.2.2.8': 'release',
  '7.2.2.10': 'notifying',
};

export function clauseText(clause: string): string {
  const words = CLAUSES[clause];
  return words === undefined ? clause : `${clause} ${words}`;
}

/** Statements are `R-7.2.1.4-3b`: the clause that they belong to. */
export function clauseOfStep(step: string): string | undefined {
  return /^R-(7(?:\.\d+)+)/.exec(step)?.[1];
}
