/**
 * Imported for its effect: every Node process of a test run keeps what it has compiled, types stripped, in
 * node_modules/.cache. A test file and each process of a stack start in about half the time, and there are hundreds.
 */
import { fileURLToPath } from 'node:url';

process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../../node_modules/.cache/compiled', import.meta.url),
);
