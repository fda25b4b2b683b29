/**
 * Loaded with `--import` into every process of a mutant (NODE_OPTIONS): src/focus/procedure.ts is then seen through a
 * module whose `runSteps` leaves out the steps that carry the id in PARLEY_TEST_DISABLED_STEP, lets pass what those in
 * PARLEY_TEST_LENIENT_STEP refuse, or takes the reason away from the refusals of those in PARLEY_TEST_SILENT_STEP. The
 * product knows nothing of it.
 *
 * PARLEY_TEST_DISABLED_STEP_TRACE=kept: the decision trace still shows the step, as done. Who fails then has seen it missing
 * on the wire, not in the trace alone.
 */
import { registerHooks } from 'node:module';

const PROCEDURE = /\/src\/focus\/procedure\.ts$/;

if (
  process.env['PARLEY_TEST_DISABLED_STEP'] !== undefined ||
  process.env['PARLEY_TEST_SILENT_STEP'] !== undefined ||
  process.env['PARLEY_TEST_LENIENT_STEP'] !== undefined
) {
  registerHooks({
    load(url, context, nextLoad) {
      if (!PROCEDURE.test(url)) return nextLoad(url, context);
      // What stands here shadows the same name of the original; the query makes that a module of its own.
      const original = JSON.stringify(`${url}?original`);
      const source = `
        import { runSteps as runAll } from ${original};
        export * from ${original};
        const disabled = process.env.PARLEY_TEST_DISABLED_STEP;
        const silent = process.env.PARLEY_TEST_SILENT_STEP;
        const lenient = process.env.PARLEY_TEST_LENIENT_STEP;
        const isTraced = process.env.PARLEY_TEST_DISABLED_STEP_TRACE === 'kept';
        const carries = ({ id, also }, wanted) => id === wanted || also.includes(wanted);
        const inert = (step) => ({ ...step, run: () => ({ verdict: 'done', found: 'disabled' }) });
        const unexplained = (outcome) =>
          outcome.verdict === 'refuse' ? { ...outcome, refusal: { ...outcome.refusal, warning: '' } } : outcome;
        const passing = (outcome) =>
          outcome.verdict === 'refuse' ? { verdict: 'pass', found: outcome.found } : outcome;
        const changed = (step) =>
          carries(step, lenient) ? { ...step, run: (context) => passing(step.run(context)) } :
          carries(step, silent) ? { ...step, run: (context) => unexplained(step.run(context)) }
          : carries(step, disabled) ? inert(step)
          : step;
        export function runSteps(steps, context, trace) {
          const kept = isTraced ? steps : steps.filter((step) => !carries(step, disabled));
          return runAll(kept.map(changed), context, trace);
        }`;
      return { format: 'module', source, shortCircuit: true };
    },
  });
}
