import { attributeOf, type XmlElement } from '../xml/reader.ts';
import { formatElement } from '../xml/writer.ts';
import {
  GROUP_NS,
  type GroupErrors,
  type GroupRule,
  keyOf,
  type ManyIdentities,
  RIGHT_ELEMENTS,
  RIGHT_NAMES,
  type RightName,
  type RuleConditions,
  type RuleIdentities,
  type ValidityWindow,
} from './group-model.ts';

const CR = GROUP_NS.commonPolicy;

/** Some products write OMA's own conditions and actions in the namespace of common-policy. */
const CONDITION_NAMESPACES: readonly string[] = [GROUP_NS.listService, CR, GROUP_NS.omaCommonPolicy];
const ACTION_NAMESPACES: readonly string[] = [GROUP_NS.listService, CR];

const RIGHT_BY_ELEMENT: ReadonlyMap<string, RightName> = new Map(
  RIGHT_NAMES.map((name) => [RIGHT_ELEMENTS[name], name]),
);

/** The rules of a `cr:ruleset`; what is wrong goes to `errors`. */
export function readRuleset(ruleset: XmlElement, errors: GroupErrors): GroupRule[] {
  const rules: GroupRule[] = [];
  const ids = new Set<string>();
  for (const element of ruleset.children) {
    if (element.ns !== CR || element.local !== 'rule') {
      errors.add(element, 'only cr:rule may stand in a ruleset');
      continue;
    }
    const id = attributeOf(element, 'id')?.trim() ?? '';
    if (id === '') errors.add(element, 'the rule has no id');
    else if (ids.has(id)) errors.add(element, `the id ${id} is used twice`);
    ids.add(id);
    rules.push(readRule(element, id, errors));
  }
  return rules;
}

const RULE_PARTS: readonly string[] = ['conditions', 'actions', 'transformations'];

function readRule(element: XmlElement, id: string, errors: GroupErrors): GroupRule {
  let conditions: RuleConditions = {};
  let actions: Pick<GroupRule, 'grant' | 'otherActions'> = { grant: {} };
  let transformations: string[] = [];
  let reached = -1;
  for (const part of element.children) {
    const rank = part.ns === CR ? RULE_PARTS.indexOf(part.local) : -1;
    if (rank < 0) {
      errors.add(part, 'only cr:conditions, cr:actions and cr:transformations may stand in a rule');
      continue;
    }
    if (rank === reached) errors.add(part, `a second ${part.local}`);
    else if (rank < reached)
      errors.add(part, `${part.local} stands after ${RULE_PARTS[reached]}, it must come before`);
    reached = Math.max(reached, rank);
    if (rank === 0) conditions = readConditions(part, errors);
    else if (rank === 1) actions = readActions(part, errors);
    else transformations = part.children.map(formatElement);
  }
  return { id, conditions, ...actions, ...(transformations.length > 0 && { transformations }) };
}

function readConditions(element: XmlElement, errors: GroupErrors): RuleConditions {
  const found: { -readonly [K in keyof RuleConditions]: RuleConditions[K] } = {};
  const unknown: string[] = [];
  for (const condition of element.children) {
    const name = conditionName(condition);
    if (name !== undefined && found[name] !== undefined) {
      errors.add(condition, `a second ${condition.local} in one rule`);
      continue;
    }
    switch (name) {
      case 'members':
        checkMembersText(condition, errors);
        found.members = true;
        break;
      case 'others':
        found.others = true;
        break;
      case 'anonymous':
        found.anonymous = true;
        break;
      case 'externalLists':
        found.externalLists = readExternalLists(condition, errors);
        break;
      case 'validity':
        found.validity = readValidity(condition, errors);
        break;
      case 'identities':
        found.identities = readIdentities(condition, errors);
        break;
      default:
        unknown.push(formatElement(condition));
    }
  }
  if (unknown.length > 0) found.unknown = unknown;
  return found;
}

type ConditionName = Exclude<keyof RuleConditions, 'unknown'>;

function conditionName({ ns, local, children }: XmlElement): ConditionName | undefined {
  if (ns === CR && local === 'validity') return 'validity';
  // An identity that is refined by an extension is one that this server can not judge: it stays an unknown condition.
  if (ns === CR && local === 'identity') return children.every(isPlainIdentity) ? 'identities' : undefined;
  if (!CONDITION_NAMESPACES.includes(ns)) return undefined;
  switch (local) {
    case 'is-list-member':
      return 'members';
    case 'other-identity':
      return 'others';
    case 'anonymous-request':
      return 'anonymous';
    case 'external-list':
      return 'externalLists';
    default:
      return undefined;
  }
}

function isPlainIdentity({ ns, children }: XmlElement): boolean {
  return ns === CR && children.every((child) => child.ns === CR);
}

/** An empty element since 2005; before, it held a boolean. `false` would turn its meaning round and is refused. */
function checkMembersText(element: XmlElement, errors: GroupErrors): void {
  const text = element.text.trim();
  if (text !== '' && readGroupBoolean(text) !== true)
    errors.add(element, 'is-list-member is neither empty nor true');
}

function readExternalLists(element: XmlElement, errors: GroupErrors): string[] {
  const anchors: string[] = [];
  for (const holder of [element, ...element.children]) {
    const anchor = (attributeOf(holder, 'anc') ?? attributeOf(holder, 'anchor'))?.trim();
    if (anchor !== undefined && anchor !== '') anchors.push(anchor);
    else if (holder !== element) errors.add(holder, 'an external list without its anc');
  }
  return anchors;
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

function readValidity(element: XmlElement, errors: GroupErrors): ValidityWindow[] {
  const windows: ValidityWindow[] = [];
  let fromMs: number | undefined;
  for (const child of element.children) {
    const expected = fromMs === undefined ? 'from' : 'until';
    if (child.ns !== CR || child.local !== expected) {
      errors.add(child, `${expected} is expected here`);
      return windows;
    }
    const text = child.text.trim();
    const timeMs = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(timeMs)) {
      errors.add(child, `${expected} is not a date and time with its zone, such as 2026-01-31T08:00:00Z`);
    }
    if (fromMs === undefined) {
      fromMs = timeMs;
    } else {
      if (timeMs <= fromMs) errors.add(child, 'until is not after from');
      windows.push({ fromMs, untilMs: timeMs });
      fromMs = undefined;
    }
  }
  if (fromMs !== undefined) errors.add(element, 'from without until');
  return windows;
}

function readIdentities(element: XmlElement, errors: GroupErrors): RuleIdentities {
  const one: string[] = [];
  const many: ManyIdentities[] = [];
  for (const child of element.children) {
    if (child.local === 'one') {
      const uri = attributeOf(child, 'id')?.trim() ?? '';
      if (keyOf(uri) === undefined) errors.add(child, 'the id of one is not a URI');
      one.push(uri);
    } else if (child.local === 'many') {
      many.push(readMany(child, errors));
    } else {
      errors.add(child, 'only one and many may stand in an identity');
    }
  }
  return { one, many };
}

function readMany(element: XmlElement, errors: GroupErrors): ManyIdentities {
  const domain = attributeOf(element, 'domain')?.trim();
  if (domain === '') errors.add(element, 'the domain is empty');
  const exceptUris: string[] = [];
  const exceptDomains: string[] = [];
  for (const child of element.children) {
    const uri = attributeOf(child, 'id')?.trim();
    const exceptDomain = attributeOf(child, 'domain')?.trim();
    if (child.local !== 'except' || (uri === undefined) === (exceptDomain === undefined)) {
      errors.add(child, 'only except with an id or a domain may stand in many');
    } else if (uri !== undefined) {
      if (keyOf(uri) === undefined) errors.add(child, 'the id of except is not a URI');
      exceptUris.push(uri);
    } else if (exceptDomain !== undefined) {
      if (exceptDomain === '') errors.add(child, 'the domain is empty');
      exceptDomains.push(exceptDomain);
    }
  }
  return { ...(domain !== undefined && { domain }), exceptUris, exceptDomains };
}

function readActions(element: XmlElement, errors: GroupErrors): Pick<GroupRule, 'grant' | 'otherActions'> {
  const grant: Partial<Record<RightName, boolean>> = {};
  const otherActions: string[] = [];
  for (const action of element.children) {
    const right = rightOf(action);
    if (right === undefined) {
      otherActions.push(formatElement(action));
      continue;
    }
    const value = readGroupBoolean(action.text);
    if (grant[right] !== undefined) errors.add(action, `a second ${action.local} in one rule`);
    else if (value === undefined) errors.add(action, `${action.local} is neither true nor false`);
    else grant[right] = value;
  }
  return { grant, ...(otherActions.length > 0 && { otherActions }) };
}

function rightOf({ ns, local }: XmlElement): RightName | undefined {
  return ACTION_NAMESPACES.includes(ns) ? RIGHT_BY_ELEMENT.get(local) : undefined;
}

/** Whether an element under `cr:conditions` is kept as it is, being none of those that are judged here. */
export function isUnknownCondition(element: XmlElement): boolean {
  return conditionName(element) === undefined;
}

/** Whether an element under `cr:actions` is kept as it is, being none of the rights. */
export function isUnknownAction(element: XmlElement): boolean {
  return rightOf(element) === undefined;
}

/** xs:boolean, and the words that drafts of the schema had for join-handling in 2005. */
export function readGroupBoolean(text: string): boolean | undefined {
  switch (text.trim()) {
    case 'true':
    case '1':
    case 'allow':
      return true;
    case 'false':
    case '0':
    case 'block':
      return false;
    default:
      return undefined;
  }
}
