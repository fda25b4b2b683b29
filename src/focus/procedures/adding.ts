/** 7.2.1.7 Adding participants: REFER without a method in Refer-To, or with method=INVITE. */
import type { ResourceListEntry } from '../../documents/resource-lists.ts';
import { privacyValues } from '../../sip/option-tags.ts';
import { referTo } from '../../sip/refer.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { resourceListsOf } from '../bodies.ts';
import { hasKey, type LegRow, type ReferOutcome, takesSeat } from '../conference.ts';
import { forbidden, refusal } from '../decision.ts';
import { inviteUser } from '../invitation.ts';
import { mayAdd, mayBeAdded } from '../policy/adding.ts';
import { rightsIn } from '../policy/group-policy.ts';
import { done, type Outcome, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { openReferSubscription } from '../refer-subscription.ts';
import { putLegs } from '../user-plane.ts';
import type { World } from '../world.ts';
import { acceptRefer, findReferrer, ReferTurn, referSubHeader, replyTag } from './refer-steps.ts';

const TOO_MANY = refusal(486, 'Busy Here', 'Too many participants');

export class AddingTurn extends ReferTurn {
  /** Each user once. */
  targets: readonly ResourceListEntry[] = [];
  /** The targets that are not in the session and may be added. */
  newTargets: readonly ResourceListEntry[] = [];
  /** The targets that the adding policy does not allow. */
  barred: readonly ResourceListEntry[] = [];
  /** Hides the referrer from the invited (R-7.2.1.7-2-note). */
  isPrivate = false;
  outcomes: readonly ReferOutcome[] = [];
}

export const adding: Procedure<AddingTurn> = {
  clause: '7.2.1.7',
  name: 'Adding participants',
  steps: [
    step('R-7.2.1.7-0', 'REFER to invite', () => pass('Refer-To has no method, or INVITE')),
    step('R-7.2.1.7-1', 'the sender takes part and may add users (7.2.2.7)', (turn) => {
      const why = findReferrer(turn);
      if (why !== undefined) return refuse(why);
      const grant = mayAdd(turn.work, turn.world, turn.verified);
      return grant.isGranted
        ? pass(`${turn.verified.primary}: ${grant.by}`)
        : refuse(
            forbidden('the user is not allowed to add participants'),
            `${turn.verified.primary}: ${grant.by}`,
          );
    }),
    step('R-7.2.1.7-2', 'chat alias when privacy is requested (7.2.3.2)', (turn) => {
      if (!privacyValues(turn.request).some((value) => ['id', 'user', 'header'].includes(value)))
        return skip('no privacy is requested');
      const { group } = turn.work.row;
      if (group !== undefined && !rightsIn(group, turn.verified, turn.world.nowMs).rights.anonymity) {
        return turn.world.settings.readings.anonymityRefused === 'show'
          ? skip('no rule grants allow-anonymity: the address is shown (readings.anonymityRefused)')
          : refuse(forbidden('anonymity is not allowed in this group'), 'no rule grants allow-anonymity');
      }
      turn.isPrivate = true;
      return done('the invited users do not see who adds them');
    }),
    step('R-7.2.1.7-3', 'take the users from the request', takeTargets),
    step('A-34', 'one of the users at least may be added (7.2.2.7)', ({ targets, barred }) => {
      if (barred.length === 0) return pass('all of them');
      const found = `not ${barred.map(({ uri }) => uri).join(', ')} (readings.addingTargets)`;
      return barred.length === targets.length
        ? refuse(forbidden('none of the users may be added to this group'), found)
        : pass(found);
    }),
    step('R-7.2.1.7-4', 'the participants do not exceed the maximum', (turn) => {
      const { work, world } = turn;
      const isAdHoc = work.row.kind === 'ad-hoc';
      const maximum = isAdHoc ? world.settings.adHoc.maxParticipants : work.row.group?.maxParticipantCount;
      const isChecked = isAdHoc || world.settings.readings.addingCountsGroup;
      if (maximum === undefined || !isChecked) return pass('no maximum applies');
      const count =
        work.participants.filter(takesSeat).length +
        turn.newTargets.filter(({ uri }) => !isHistoryFunction(world, uri)).length;
      const found = `${count} with the new ones, at most ${maximum}`;
      // For groups the clause is silent; without this check a full group could be entered by REFER.
      return count > maximum ? refuse(TOO_MANY, found) : pass(found);
    }),
    step('R-7.2.1.7-5', 'a 2xx (RFC 3515)', (turn) => {
      acceptRefer(turn);
      return done('202');
    }),
    step('R-7.2.1.7-6', 'Supported: norefersub outside a dialog', ({ inLeg }) =>
      done(inLeg === undefined ? 'outside a dialog' : 'in a dialog, where it does no harm'),
    ),
    step('R-7.2.1.7-7', 'Refer-Sub: false is echoed', ({ request }) =>
      done(`Refer-Sub ${referSubHeader(request)}`),
    ),
    step('R-7.2.1.7-9', 'invite the allowed users (7.2.2.2)', inviteTargets),
    step('R-7.2.1.7-10', 'NOTIFYs on the progress of each INVITE', (turn) => {
      if (!turn.wantsProgress) return skip('Refer-Sub is false');
      openReferSubscription(
        turn.work,
        turn.world,
        {
          request: turn.request,
          origin: turn.origin,
          toTag: replyTag(turn),
          leg: turn.inLeg,
          participant: turn.referrer.id,
        },
        turn.outcomes,
      );
      return done(`${turn.outcomes.length} user(s)`);
    }),
  ],
};

/** -3a one user from Refer-To, -3b several from the resource-list body that Refer-To names by cid:. */
function takeTargets(turn: AddingTurn): Outcome {
  const target = referTo(turn.request);
  const list: readonly ResourceListEntry[] =
    target.kind === 'uri'
      ? [{ uri: target.uri, copyControl: 'to', anonymize: false, ...named(target.displayName) }]
      : (resourceListsOf(turn.request, target.contentId) ?? []);
  const { maxListEntries } = turn.world.settings.limits;
  if (list.length === 0)
    return refuse(refusal(400, 'Bad Request', 'the request names no users in a resource-lists body'));
  if (list.length > maxListEntries)
    return refuse(TOO_MANY, `${list.length} entries, at most ${maxListEntries} are read`);
  const seen = new Set<string>();
  turn.targets = list.filter(({ uri }) => {
    const key = addressKey(uri);
    return seen.has(key) ? false : seen.add(key);
  });
  const absent = turn.targets.filter(({ uri }) => {
    const key = addressKey(uri);
    return (
      turn.work.participants.find((row) => row.presence !== 'disconnected' && hasKey(row, [key])) ===
      undefined
    );
  });
  turn.newTargets = absent.filter(({ uri }) => mayBeAdded(turn.work, turn.world, uri));
  turn.barred = absent.filter((entry) => !turn.newTargets.includes(entry));
  const how = target.kind === 'uri' ? '-3a' : '-3b';
  return done(
    `${how}: ${turn.targets.map(({ uri }) => uri).join(', ')}; ${turn.newTargets.length} not yet there`,
  );
}

/** R-7.2.1.4-3-note: one that was brought in by REFER takes no seat either. */
function isHistoryFunction({ settings }: World, uri: string): boolean {
  const key = addressKey(uri);
  return settings.history.functions.some((configured) => addressKey(configured) === key);
}

function named(displayName: string | undefined): { readonly displayName?: string } {
  return displayName === undefined ? {} : { displayName };
}

/** Who is in the session already counts as reached, who is barred as refused. */
function inviteTargets(turn: AddingTurn): Outcome {
  const { work, world, origin } = turn;
  const inviter = turn.isPrivate ? anonymous(turn) : turn.referrer;
  const legs: LegRow[] = [];
  turn.outcomes = turn.targets.map((entry) => {
    if (turn.barred.includes(entry)) return { status: 403 };
    if (!turn.newTargets.includes(entry)) return { status: 200 };
    const key = addressKey(entry.uri);
    const known = work.participants.find((row) => hasKey(row, [key]));
    const { left: _, ...before } = known ?? {
      id: `user-${world.ids.token(60)}`,
      keys: [key],
      address: canonicalAddress(entry.uri),
      role: isHistoryFunction(world, entry.uri) ? ('history' as const) : ('user' as const),
    };
    const participant = work.participants.put({
      ...before,
      ...named(entry.displayName),
      presence: 'invited',
      joined: 'dialed-out',
      isExpelled: false,
    });
    const leg = inviteUser(work, world, { participant, inviter, kam: origin.transaction.kam });
    legs.push(leg);
    return { leg: leg.id };
  });
  if (legs.length === 0) return skip('all of them are in the session');
  putLegs(work, legs, false);
  work.rosterChanged();
  return done(turn.newTargets.map(({ uri }) => uri).join(', '));
}

/** The referrer as the invited users see them: an alias they have anyway, else one for this invitation. */
function anonymous(turn: AddingTurn) {
  const { referrer, world } = turn;
  if (referrer.alias !== undefined) return referrer;
  return { ...referrer, alias: `"Anonymous" <sip:anonymous.${world.ids.token(40)}@anonymous.invalid>` };
}
