/**
 * The IMS clauses (A-50): what a core in front of us set in a request. Its route is kept by the dialog (and mirrored by
 * Kamailio); what it charges by is taken here, and goes back to it and on with the invitations.
 */
import { header, listHeader, type SipRequest } from '../../sip/message.ts';
import type { HeaderLine } from '../decision.ts';
import { done, type Step, type StepIds, skip, step } from '../procedure.ts';
import type { RequestOrigin } from '../world.ts';

/** RFC 7315 sections 4.5 and 4.6. */
const CHARGING = ['P-Charging-Vector', 'P-Charging-Function-Addresses'] as const;

interface FromCore {
  readonly request: SipRequest;
  readonly origin: RequestOrigin;
  /** Filled in by the step. */
  charging: readonly HeaderLine[];
}

/**
 * Within the trust domain alone these fields mean anything (RFC 7315 section 6): from a user they are neither echoed nor
 * passed on, or anybody could have others charged.
 * @param routeSetOf of the dialog; without it the request makes one
 */
export function takeFromCore<C extends FromCore>(
  ids: StepIds,
  routeSetOf?: (turn: C) => readonly string[] | undefined,
): Step<C> {
  return step(ids, 'what the core routes and charges by, from a trusted one alone (A-50)', (turn) => {
    const { request, origin } = turn;
    const given = CHARGING.flatMap((name): HeaderLine[] => {
      const value = header(request, name);
      return value === undefined ? [] : [[name, value]];
    });
    const names = given.map(([name]) => name).join(' and ');
    if (origin.trust !== 'core') {
      if (given.length === 0) return skip('it comes from no trusted core');
      return skip(`${names} not believed of ${origin.trust === 'digest' ? 'a user' : 'who is not known'}`);
    }
    turn.charging = given;
    const routes = routeSetOf?.(turn) ?? listHeader(request, 'record-route');
    const [first] = routes;
    const route = first === undefined ? 'no route set' : `route set of ${routes.length} by ${first}`;
    return done(`from the core: ${route}; ${given.length === 0 ? 'nothing to charge by' : `${names} taken`}`);
  });
}
