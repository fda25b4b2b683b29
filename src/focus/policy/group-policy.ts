/** 7.2.2.3 initiation, 7.2.2.9 joining and the other rights of a group document, with the rule that granted them. */
import { type GroupDocument, RIGHT_ELEMENTS, type RightName } from '../../documents/group-model.ts';
import { type Rights, rightsOf } from '../../documents/group-rights.ts';
import type { DecidingRule } from '../decision.ts';
import type { Originator } from '../originator.ts';
import type { RequestTurn } from '../turn.ts';
import type { FocusSettings } from '../world.ts';

export interface GroupRights {
  readonly rights: Rights;
  /** The rules behind a right. */
  ruleFor(right: RightName): DecidingRule;
  /** The same in words: `join-handling by rule "members"`. */
  wordsFor(right: RightName): string;
}

export function rightsIn(group: GroupDocument, originator: Originator, nowMs: number): GroupRights {
  // The keys too: sip:+n@domain;user=phone is also tel:+n, which its canonical address does not tell.
  const names = [...new Set([...originator.addresses, ...originator.keys])];
  const { rights, rules, applied } = rightsOf(group, names, nowMs);
  const ruleFor = (right: RightName): DecidingRule => ({
    right: RIGHT_ELEMENTS[right],
    grantedBy: rules[right],
    applied,
  });
  return { rights, ruleFor, wordsFor: (right) => ruleInWords(ruleFor(right), rights[right]) };
}

function ruleInWords({ right, grantedBy, applied }: DecidingRule, isGranted: boolean): string {
  if (isGranted) return `${right} by ${grantedBy.length === 0 ? 'default' : quoted(grantedBy)}`;
  const why = applied.length === 0 ? 'no rule applies to this user' : `what applies: ${quoted(applied)}`;
  return `no rule grants ${right} (${why})`;
}

function quoted(rules: readonly string[]): string {
  return `rule ${rules.map((rule) => `"${rule}"`).join(', ')}`;
}

/** The rights of who sent the request in the group that it names. */
export function groupRights({ group, verified, world }: RequestTurn): GroupRights {
  if (group === undefined) throw new Error('The group was not found before this step.');
  return rightsIn(group, verified, world.nowMs);
}

/** The most participants of a group's session: its max-participant-count, else the default of the server (A-22). */
export function maximumOfGroup(
  group: GroupDocument | undefined,
  { groupSessions }: Pick<FocusSettings, 'groupSessions'>,
): number | undefined {
  return group?.maxParticipantCount ?? groupSessions.defaultMaxParticipants;
}

/** 7.2.3.2: in an ad-hoc session the operator says whether a user may be anonymous (A-25). */
export function anonymityInAdHoc({ adHoc }: Pick<FocusSettings, 'adHoc'>) {
  const { allowAnonymity: isAllowed } = adHoc;
  return {
    isAllowed,
    by: `operator policy ${isAllowed ? 'allows' : 'does not allow'} it in ad-hoc sessions (adHoc.allowAnonymity)`,
  };
}
