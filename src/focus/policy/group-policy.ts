/** 7.2.2.3 initiation, 7.2.2.9 joining and the other rights of a group document, with the rule that granted them. */
import type { GroupDocument, RightName } from '../../documents/group-model.ts';
import { type Rights, rightsOf } from '../../documents/group-rights.ts';
import type { Originator } from '../originator.ts';
import type { RequestTurn } from '../turn.ts';

export interface GroupRights {
  readonly rights: Rights;
  /** The rules that grant a right, in words for the trace. */
  grantedBy(right: RightName): string;
}

export function rightsIn(group: GroupDocument, originator: Originator, nowMs: number): GroupRights {
  // The keys too: sip:+n@domain;user=phone is also tel:+n, which its canonical address does not tell.
  const names = [...new Set([...originator.addresses, ...originator.keys])];
  const decision = rightsOf(group, names, nowMs);
  return {
    rights: decision.rights,
    grantedBy: (right) => {
      const rules = decision.rules[right];
      return rules.length === 0 ? 'default' : `rule ${rules.map((rule) => `"${rule}"`).join(', ')}`;
    },
  };
}

/** The rights of who sent the request in the group that it names. */
export function groupRights({ group, verified, world }: RequestTurn): GroupRights {
  if (group === undefined) throw new Error('The group was not found before this step.');
  return rightsIn(group, verified, world.nowMs);
}
