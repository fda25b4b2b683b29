/**
 * 7.2.1.8 REFER with method=BYE: leave the session, or remove a participant from it. The clause knows of one URI; for
 * a list (RFC 5368 section 9) the same is done for each user of it, and who cannot be removed is told as refused.
 */
import { referTo } from '../../sip/refer.ts';
import { addressKey, canonicalAddress, parseUri } from '../../sip/uri.ts';
import { methodOf, resourceListsOf } from '../bodies.ts';
import { hasKey, isLive, type LegRow, type ParticipantRow, type ReferOutcome } from '../conference.ts';
import { forbidden, refusal } from '../decision.ts';
import { endSubscriptionsOf } from '../leg-end.ts';
import { mayRemove } from '../policy/adding.ts';
import { by, done, type Outcome, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { openReferSubscription, tellReferrers } from '../refer-subscription.ts';
import { applyReleasePolicy, removeParticipant } from '../removal.ts';
import { shown } from '../shown.ts';
import type { Work } from '../work.ts';
import { accepting, findReferrer, ReferTurn, replyTag, wantsProgress } from './refer-steps.ts';

export class ReferByeTurn extends ReferTurn {
  /** The URI in Refer-To, or those of the list that it names. */
  referred: readonly Named[] = [];
  /** Whom that means and who is there, each once. */
  get targets(): readonly ParticipantRow[] {
    const found = this.referred.flatMap(({ target, barred }) =>
      target === undefined || barred ? [] : [target],
    );
    return found.filter(({ id }, index) => index === found.findIndex((other) => other.id === id));
  }
}

interface Named {
  readonly uri: string;
  /** Undefined: nobody in the session. */
  readonly target?: ParticipantRow | undefined;
  /** The sender may not remove them. */
  readonly barred: boolean;
}

const NOT_THERE = 'the user to remove does not take part in the session';
const NOT_ALLOWED = 'the user is not allowed to remove participants';

export const referBye: Procedure<ReferByeTurn> = {
  clause: '7.2.1.8',
  name: 'REFER BYE',
  steps: [
    step('R-7.2.1.8-1', 'the sender is authenticated and authorised', (turn) => {
      const why = findReferrer(turn);
      return why === undefined ? pass(`${turn.verified.primary} takes part`) : refuse(why);
    }),
    step('R-7.2.1.8-2', 'look at the URI in Refer-To', (turn) => {
      const refer = referTo(turn.request);
      const list = refer.kind === 'uri' ? [refer] : (resourceListsOf(turn.request, refer.contentId) ?? []);
      if (refer.kind === 'cid' && list.some((entry) => (methodOf(entry) ?? 'BYE') !== 'BYE'))
        return refuse(refusal(400, 'Bad Request', 'the entries of the list ask for different methods'));
      const uris = list.map(({ uri }) => uri);
      if (uris.length === 0)
        return refuse(refusal(400, 'Bad Request', 'the request names no users in a resource-lists body'));
      const { maxListEntries } = turn.world.settings.limits;
      if (uris.length > maxListEntries)
        return refuse(
          refusal(400, 'Bad Request', `${uris.length} entries, at most ${maxListEntries} are read`),
        );
      turn.referred = uris.map((uri) => ({ uri, barred: false }));
      return pass(uris.map(canonicalAddress).join(', '));
    }),
    step('R-7.2.1.8-2a', 'it is the session, or somebody in it, and the sender takes part (A-39)', (turn) => {
      const { work, referrer } = turn;
      const isSession = (uri: string) => parseUri(uri).user === work.row.id;
      turn.referred = turn.referred.map((named) => ({
        ...named,
        target: isSession(named.uri) ? referrer : participantAt(work, addressKey(named.uri)),
      }));
      const found = turn.referred.map(({ uri, target }) => {
        if (isSession(uri)) return '-2a: the session identity: the sender leaves';
        return target === undefined
          ? `-2b: ${canonicalAddress(uri)} is not there`
          : `-2a: participant ${target.address}`;
      });
      return turn.targets.length === 0 ? skip(found.join(', ')) : pass(found.join(', '));
    }),
    step(['R-7.2.1.8-2b-i', 'R-7.2.1.8-2b'], 'it is neither: 403', ({ targets, referred }) => {
      if (targets.length === 0) return refuse(forbidden(NOT_THERE));
      return pass(
        referred.length === 1 ? 'it is one of them' : `${targets.length} of ${referred.length} are there`,
      );
    }),
    // Who may remove whom is known only now that the URI was looked at.
    step(['R-7.2.1.8-1', 'A-39'], 'the sender may remove that participant', (turn) => {
      const { work, world, verified, referrer } = turn;
      const [first, ...others] = turn.targets;
      if (first === undefined) return skip('there is none');
      const grantFor = (target: ParticipantRow) => mayRemove(work, world, verified, referrer, target);
      turn.referred = turn.referred.map((named) => ({
        ...named,
        barred: named.target !== undefined && !grantFor(named.target).isGranted,
      }));
      // For all but the sender itself it is the same right.
      const grant = grantFor(others.find(({ id }) => id !== referrer.id) ?? first);
      return by(
        grant.rule,
        turn.targets.length > 0 ? pass(grant.by) : refuse(forbidden(NOT_ALLOWED), `-2b: ${grant.by}`),
      );
    }),
    ...accepting({
      core: 'R-7.2.1.8-ims',
      build: 'R-7.2.1.8-2a-i',
      norefersub: 'R-7.2.1.8-2a-ii',
      referSub: 'R-7.2.1.8-2a-iii',
      send: 'R-7.2.1.8-2a-iv',
    }),
    wantsProgress('A-40'),
    step(['R-7.2.1.8-3', 'R-7.2.1.8-note'], 'NOTIFYs on the progress of the BYE', openProgress),
    step('R-7.2.1.8-2a-ix', 'in a dialog that the BYE ends, the result is told before it (A-41)', (turn) => {
      const { work, world, targets, inLeg, wantsProgress: isWanted } = turn;
      const leg = targets.map((target) => legOf(work, target)).find((own) => own?.id === inLeg?.id);
      if (!isWanted || leg === undefined) return skip('it is told after the BYE');
      tellReferrers(work, world, leg.id, { status: 200, reason: 'OK' });
      return done('200');
    }),
    step('R-7.2.1.8-2a-v', 'remove the participant (7.2.1.9)', (turn) => {
      const { work, world, trace, targets, referrer } = turn;
      if (targets.length === 0) throw new Error('The target was not found before this step.');
      for (const target of targets) {
        const isSelf = target.id === referrer.id;
        if (!isSelf) {
          const expelledBy = { kind: 'participant', name: referrer.address } as const;
          work.participants.put({ ...target, isExpelled: true, expelledBy });
        }
        removeParticipant(work, world, trace, target, {
          method: isSelf ? 'departed' : 'booted',
          reason: isSelf ? 'left by REFER' : 'removed by another participant',
        });
      }
      work.rosterChanged();
      return done(targets.map(({ address }) => address).join(', '));
    }),
    step('R-7.2.1.8-2a-vi', 'release policy (7.2.2.8)', ({ work, world, trace }) =>
      done(applyReleasePolicy(work, world, trace)),
    ),
    // At once, not only when the client has answered the BYE: who is removed is told nothing more of the others.
    step('R-7.2.1.8-2a-vii', 'subscription termination (7.2.2.11)', ({ work, world, targets }) => {
      const count = targets.reduce((sum, target) => sum + endSubscriptionsOf(work, world, target), 0);
      return count === 0 ? skip('who is removed has no subscription') : done(`${count}: terminated`);
    }),
  ],
};

function participantAt(work: Work, key: string): ParticipantRow | undefined {
  return work.participants.find(
    (row) => (hasKey(row, [key]) || addressKey(shown(row).uri) === key) && legOf(work, row) !== undefined,
  );
}

function legOf(work: Work, { id }: ParticipantRow): LegRow | undefined {
  return work.legs.find((leg) => leg.participant === id && isLive(leg));
}

/** -2a-ix and -3 are one series of NOTIFYs. */
function openProgress(turn: ReferByeTurn): Outcome {
  const { work, world, inLeg, referrer } = turn;
  if (!turn.wantsProgress) return skip('Refer-Sub is false');
  const outcomes = outcomesOf(turn);
  openReferSubscription(
    work,
    world,
    {
      request: turn.request,
      origin: turn.origin,
      toTag: replyTag(turn),
      leg: inLeg,
      participant: referrer.id,
    },
    outcomes,
  );
  return done(
    outcomes.every(({ leg }) => leg === undefined)
      ? 'nobody is to be removed any more'
      : '100, and the result when there is one',
  );
}

/** One for each user that the list names, in its order. */
function outcomesOf({ work, referred }: ReferByeTurn): readonly ReferOutcome[] {
  const each = referred.filter(
    ({ target }, index) =>
      target === undefined || index === referred.findIndex((other) => other.target?.id === target.id),
  );
  return each.map(({ target, barred }) => {
    if (target === undefined) return { status: 403, warning: NOT_THERE };
    if (barred) return { status: 403, warning: NOT_ALLOWED };
    const leg = legOf(work, target);
    return leg === undefined ? { status: 200 } : { leg: leg.id };
  });
}
