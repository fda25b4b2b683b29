/** 7.2.1.8 REFER with method=BYE: leave the session, or remove a participant from it. */
import { referTo } from '../../sip/refer.ts';
import { addressKey, canonicalAddress, parseUri } from '../../sip/uri.ts';
import { hasKey, isLive, type ParticipantRow } from '../conference.ts';
import { forbidden, refusal } from '../decision.ts';
import { mayRemove } from '../policy/adding.ts';
import { done, type Outcome, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { openReferSubscription, tellReferrers } from '../refer-subscription.ts';
import { applyReleasePolicy, removeParticipant } from '../removal.ts';
import { shown } from '../shown.ts';
import { acceptRefer, findReferrer, ReferTurn, referSubHeader, replyTag } from './refer-steps.ts';

export class ReferByeTurn extends ReferTurn {
  target: ParticipantRow | undefined = undefined;
}

export const referBye: Procedure<ReferByeTurn> = {
  clause: '7.2.1.8',
  name: 'REFER BYE',
  steps: [
    step('R-7.2.1.8-1', 'the sender is authenticated and authorised', (turn) => {
      const why = findReferrer(turn);
      return why === undefined ? pass(`${turn.verified.primary} takes part`) : refuse(why);
    }),
    step('R-7.2.1.8-2', 'look at the URI in Refer-To', examineTarget),
    step('R-7.2.1.8-2a-i', 'a 2xx', (turn) => {
      acceptRefer(turn);
      return done('202');
    }),
    step('R-7.2.1.8-2a-ii', 'Supported: norefersub outside a dialog', ({ inLeg }) =>
      done(inLeg === undefined ? 'outside a dialog' : 'in a dialog, where it does no harm'),
    ),
    step('R-7.2.1.8-2a-iii', 'Refer-Sub: false is echoed', ({ request }) =>
      done(`Refer-Sub ${referSubHeader(request)}`),
    ),
    step('R-7.2.1.8-3', 'NOTIFYs on the progress of the BYE', openProgress),
    step('R-7.2.1.8-2a-v', 'remove the participant (7.2.1.9)', (turn) => {
      const { work, world, trace, target, referrer } = turn;
      if (target === undefined) throw new Error('The target was not found before this step.');
      const isSelf = target.id === referrer.id;
      if (!isSelf) work.participants.put({ ...target, isExpelled: true });
      removeParticipant(work, world, trace, target, {
        method: isSelf ? 'departed' : 'booted',
        reason: isSelf ? 'left by REFER' : 'removed by another participant',
      });
      work.rosterChanged();
      return done(target.address);
    }),
    step('R-7.2.1.8-2a-vi', 'release policy (7.2.2.8)', ({ work, world, trace }) =>
      done(applyReleasePolicy(work, world, trace)),
    ),
    step('R-7.2.1.8-2a-vii', 'subscription termination (7.2.2.11)', () => done('with the end of each leg')),
  ],
};

function examineTarget(turn: ReferByeTurn): Outcome {
  const { work, world, request } = turn;
  const refer = referTo(request);
  if (refer.kind !== 'uri')
    return refuse(refusal(400, 'Bad Request', 'Refer-To must name one user or the session'));
  if (parseUri(refer.uri).user === work.row.id) {
    turn.target = turn.referrer;
    return pass('-2a: the session identity: the sender leaves');
  }
  const key = addressKey(refer.uri);
  turn.target = work.participants.find(
    (row) =>
      (hasKey(row, [key]) || addressKey(shown(row).uri) === key) &&
      work.legs.find((leg) => leg.participant === row.id && isLive(leg)) !== undefined,
  );
  if (turn.target === undefined) {
    return refuse(
      forbidden('the user to remove does not take part in the session'),
      `-2b: ${canonicalAddress(refer.uri)} is not there`,
    );
  }
  const grant = mayRemove(work, world, turn.verified, turn.referrer, turn.target);
  return grant.isGranted
    ? pass(`-2a: participant ${turn.target.address}; ${grant.by}`)
    : refuse(forbidden('the user is not allowed to remove participants'), `-2b: ${grant.by}`);
}

/** -2a-ix and -3 are one series of NOTIFYs. In a dialog that the BYE ends, the result is told before it. */
function openProgress(turn: ReferByeTurn): Outcome {
  const { work, world, target, inLeg, referrer } = turn;
  if (!turn.wantsProgress) return skip('Refer-Sub is false');
  const leg = work.legs.find((row) => row.participant === target?.id && isLive(row));
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
    leg === undefined ? [{ status: 200 }] : [{ leg: leg.id }],
  );
  if (leg !== undefined && leg.id === inLeg?.id)
    tellReferrers(work, world, leg.id, { status: 200, reason: 'OK' });
  return done('-2a-ix');
}
