import {
  allMembers,
  type GroupDocument,
  keyOf,
  type ManyIdentities,
  RIGHT_DEFAULTS,
  RIGHT_NAMES,
  type RightName,
  type RuleConditions,
  type RuleIdentities,
} from './group-model.ts';

export type Rights = Readonly<Record<RightName, boolean>>;

/** What a user may do in a group, and which rules say so. */
export interface RightsDecision {
  readonly rights: Rights;
  /** For each right the ids of the rules that grant it; empty where it is not granted, or by default alone. */
  readonly rules: Readonly<Record<RightName, readonly string[]>>;
  /** The ids of all rules that apply to the user now, in document order. */
  readonly applied: readonly string[];
}

const ANONYMOUS = /^sips?:anonymous@anonymous\.invalid$/i;

/**
 * The rights of a user by the group's ruleset (RFC 4745 section 10): what any rule that applies grants is granted, a
 * rule can take nothing away, and where no rule grants, the default of the right holds (only private messages are
 * allowed by default, until a rule that applies says false).
 *
 * @param addresses all asserted addresses of the user; none, or only the anonymous address, for an unknown one
 * @param nowMs the time, milliseconds since 1970
 */
export function rightsOf(group: GroupDocument, addresses: readonly string[], nowMs: number): RightsDecision {
  const user = userOf(addresses);
  const people = peopleOf(group);
  const rules = emptyRules();
  const refused = new Set<RightName>();
  const applied: string[] = [];
  for (const [index, rule] of group.rules.entries()) {
    const { conditions } = rule;
    if (!names(conditions, index, user, people) || !holdsNow(conditions, nowMs)) continue;
    if (conditions.others && isNamedElsewhere(group, index, user, people)) continue;
    applied.push(rule.id);
    for (const right of RIGHT_NAMES) {
      if (rule.grant[right] === true) rules[right].push(rule.id);
      else if (rule.grant[right] === false) refused.add(right);
    }
  }
  const rights = { ...RIGHT_DEFAULTS };
  for (const right of RIGHT_NAMES) {
    if (rules[right].length > 0) rights[right] = true;
    else if (refused.has(right)) rights[right] = false;
  }
  return { rights, rules, applied };
}

/** Whether one of the addresses is in the group's list, or in one of the lists it refers to. */
export function isGroupMember(group: GroupDocument, addresses: readonly string[]): boolean {
  return isMember(userOf(addresses), peopleOf(group));
}

interface User {
  readonly keys: readonly string[];
  readonly domains: readonly string[];
}

function userOf(addresses: readonly string[]): User {
  const known = addresses.filter((address) => !ANONYMOUS.test(address));
  const keys = known.map(keyOf).filter((key) => key !== undefined);
  // Of the address as asserted: the key of a telephone number has lost its domain.
  const domains = known.map(domainOf).filter((domain) => domain !== undefined);
  return { keys, domains };
}

/** Lower case; undefined for a telephone number. */
export function domainOf(address: string): string | undefined {
  return /^(?:sips?|im|pres):(?:[^@]*@)?(\[[^\]]*\]|[^:;?]+)/i.exec(address)?.[1]?.toLowerCase();
}

/** Who a group names, as keys. */
interface GroupPeople {
  readonly members: ReadonlySet<string>;
  /** The lists kept elsewhere, by anchor; nobody is in one that was not read. */
  readonly lists: ReadonlyMap<string, ReadonlySet<string>>;
  /** By rule: the users named one by one, and the exceptions of each `many`. */
  readonly identityKeys: readonly (IdentityKeys | undefined)[];
}

interface IdentityKeys {
  readonly one: ReadonlySet<string>;
  readonly except: readonly ReadonlySet<string>[];
}

const peopleByGroup = new WeakMap<GroupDocument, GroupPeople>();

/** Kept per document, which never changes: a group of thousands is asked about at each request. */
function peopleOf(group: GroupDocument): GroupPeople {
  let people = peopleByGroup.get(group);
  if (people === undefined) {
    people = {
      members: keysOf(allMembers(group).map((member) => member.uri)),
      lists: new Map(
        group.lists?.map(({ anchor, members }) => [anchor, keysOf(members.map((member) => member.uri))]),
      ),
      identityKeys: group.rules.map(({ conditions: { identities } }) =>
        identities === undefined
          ? undefined
          : { one: keysOf(identities.one), except: identities.many.map((many) => keysOf(many.exceptUris)) },
      ),
    };
    peopleByGroup.set(group, people);
  }
  return people;
}

function keysOf(uris: readonly string[]): ReadonlySet<string> {
  return new Set(uris.map(keyOf).filter((key) => key !== undefined));
}

/** Whether all conditions about the user hold, save `others`, which looks at the other rules. */
function names(conditions: RuleConditions, index: number, user: User, people: GroupPeople): boolean {
  const isKnown = user.keys.length > 0;
  const { identities, externalLists } = conditions;
  if ((conditions.unknown?.length ?? 0) > 0) return false;
  if (conditions.anonymous && isKnown) return false;
  if (conditions.others && !isKnown) return false;
  if (conditions.members && !isMember(user, people)) return false;
  if (externalLists !== undefined && !isInLists(user, externalLists, people)) return false;
  return identities === undefined || isIdentified(identities, people.identityKeys[index], user);
}

function holdsNow({ validity }: RuleConditions, nowMs: number): boolean {
  return validity === undefined || validity.some(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);
}

/**
 * For other-identity: a rule names a user through its conditions about people alone, so that somebody whose own rule
 * is out of its hours does not become a stranger; a rule that says nothing about people names nobody.
 */
function isNamedElsewhere(group: GroupDocument, index: number, user: User, people: GroupPeople): boolean {
  return group.rules.some(({ conditions }, other) => {
    if (other === index || conditions.others) return false;
    const isAboutPeople =
      conditions.members || conditions.identities !== undefined || conditions.externalLists !== undefined;
    return isAboutPeople && names(conditions, other, user, people);
  });
}

function isMember(user: User, { members }: GroupPeople): boolean {
  return user.keys.some((key) => members.has(key));
}

function isInLists(user: User, anchors: readonly string[], { lists }: GroupPeople): boolean {
  return anchors.some((anchor) => user.keys.some((key) => lists.get(anchor)?.has(key)));
}

function isIdentified(identities: RuleIdentities, keys: IdentityKeys | undefined, user: User): boolean {
  if (user.keys.some((key) => keys?.one.has(key))) return true;
  return identities.many.some((many, index) => isOneOfMany(many, keys?.except[index], user));
}

/** An exception for any of the user's addresses is one for the user. */
function isOneOfMany(many: ManyIdentities, except: ReadonlySet<string> | undefined, user: User): boolean {
  const { domain, exceptDomains } = many;
  if (user.keys.length === 0) return false;
  if (domain !== undefined && !user.domains.includes(domain.toLowerCase())) return false;
  if (user.keys.some((key) => except?.has(key))) return false;
  return !exceptDomains.some((name) => user.domains.includes(name.toLowerCase()));
}

function emptyRules(): Record<RightName, string[]> {
  return {
    initiate: [],
    join: [],
    conferenceState: [],
    addUsers: [],
    anonymity: [],
    keyParticipant: [],
    expel: [],
    privateMessage: [],
  };
}
