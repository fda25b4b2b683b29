/** 7.2.2.7 IM Session adding policy, and who may remove others. */
import type { GroupDocument } from '../../documents/group-model.ts';
import { isGroupMember } from '../../documents/group-rights.ts';
import { parseUri } from '../../sip/uri.ts';
import { hasKey, type ParticipantRow } from '../conference.ts';
import type { DecidingRule } from '../decision.ts';
import type { Originator } from '../originator.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';
import { rightsIn } from './group-policy.ts';

export interface Grant {
  readonly isGranted: boolean;
  /** What granted or denied it, in words for the trace. */
  readonly by: string;
  readonly rule?: DecidingRule;
}

/** A group's allow-invite-users-dynamically; in an ad-hoc session what `adHoc.mayAdd` says. */
export function mayAdd(work: Work, world: World, originator: Originator): Grant {
  const { group } = work.row;
  if (group === undefined)
    return adHocGrant(work, world.settings.adHoc.mayAdd, originator, 'add users (adHoc.mayAdd)');
  return grantIn(group, 'addUsers', originator, world);
}

/**
 * Anybody may be added; with readings.addingTargets `members` only who is in the group's list. A session takes
 * no part in a session: it would hear itself.
 */
export function mayBeAdded({ row }: Work, { settings, findConference }: World, uri: string): boolean {
  const { user } = parseUri(uri);
  if (user !== undefined && findConference(user) !== undefined) return false;
  if (row.group === undefined || settings.readings.addingTargets === 'any') return true;
  return isGroupMember(row.group, [uri]);
}

/** A group's allow-expelling; in an ad-hoc session what `adHoc.mayRemove` says. Everybody may remove themselves. */
export function mayRemove(
  work: Work,
  world: World,
  originator: Originator,
  sender: ParticipantRow,
  target: ParticipantRow,
): Grant {
  if (sender.id === target.id) return { isGranted: true, by: 'everybody may leave' };
  const { group } = work.row;
  if (group === undefined)
    return adHocGrant(work, world.settings.adHoc.mayRemove, originator, 'remove others (adHoc.mayRemove)');
  return grantIn(group, 'expel', originator, world);
}

const AD_HOC_WORDS = {
  participants: 'every participant',
  initiator: 'who set it up',
  nobody: 'nobody',
} as const;

function adHocGrant(work: Work, who: keyof typeof AD_HOC_WORDS, { keys }: Originator, what: string): Grant {
  const initiator = work.participants.get(work.row.initiator);
  const isInitiator = initiator !== undefined && hasKey(initiator, keys);
  return {
    isGranted: who === 'participants' || (who === 'initiator' && isInitiator),
    by: `in an ad-hoc session ${AD_HOC_WORDS[who]} may ${what}`,
  };
}

function grantIn(
  group: GroupDocument,
  right: 'addUsers' | 'expel',
  originator: Originator,
  { nowMs }: World,
): Grant {
  const { rights, ruleFor, wordsFor } = rightsIn(group, originator, nowMs);
  return { isGranted: rights[right], by: wordsFor(right), rule: ruleFor(right) };
}
