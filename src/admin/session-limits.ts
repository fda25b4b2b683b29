/** What operators have set for a session, and the ETag that an edit of it names. */
import type { IncomingHttpHeaders } from 'node:http';
import type { LimitsNow } from '../focus/operator.ts';
import { checkPrecondition, etagOf } from './etag.ts';
import { ProblemError } from './problem.ts';
import type { SessionView } from './view.ts';

/** Joins, messages and timers do not change it; nor does the order of who is muted. */
export function limitsEtag({ maxParticipants, isFrozen, muted }: LimitsNow): string {
  return etagOf(JSON.stringify([maxParticipants, isFrozen, muted.toSorted()]));
}

export function limitsIn({
  maxParticipants,
  isFrozen,
  roster,
}: Pick<SessionView, 'maxParticipants' | 'isFrozen' | 'roster'>): LimitsNow {
  const muted = roster.filter(({ isMuted }) => isMuted).map(({ address }) => address);
  return { maxParticipants, isFrozen, muted };
}

/**
 * What If-Match says that the operator saw; undefined when any state will do, and for a session that takes no orders.
 * @throws ProblemError ADMIN_PRECONDITION_NEEDED, ADMIN_PRECONDITION_FAILED
 */
export async function limitsSeen(
  session: () => Promise<SessionView | undefined>,
  headers: IncomingHttpHeaders,
  isNeeded: boolean,
): Promise<LimitsNow | undefined> {
  const match = headers['if-match'];
  if (match === undefined) {
    if (!isNeeded) return undefined;
    throw new ProblemError(
      'ADMIN_PRECONDITION_NEEDED',
      'muted replaces the whole list: send If-Match with the ETag of the session that you read',
    );
  }
  if (match.trim() === '*') return undefined;
  const found = await session();
  if (found === undefined || found.phase === 'ended') return undefined;
  const limits = limitsIn(found);
  checkPrecondition({ 'if-match': match }, limitsEtag(limits));
  return limits;
}
