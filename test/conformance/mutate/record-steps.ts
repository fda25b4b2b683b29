/**
 * Loaded with `--import`: prints every step that the modules of src/focus make while they load, as JSON lines
 * (`{ ids, title, isCheck }`) on stdout. A check is a step that may refuse. Steps of tables that are not exported are found too.
 */
import { registerHooks } from 'node:module';

const PROCEDURE = /\/src\/focus\/procedure\.ts$/;

registerHooks({
  load(url, context, nextLoad) {
    if (!PROCEDURE.test(url)) return nextLoad(url, context);
    const original = JSON.stringify(`${url}?original`);
    const source = `
      import { step as make } from ${original};
      export * from ${original};
      export function step(ids, title, run) {
        process.stdout.write(JSON.stringify({ ids: [ids].flat(), title, isCheck: /\\brefuse\\(/.test(String(run)) }) + '\\n');
        return make(ids, title, run);
      }`;
    return { format: 'module', source, shortCircuit: true };
  },
});
