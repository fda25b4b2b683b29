import { attributeOf, type XmlElement } from '../xml/reader.ts';
import { formatElement } from '../xml/writer.ts';
import {
  GROUP_NS,
  type GroupErrors,
  type GroupRule,
  keyOf,
  type ManyIdentities,
  quoted,
  RIGHT_ELEMENTS,
  RIGHT_NAMES,
  type RightName,
  RULE_ID,
  type RuleConditions,
  type RuleIdentities,
  type ValidityWindow,
} from './group-model.ts';
import type { ListReferences } from './list-references.ts';

const CR = GROUP_NS.commonPolicy;

/** Some products write OMA's own conditions and actions in the namespace of common-policy. */
const CONDITION_NAMESPACES: readonly string[] = [GROUP_NS.listService, CR, GROUP_NS.omaCommonPolicy];
const ACTION_NAMESPACES: readonly string[] = [GROUP_NS.listService, CR];

const RIGHT_BY_ELEMENT: ReadonlyMap<string, RightName> = new Map(
  RIGHT_NAMES.map((name) => [RIGHT_ELEMENTS[name], name]),
);

/** The rules of a `cr:ruleset`; what is wrong goes to `errors`. */
export function readRuleset(
  ruleset: XmlElement,
  errors: GroupErrors,
  references: ListReferences,
): GroupRule[] {
  const rules: GroupRule[] = [];
  const ids = new Set<string>();
  for (const element of ruleset.children) {
    if (element.ns !== CR || element.local !== 'rule') {
      errors.add(element, `only rule of ${CR} may stand in a ruleset`);
      continue;
    }
    const id = attributeOf(element, 'id')?.trim() ?? '';
    if (id === '') errors.add(element, 'the rule has no id: give it one, decisions name the rule by it');
    else if (id.length > RULE_ID.maxLength || !NAME.test(id))
      errors.add(
        element,
        `the id ${JSON.stringify(id.slice(0, 40))} is no name: a letter or _, then letters, digits, . _ -, 128 at most`,
      );
    else if (ids.has(id)) errors.add(element, `the id ${id} is used twice: give each rule its own`);
    ids.add(id);
    rules.push(readRule(element, id, errors, references));
  }
  return rules;
}

const NAME = new RegExp(RULE_ID.pattern, 'u');
const RULE_PARTS: readonly string[] = ['conditions', 'actions', 'transformations'];

function readRule(
  element: XmlElement,
  id: string,
  errors: GroupErrors,
  references: ListReferences,
): GroupRule {
  let conditions: RuleConditions = {};
  let actions: Pick<GroupRule, 'grant' | 'otherActions'> = { grant: {} };
  let transformations: string[] = [];
  let reached = -1;
  for (const part of element.children) {
    const rank = part.ns === CR ? RULE_PARTS.indexOf(part.local) : -1;
    if (rank < 0) {
      errors.add(part, `only conditions, actions and transformations of ${CR} may stand in a rule`);
      continue;
    }
    if (rank === reached) errors.add(part, `a second ${part.local}: put all into one`);
    else if (rank < reached)
      errors.add(part, `${part.local} stands after ${RULE_PARTS[reached]}, it must come before`);
    reached = Math.max(reached, rank);
    if (rank === 0) conditions = readConditions(part, errors, references);
    else if (rank === 1) actions = readActions(part, errors);
    else transformations = part.children.map(formatElement);
  }
  return { id, conditions, ...actions, ...(transformations.length > 0 && { transformations }) };
}

function readConditions(
  element: XmlElement,
  errors: GroupErrors,
  references: ListReferences,
): RuleConditions {
  const found: { -readonly [K in keyof RuleConditions]: RuleConditions[K] } = {};
  const unknown: string[] = [];
  for (const condition of element.children) {
    const name = conditionName(condition);
    if (name !== undefined && found[name] !== undefined) {
      errors.add(condition, `a second ${condition.local} in one rule: put all into one`);
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
        found.externalLists = readExternalLists(condition, errors, references);
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
    errors.add(
      element,
      `is-list-member is ${quoted(text)}: leave it empty; for everybody else use other-identity`,
    );
}

function readExternalLists(element: XmlElement, errors: GroupErrors, references: ListReferences): string[] {
  const anchors: string[] = [];
  for (const holder of [element, ...element.children]) {
    const anchor = (attributeOf(holder, 'anc') ?? attributeOf(holder, 'anchor'))?.trim();
    if (anchor !== undefined && anchor !== '') {
      anchors.push(anchor);
      references.add(anchor, holder);
    } else if (holder !== element) {
      errors.add(holder, 'an external list without its anc: it names the list that is meant');
    }
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
      errors.add(child, `${expected} of ${CR} is expected here: validity has pairs of from and until`);
      return windows;
    }
    const text = child.text.trim();
    const timeMs = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(timeMs)) {
      errors.add(
        child,
        `${expected} is ${quoted(text)}: write a date and time with its zone, such as 2026-01-31T08:00:00Z`,
      );
    }
    if (fromMs === undefined) {
      fromMs = timeMs;
    } else {
      if (timeMs <= fromMs) errors.add(child, 'until is not after from: the rule would never apply');
      windows.push({ fromMs, untilMs: timeMs });
      fromMs = undefined;
    }
  }
  if (fromMs !== undefined) errors.add(element, 'from without until: write both');
  return windows;
}

function readIdentities(element: XmlElement, errors: GroupErrors): RuleIdentities {
  const one: string[] = [];
  const many: ManyIdentities[] = [];
  for (const child of element.children) {
    if (child.local === 'one') {
      const uri = attributeOf(child, 'id')?.trim() ?? '';
      if (keyOf(uri) === undefined)
        errors.add(child, `the id of one is ${quoted(uri)}: write a URI such as sip:ada@example.net`);
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
  if (domain === '')
    errors.add(element, 'the domain is empty: name one, or leave the attribute out for every domain');
  const exceptUris: string[] = [];
  const exceptDomains: string[] = [];
  for (const child of element.children) {
    const uri = attributeOf(child, 'id')?.trim();
    const exceptDomain = attributeOf(child, 'domain')?.trim();
    if (child.local !== 'except' || (uri === undefined) === (exceptDomain === undefined)) {
      errors.add(child, 'only except with an id or a domain may stand in many');
    } else if (uri !== undefined) {
      if (keyOf(uri) === undefined) errors.add(child, `the id of except is ${quoted(uri)}: write a URI`);
      exceptUris.push(uri);
    } else if (exceptDomain !== undefined) {
      if (exceptDomain === '')
        errors.add(child, 'the domain is empty: name one, or leave the attribute out for every domain');
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
    if (grant[right] !== undefined) errors.add(action, `a second ${action.local} in one rule: remove one`);
    else if (value === undefined)
      errors.add(action, `${action.local} is ${quoted(action.text)}: write true or false`);
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
