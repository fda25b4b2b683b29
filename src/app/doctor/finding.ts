/** What `doctor` has looked at, and what it thinks of it. */

/** fault: something does not work; warning: it works, and will surprise somebody; unknown: it could not be looked at. */
export type Verdict = 'good' | 'warning' | 'fault' | 'unknown';

export interface Finding {
  /** Whom it is about: `kamailio kam1`, `switch 127.0.0.1:8022`, `focus`, `freeswitch`. */
  readonly part: string;
  /** What was looked at, in a few words. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found there. */
  readonly found: string;
  /** What to do; with every warning and fault. */
  readonly mend?: string;
}

/** The findings of one part, in the order in which they were made. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #part: string;

  constructor(part: string) {
    this.#part = part;
  }

  good(check: string, found: string): void {
    this.all.push({ part: this.#part, check, verdict: 'good', found });
  }

  warning(check: string, found: string, mend: string): void {
    this.all.push({ part: this.#part, check, verdict: 'warning', found, mend });
  }

  fault(check: string, found: string, mend: string): void {
    this.all.push({ part: this.#part, check, verdict: 'fault', found, mend });
  }

  unknown(check: string, found: string): void {
    this.all.push({ part: this.#part, check, verdict: 'unknown', found });
  }
}
