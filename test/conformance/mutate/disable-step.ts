/**
 * Loaded with `--import` into every process of a mutant (NODE_OPTIONS): src/focus/procedure.ts is then seen through a
 * module whose `runSteps` leaves out the steps with the id in PARLEY_TEST_DISABLED_STEP. The product knows nothing of it.
 *
 * PARLEY_TEST_DISABLED_STEP_TRACE=kept: the decision trace still shows the step, as done. Who fails then has seen it missing
 * on the wire, not in the trace alone.
 */
import { registerHooks } from 'node:module';

const PROCEDURE = /\/src\/focus\/procedure\.ts$/;

if (process.env['PARLEY_TEST_DISABLED_STEP'] !== undefined) {
  registerHooks({
    load(url, context, nextLoad) {
      if (!PROCEDURE.test(url)) return nextLoad(url, context);
      // What stands here shadows the same name of the original; the query makes that a module of its own.
      const original = JSON.stringify(`${url}?original`);
      const source = `
        import { runSteps as runAll } from ${original};
        export * from ${original};
        const disabled = process.env.PARLEY_TEST_DISABLED_STEP;
        const isTraced = process.env.PARLEY_TEST_DISABLED_STEP_TRACE === 'kept';
        const inert = (step) => ({ ...step, run: () => ({ verdict: 'done', found: 'disabled' }) });
        export function runSteps(steps, context, trace) {
          const others = isTraced
            ? steps.map((step) => (step.id === disabled ? inert(step) : step))
            : steps.filter(({ id }) => id !== disabled);
          return runAll(others, context, trace);
        }`;
      return { format: 'module', source, shortCircuit: true };
    },
  });
}
