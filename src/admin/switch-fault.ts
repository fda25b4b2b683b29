/** A switch that does not answer is told apart from a fault of ours. */
import { CodedError } from '../lib/errors.ts';
import { ProblemError } from './problem.ts';

/** `name` as people call it: `switch switch-0`, `the switch of the session`. */
export function switchFault(error: unknown, name: string): unknown {
  if (!(error instanceof CodedError) || !error.code.startsWith('ESL_')) return error;
  return new ProblemError('ADMIN_SWITCH_SILENT', `${name} did not take it: ${error.message}`);
}
