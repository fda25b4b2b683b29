/** Who may do what in a group, user by user, with the rules that say so. */
import { allMembers, type GroupDocument, type RightName } from '../../documents/group-model.ts';
import { isGroupMember, rightsOf } from '../../documents/group-rights.ts';

export interface Granted {
  readonly allowed: boolean;
  readonly rules: readonly string[];
}

export interface UserRights {
  readonly user: string;
  readonly displayName: string | null;
  readonly isMember: boolean;
  readonly initiate: Granted;
  readonly join: Granted;
  readonly invite: Granted;
  readonly expel: Granted;
  readonly subscribe: Granted;
  readonly beAnonymous: Granted;
  readonly applied: readonly string[];
}

/** Any users, members or not. */
export function rightsOfUsers(group: GroupDocument, users: readonly string[], nowMs: number): UserRights[] {
  return users.map((user) => rightsRow(group, user, null, nowMs));
}

/** Members from the `from`th on, in list order. */
export function rightsOfMembers(
  group: GroupDocument,
  { from, limit }: { from: number; limit: number },
  nowMs: number,
): { items: UserRights[]; total: number } {
  const members = allMembers(group);
  return {
    items: members
      .slice(from, from + limit)
      .map(({ uri, displayName }) => rightsRow(group, uri, displayName ?? null, nowMs)),
    total: members.length,
  };
}

function rightsRow(
  group: GroupDocument,
  user: string,
  displayName: string | null,
  nowMs: number,
): UserRights {
  const { rights, rules, applied } = rightsOf(group, [user], nowMs);
  const granted = (right: RightName): Granted => ({ allowed: rights[right], rules: rules[right] });
  return {
    user,
    displayName,
    isMember: isGroupMember(group, [user]),
    initiate: granted('initiate'),
    join: granted('join'),
    invite: granted('addUsers'),
    expel: granted('expel'),
    subscribe: granted('conferenceState'),
    beAnonymous: granted('anonymity'),
    applied,
  };
}
