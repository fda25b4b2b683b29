/** What the service has already decided for a Call-ID: why a request of yesterday got its answer, whatever is true now. */
import type { DecisionQuery, DecisionRecord } from '../focus/ports.ts';

export type DecisionsOf = (query: DecisionQuery) => readonly { readonly record: DecisionRecord }[];

/** The last ones tell what it came to; all of them are in the trace (GET /api/v1/decisions). */
const MAX_TOLD = 5;

/** The final answers of this Call-ID, newest first; none where nothing is kept of it. */
export function earlierAnswers(decisionsOf: DecisionsOf, callId: string | undefined): readonly string[] {
  if (callId === undefined || callId === '') return [];
  return decisionsOf({ callId, limit: 50 })
    .map(({ record }) => record)
    .filter(({ status = 0 }) => status >= 200)
    .slice(0, MAX_TOLD)
    .map(inWords);
}

function inWords({ atMs, trigger, status, warning, clause, procedure, steps }: DecisionRecord): string {
  const refused = steps.findLast(({ verdict }) => verdict === 'refuse');
  const because = refused === undefined ? '' : `; ${refused.id} ${refused.title}: ${refused.found}`;
  const text = warning === undefined ? '' : ` "${warning}"`;
  return `${new Date(atMs).toISOString()} ${status}${text} to the ${asked(trigger)}, by ${clause} ${procedure}${because}`;
}

/** A final answer may come with what others have done. */
function asked(trigger: string): string {
  if (trigger === 'probe') return 'OPTIONS';
  return trigger === trigger.toUpperCase() ? trigger : `INVITE, decided on a ${trigger}`;
}
