/** What is shown as it happens: who came and went, and what was refused. */
import type { DecisionSummary, SessionChange } from '../net/shapes.ts';
import { Ring } from './ring.ts';

export type Happening =
  | { readonly kind: 'change'; readonly at: string; readonly key: string; readonly change: SessionChange }
  | {
      readonly kind: 'refusal';
      readonly at: string;
      readonly key: string;
      readonly decision: DecisionSummary;
    };

const FIRST_REFUSAL = 400;
/** As many as anybody scrolls back; searches find the rest. */
export const MAX_HAPPENINGS = 400;

export class Happenings {
  readonly all = new Ring<Happening>(MAX_HAPPENINGS);
  /** Apart, so that a rush of joins does not wash them away. */
  readonly refusals = new Ring<Happening>(MAX_HAPPENINGS);
  /** Number of the newest decision; what a reconnect tells again is known by it. */
  #newest = 0;

  /** @returns false when it was told before */
  decision(decision: DecisionSummary): boolean {
    if (decision.id <= this.#newest) return false;
    this.#newest = decision.id;
    if (!isRefusal(decision)) return true;
    const happening = { kind: 'refusal', at: decision.at, key: `d${decision.id}`, decision } as const;
    this.all.push(happening);
    this.refusals.push(happening);
    return true;
  }

  /** Comes before its decision. @returns false when it was told before */
  change(change: SessionChange): boolean {
    if (change.decision <= this.#newest) return false;
    const who = change.participant ?? '';
    this.all.push({
      kind: 'change',
      at: change.at,
      key: `c${change.decision} ${change.change} ${who}`,
      change,
    });
    return true;
  }
}

/** What an OPTIONS of `parley doctor` gets refuses nobody. */
export function isRefusal({ status, trigger }: Pick<DecisionSummary, 'status' | 'trigger'>): boolean {
  return status !== null && status >= FIRST_REFUSAL && trigger !== 'probe';
}

/** The words of a Warning header field (RFC 3261 section 20.43): `399 host "words"`. */
export function warningWords(warning: string | null): string | null {
  if (warning === null) return null;
  const quoted = /"((?:[^"\\]|\\.)*)"/.exec(warning)?.[1];
  return quoted === undefined ? warning : quoted.replace(/\\(.)/g, '$1');
}
