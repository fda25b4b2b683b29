/**
 * A procedure is a list of steps in the order of its clause; running it records what each step looked at.
 * Disabling a step must change what a client sees: that is how the conformance tests are proven.
 */
import type { DecidingRule, Refusal, TraceStep } from './decision.ts';

export type Outcome =
  | {
      readonly verdict: 'pass' | 'done' | 'skip' | 'stop';
      readonly found: string;
      readonly rule?: DecidingRule;
    }
  | {
      readonly verdict: 'refuse';
      readonly found: string;
      readonly refusal: Refusal;
      readonly rule?: DecidingRule;
    };

export interface Step<C> {
  /** Requirement id, or the RFC section that asks for it. */
  readonly id: string;
  /** Ids of what else this one piece of work does: the same demand of another clause, a note, a heading. */
  readonly also: readonly string[];
  readonly title: string;
  run(context: C): Outcome;
}

export interface Procedure<C> {
  /** `7.2.1.4`, or what stands in for a clause. */
  readonly clause: string;
  readonly name: string;
  readonly steps: readonly Step<C>[];
  /** Steps of its own tell the conference subscribers what has changed; otherwise R-7.2.1.12-chg does (closing.ts). */
  readonly tellsSubscribers?: true;
}

/** One id, or several of which the first stands in the trace. */
export type StepIds = string | readonly [id: string, ...also: string[]];

export function step<C>(ids: StepIds, title: string, run: (context: C) => Outcome): Step<C> {
  const [id, ...also] = typeof ids === 'string' ? [ids] : ids;
  return { id, also, title, run };
}

export const pass = (found: string): Outcome => ({ verdict: 'pass', found });
export const done = (found: string): Outcome => ({ verdict: 'done', found });
export const skip = (found: string): Outcome => ({ verdict: 'skip', found });
/** The outcome with the rules of the group document that it rests on. */
export const by = (rule: DecidingRule | undefined, outcome: Outcome): Outcome =>
  rule === undefined ? outcome : { ...outcome, rule };
/** Ends the procedure without an error. */
export const stop = (found: string): Outcome => ({ verdict: 'stop', found });
export const refuse = (refusal: Refusal, found: string = refusal.warning): Outcome => ({
  verdict: 'refuse',
  found,
  refusal,
});

export class Trace {
  readonly steps: TraceStep[] = [];

  note(id: string, title: string, { verdict, found, rule }: Outcome): void {
    this.steps.push({ id, title, verdict, found, ...(rule === undefined ? {} : { rule }) });
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
