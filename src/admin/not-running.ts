/** Why a session takes no orders: it is ending, has ended, or nobody knows it. */
import { ProblemError } from './problem.ts';
import type { AdminView } from './view.ts';

export async function notRunning(
  view: Pick<AdminView, 'session'>,
  id: string,
  kind: 'no-session' | 'ending',
): Promise<ProblemError> {
  if (kind === 'ending') return new ProblemError('ADMIN_CONFLICT', `session ${id} is ending`);
  // The focus forgets what has ended, the store keeps it for a while.
  return (await view.session(id)) === undefined
    ? new ProblemError('ADMIN_SESSION_NOT_FOUND', `no session ${id} is known`)
    : new ProblemError('ADMIN_CONFLICT', `session ${id} has ended`);
}
