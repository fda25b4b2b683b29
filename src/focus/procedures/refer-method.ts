/** Which clause takes a REFER: its method in Refer-To decides. */
import { ParseError } from '../../lib/errors.ts';
import type { SipRequest } from '../../sip/message.ts';
import { type ReferTarget, referTo } from '../../sip/refer.ts';
import { methodOf, resourceListsOf } from '../bodies.ts';
import { refusal } from '../decision.ts';
import { pass, refuse, type Step, skip, step } from '../procedure.ts';
import type { World } from '../world.ts';

export interface ReferMethodTurn {
  readonly world: World;
  readonly target: Pick<ReferTarget, 'method'>;
  clause: '7.2.1.7' | '7.2.1.8' | undefined;
}

/**
 * The method of Refer-To, or the one that all entries of its list agree on (RFC 5368 section 9). A list that cannot be read,
 * or does not agree, is for the clause to refuse: it looks at the sender first. @throws ParseError
 */
export function askedOf(request: SipRequest): Pick<ReferTarget, 'method'> {
  const target = referTo(request);
  if (target.kind === 'uri' || target.params.has('method')) return target;
  const [first, ...others] = listedMethods(request, target.contentId);
  return first !== undefined && others.every((method) => method === first) ? { method: first } : target;
}

function listedMethods(request: SipRequest, contentId: string): readonly string[] {
  try {
    return (resourceListsOf(request, contentId) ?? []).map((entry) => methodOf(entry) ?? 'INVITE');
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

export const referMethod: readonly Step<ReferMethodTurn>[] = [
  step('R-7.2.1.7-0', 'no method, or INVITE: users are to be added', (turn) => {
    if (turn.target.method !== 'INVITE') return skip(turn.target.method);
    turn.clause = '7.2.1.7';
    return pass('7.2.1.7');
  }),
  step('7.2.1.8', 'BYE: a participant is to be removed', (turn) => {
    if (turn.target.method !== 'BYE') return skip(turn.target.method);
    turn.clause = '7.2.1.8';
    return pass('7.2.1.8');
  }),
  step('RFC3515-2.4.2', 'the method in Refer-To is served', ({ world, target, clause }) => {
    if (clause !== undefined) return pass(clause);
    const { referOther } = world.settings.readings;
    return refuse(
      refusal(
        referOther,
        referOther === 501 ? 'Not Implemented' : 'Forbidden',
        `REFER with method ${target.method} is not served here`,
      ),
    );
  }),
];
