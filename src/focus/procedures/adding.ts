/** 7.2.1.7 Adding participants: REFER without a method in Refer-To, or with method=INVITE. */
import type { ResourceListEntry } from '../../documents/resource-lists.ts';
import { privacyValues } from '../../sip/option-tags.ts';
import { type ReferTarget, referTo } from '../../sip/refer.ts';
import { readReplaces } from '../../sip/replaces.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { checkInvitable, methodOf, resourceListsOf } from '../bodies.ts';
import { hasKey, type LegRow, type ParticipantRow, type ReferOutcome, takesSeat } from '../conference.ts';
import { forbidden, refusal } from '../decision.ts';
import { inviteUser } from '../invitation.ts';
import { maximumUsers } from '../maximum-users.ts';
import { mayAdd, mayBeAdded } from '../policy/adding.ts';
import { anonymityInAdHoc, rightsIn } from '../policy/group-policy.ts';
import { by, done, type Outcome, type Procedure, pass, refuse, skip, step } from '../procedure.ts';
import { openReferSubscription } from '../refer-subscription.ts';
import { putLegs } from '../user-plane.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';
import { FROZEN } from './group-steps.ts';
import { ANONYMITY_NOT_ALLOWED } from './invite-steps.ts';
import { accepting, findReferrer, ReferTurn, replyTag, wantsProgress } from './refer-steps.ts';

const TOO_MANY = refusal(486, 'Busy Here', 'Too many participants');

type ReferUri = Extract<ReferTarget, { readonly kind: 'uri' }>;

export class AddingTurn extends ReferTurn {
  /** Each user once. */
  targets: readonly ResourceListEntry[] = [];
  /** The targets that are not in the session and may be added. */
  newTargets: readonly ResourceListEntry[] = [];
  /** The targets that the adding policy does not allow. */
  barred: readonly ResourceListEntry[] = [];
  /** Hides the referrer from the invited (R-7.2.1.7-2-note). */
  isPrivate = false;
  /** As the invited users see who adds them; undefined: the referrer as everybody does. */
  inviter: ParticipantRow | undefined = undefined;
  outcomes: readonly ReferOutcome[] = [];
}

export const adding: Procedure<AddingTurn> = {
  clause: '7.2.1.7',
  name: 'Adding participants',
  steps: [
    step('R-7.2.1.7-1', 'the sender takes part and may add users (7.2.2.7)', (turn) => {
      const why = findReferrer(turn);
      if (why !== undefined) return refuse(why);
      const grant = mayAdd(turn.work, turn.world, turn.verified);
      const found = `${turn.verified.primary}: ${grant.by}`;
      const barred = forbidden('the user is not allowed to add participants');
      return by(grant.rule, grant.isGranted ? pass(found) : refuse(barred, found));
    }),
    step('operator', 'the session takes newcomers', ({ work }) =>
      work.row.isFrozen === true ? refuse(FROZEN) : pass('no operator has frozen it'),
    ),
    step('R-7.2.1.7-2', 'chat alias when privacy is requested (7.2.3.2)', (turn) => {
      if (!privacyValues(turn.request).some((value) => ['id', 'user', 'header'].includes(value)))
        return skip('no privacy is requested');
      const { group } = turn.work.row;
      const inGroup = group === undefined ? undefined : rightsIn(group, turn.verified, turn.world.nowMs);
      const rule = inGroup?.ruleFor('anonymity');
      const inAdHoc = anonymityInAdHoc(turn.world.settings);
      if (!(inGroup?.rights.anonymity ?? inAdHoc.isAllowed)) {
        const found = inGroup?.wordsFor('anonymity') ?? inAdHoc.by;
        return by(
          rule,
          turn.world.settings.readings.anonymityRefused === 'show'
            ? skip(`${found}: the address is shown (readings.anonymityRefused)`)
            : refuse(ANONYMITY_NOT_ALLOWED, found),
        );
      }
      turn.isPrivate = true;
      return by(rule, done('the invited users do not see who adds them'));
    }),
    step(['R-7.2.1.7-3a', 'R-7.2.1.7-3'], 'one user, from Refer-To (RFC 3515)', (turn) => {
      const target = referTo(turn.request);
      if (target.kind !== 'uri') return skip('Refer-To names a list');
      checkInvitable(target.uri);
      const { uri, displayName } = target;
      turn.targets = [{ uri, anonymize: false, ...named(displayName), ...replacing(target) }];
      return done(uri);
    }),
    step(['R-7.2.1.7-3b', 'R-7.2.1.7-3'], 'several, from the list that Refer-To names (RFC 5368)', (turn) => {
      const target = referTo(turn.request);
      if (target.kind !== 'cid') return skip('Refer-To names one user');
      const list = resourceListsOf(turn.request, target.contentId) ?? [];
      const { maxListEntries } = turn.world.settings.limits;
      if (list.length === 0)
        return refuse(refusal(400, 'Bad Request', 'the request names no users in a resource-lists body'));
      if (list.some((entry) => (methodOf(entry) ?? 'INVITE') !== 'INVITE'))
        return refuse(refusal(400, 'Bad Request', 'the entries of the list ask for different methods'));
      if (list.length > maxListEntries)
        return refuse(TOO_MANY, `${list.length} entries, at most ${maxListEntries} are read`);
      turn.targets = list.filter((entry, index) => index === list.findIndex((one) => isSame(one, entry)));
      return done(turn.targets.map(({ uri }) => uri).join(', '));
    }),
    step('A-34', 'who of them is new, and may be added (7.2.2.7)', (turn) => {
      const { targets, work, world } = turn;
      const absent = targets.filter(({ uri }) => !isPresent(work, uri));
      turn.newTargets = absent.filter(({ uri }) => mayBeAdded(work, world, uri));
      turn.barred = absent.filter((entry) => !turn.newTargets.includes(entry));
      const isNew = `${turn.newTargets.length} of ${targets.length} not yet there`;
      if (turn.barred.length === 0) return pass(isNew);
      const found = `${isNew}; not ${turn.barred.map(({ uri }) => uri).join(', ')} (readings.addingTargets)`;
      return turn.barred.length === targets.length
        ? refuse(forbidden('none of the users may be added to this group'), found)
        : pass(found);
    }),
    step('R-7.2.1.7-4', 'the participants do not exceed the maximum', (turn) => {
      const { work, world } = turn;
      const isAdHoc = work.row.kind === 'ad-hoc';
      const maximum = maximumUsers(work.row, world.settings);
      const isOrdered = work.row.maxParticipants !== undefined;
      const isChecked = isAdHoc || isOrdered || world.settings.readings.addingCountsGroup;
      if (maximum === undefined || !isChecked) return pass('no maximum applies');
      const taken = work.participants.filter(takesSeat).length;
      const wanted = turn.newTargets.filter(({ uri }) => !isHistoryFunction(world, uri)).length;
      const found = `${taken} of ${maximum} seats are taken, ${wanted} more ${wanted === 1 ? 'is' : 'are'} asked for`;
      // For groups the clause is silent; without this check a full group could be entered by REFER.
      return taken + wanted > maximum ? refuse(TOO_MANY, found) : pass(found);
    }),
    ...accepting({
      core: 'R-7.2.1.7-ims',
      build: 'R-7.2.1.7-5',
      norefersub: 'R-7.2.1.7-6',
      referSub: 'R-7.2.1.7-7',
      send: 'R-7.2.1.7-8',
    }),
    step('R-7.2.1.7-2-note', 'the referrer is hidden from the invited users', (turn) => {
      if (!turn.isPrivate) return skip('no privacy is requested');
      turn.inviter = anonymous(turn);
      return done('they see an alias');
    }),
    step('R-7.2.1.7-9', 'invite the allowed users (7.2.2.2)', inviteTargets),
    wantsProgress('R-7.2.1.7-10-neg'),
    step(['R-7.2.1.7-10', 'R-7.2.1.7-note'], 'NOTIFYs on the progress of each INVITE', (turn) => {
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

function isSame(one: ResourceListEntry, other: ResourceListEntry): boolean {
  return addressKey(one.uri) === addressKey(other.uri);
}

function isPresent(work: Work, uri: string): boolean {
  const key = addressKey(uri);
  return work.participants.find((row) => row.presence !== 'disconnected' && hasKey(row, [key])) !== undefined;
}

/** R-7.2.1.4-3-note: one that was brought in by REFER takes no seat either. */
function isHistoryFunction({ settings }: World, uri: string): boolean {
  const key = addressKey(uri);
  return settings.history.functions.some((configured) => addressKey(configured) === key);
}

function named(displayName: string | undefined): { readonly displayName?: string } {
  return displayName === undefined ? {} : { displayName };
}

/** @throws ParseError */
function replacing({ uriHeaders }: ReferUri): { readonly replaces?: string } {
  const name = [...uriHeaders.keys()].find((key) => key.toLowerCase() === 'replaces');
  return name === undefined ? {} : { replaces: readReplaces(uriHeaders.get(name) ?? '') };
}

/** Who is in the session already counts as reached, who is barred as refused. */
function inviteTargets(turn: AddingTurn): Outcome {
  const { work, world, origin } = turn;
  const inviter = turn.inviter ?? turn.referrer;
  const legs: LegRow[] = [];
  turn.outcomes = turn.targets.map((entry) => {
    if (turn.barred.includes(entry))
      return { status: 403, warning: 'the user may not be added to this group' };
    if (!turn.newTargets.includes(entry)) return { status: 200 };
    const key = addressKey(entry.uri);
    const known = work.participants.find((row) => hasKey(row, [key]));
    const {
      left: _left,
      expelledBy: _by,
      ...before
    } = known ?? {
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
    const leg = inviteUser(work, world, {
      participant,
      uri: entry.uri,
      inviter,
      kam: origin.transaction.kam,
      replaces: entry.replaces,
    });
    legs.push(leg);
    return { leg: leg.id };
  });
  if (legs.length === 0) return skip('all of them are in the session');
  putLegs(work, world, legs, false);
  work.rosterChanged();
  return done(turn.newTargets.map(({ uri }) => uri).join(', '));
}

/** The referrer as the invited users see them: an alias they have anyway, else one for this invitation. */
function anonymous(turn: AddingTurn): ParticipantRow {
  const { referrer, world } = turn;
  if (referrer.alias !== undefined) return referrer;
  return { ...referrer, alias: `"Anonymous" <sip:anonymous.${world.ids.token(40)}@anonymous.invalid>` };
}
