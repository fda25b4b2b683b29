/** 7.2.2.7 IM Session adding policy, and who may remove others. */
import { isGroupMember } from '../../documents/group-rights.ts';
import type { ParticipantRow } from '../conference.ts';
import type { Originator } from '../originator.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';
import { rightsIn } from './group-policy.ts';

export interface Grant {
  readonly isGranted: boolean;
  /** What granted or denied it, in words for the trace. */
  readonly by: string;
}

/** A group's allow-invite-users-dynamically; in an ad-hoc session every participant may add. */
export function mayAdd(work: Work, world: World, originator: Originator): Grant {
  const { group } = work.row;
  if (group === undefined)
    return { isGranted: true, by: 'every participant of an ad-hoc session may add users' };
  const { rights, grantedBy } = rightsIn(group, originator, world.nowMs);
  return rights.addUsers
    ? { isGranted: true, by: `allow-invite-users-dynamically by ${grantedBy('addUsers')}` }
    : { isGranted: false, by: 'no rule grants allow-invite-users-dynamically' };
}

/** Anybody may be added; with readings.addingTargets `members` only who is in the group's list. */
export function mayBeAdded({ row }: Work, { settings }: World, uri: string): boolean {
  if (row.group === undefined || settings.readings.addingTargets === 'any') return true;
  return isGroupMember(row.group, [uri]);
}

/** A group's allow-expelling; in an ad-hoc session who set it up. Everybody may remove themselves. */
export function mayRemove(
  work: Work,
  world: World,
  originator: Originator,
  sender: ParticipantRow,
  target: ParticipantRow,
): Grant {
  if (sender.id === target.id) return { isGranted: true, by: 'everybody may leave' };
  const { group } = work.row;
  if (group === undefined) {
    return sender.id === work.row.initiator
      ? { isGranted: true, by: 'who set up an ad-hoc session may remove participants' }
      : { isGranted: false, by: 'only who set up an ad-hoc session may remove participants' };
  }
  const { rights, grantedBy } = rightsIn(group, originator, world.nowMs);
  return rights.expel
    ? { isGranted: true, by: `allow-expelling by ${grantedBy('expel')}` }
    : { isGranted: false, by: 'no rule grants allow-expelling' };
}
