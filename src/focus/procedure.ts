/**
 * A procedure is a list of steps in the order of its clause; running it records what each step looked at.
 * Disabling a step must change what a client sees: that is how the conformance tests are proven.
 */
import type { Refusal, TraceStep } from './decision.ts';

export type Outcome =
  | { readonly verdict: 'pass' | 'done' | 'skip' | 'stop'; readonly found: string }
  | { readonly verdict: 'refuse'; readonly found: string; readonly refusal: Refusal };

export interface Step<C> {
  /** Requirement id, or the RFC section that asks for it. */
  readonly id: string;
  readonly title: string;
  run(context: C): Outcome;
}

export interface Procedure<C> {
  /** `7.2.1.4`, or what stands in for a clause. */
  readonly clause: string;
  readonly name: string;
  readonly steps: readonly Step<C>[];
}

export function step<C>(id: string, title: string, run: (context: C) => Outcome): Step<C> {
  return { id, title, run };
}

export const pass = (found: string): Outcome => ({ verdict: 'pass', found });
export const done = (found: string): Outcome => ({ verdict: 'done', found });
export const skip = (found: string): Outcome => ({ verdict: 'skip', found });
/** Ends the procedure without an error. */
export const stop = (found: string): Outcome => ({ verdict: 'stop', found });
export const refuse = (refusal: Refusal, found: string = refusal.warning): Outcome => ({
  verdict: 'refuse',
  found,
  refusal,
});

export class Trace {
  readonly steps: TraceStep[] = [];

  note(id: string, title: string, outcome: Outcome): void {
    this.steps.push({ id, title, verdict: outcome.verdict, found: outcome.found });
  }
}

/** Runs steps until one refuses or stops. */
export function runSteps<C>(
  steps: readonly Step<C>[],
  context: C,
  trace: Trace,
): Refusal | 'completed' | 'stopped' {
  for (const { id, title, run } of steps) {
    const outcome = run(context);
    trace.note(id, title, outcome);
    if (outcome.verdict === 'refuse') return outcome.refusal;
    if (outcome.verdict === 'stop') return 'stopped';
  }
  return 'completed';
}
