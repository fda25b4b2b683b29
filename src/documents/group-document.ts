import { attributeOf, readXml, type XmlElement, XmlParseError, type XmlReadOptions } from '../xml/reader.ts';
import {
  formatElement,
  optionalAttribute,
  optionalElement,
  rawXml,
  XML_DECLARATION,
  type XmlMarkup,
  xml,
} from '../xml/writer.ts';
import {
  GROUP_NS,
  type GroupDocument,
  type GroupError,
  GroupErrors,
  type GroupMember,
  type GroupRule,
  keyOf,
  LANGUAGE,
  quoted,
} from './group-model.ts';
import { readGroupBoolean, readRuleset } from './group-rules.ts';
import { formatRuleset } from './group-rules-writer.ts';
import { ListReferences, type ListResolver } from './list-references.ts';

export interface GroupReadOptions extends XmlReadOptions {
  /** Reads the lists kept elsewhere; without it references are kept and nobody is in them. */
  readonly resolveList?: ListResolver;
}

export type GroupDocumentResult =
  | { readonly ok: true; readonly groups: GroupDocument[] }
  | { readonly ok: false; readonly errors: GroupError[] };

const LS = GROUP_NS.listService;
const XML_NS = 'http://www.w3.org/XML/1998/namespace';
const LANGUAGE_TAG = new RegExp(LANGUAGE.pattern);

/**
 * Reads a group document of the Shared-Group-XDM (media type application/vnd.oma.poc.groups+xml).
 *
 * The order of elements is checked as the schema has it: display-name, list, invite-members, max-participant-count,
 * then those of other namespaces. A document with any error is refused as a whole, with all its errors. Users listed
 * twice are kept once. Attributes of other namespaces are not kept.
 */
export function parseGroupDocument(
  source: string | Uint8Array,
  options: GroupReadOptions = {},
): GroupDocumentResult {
  const errors = new GroupErrors();
  let root: XmlElement;
  try {
    root = readXml(source, options);
  } catch (error) {
    if (!(error instanceof XmlParseError)) throw error;
    errors.add(error, error.reason);
    return { ok: false, errors: errors.list() };
  }
  if (root.ns !== LS || root.local !== 'group') {
    errors.add(root, `a group document starts with <group xmlns="${LS}">`);
    return { ok: false, errors: errors.list() };
  }
  const groups: GroupDocument[] = [];
  const keys = new Set<string>();
  for (const element of root.children) {
    if (element.ns !== LS) continue;
    if (element.local !== 'list-service') {
      errors.add(element, `${element.local} may not stand in group: only list-service may`);
      continue;
    }
    const group = readListService(element, errors, options.resolveList);
    const key = keyOf(group.uri);
    if (key !== undefined && keys.has(key))
      errors.add(element, `the group ${group.uri} is there twice: remove one, or give it a uri of its own`);
    if (key !== undefined) keys.add(key);
    groups.push(group);
  }
  if (groups.length === 0) errors.add(root, 'there is no list-service: a group needs one');
  return errors.isEmpty ? { ok: true, groups } : { ok: false, errors: errors.list() };
}

const ORDER: readonly string[] = ['display-name', 'list', 'invite-members', 'max-participant-count'];
const OTHERS_RANK = ORDER.length;

function readListService(
  element: XmlElement,
  errors: GroupErrors,
  resolveList: ListResolver | undefined,
): GroupDocument {
  const references = new ListReferences(resolveList, errors);
  const uri = readGroupUri(element, errors);
  const group: { -readonly [K in keyof GroupDocument]: GroupDocument[K] } = {
    uri,
    members: [],
    externals: [],
    inviteMembers: false,
    rules: [],
    extensions: [],
  };
  const extensions: string[] = [];
  let rules: GroupRule[] | undefined;
  let reached = -1;
  for (const child of element.children) {
    const rank = child.ns === LS ? ORDER.indexOf(child.local) : OTHERS_RANK;
    if (rank < 0) {
      errors.add(
        child,
        `${child.local} may not stand in list-service, which has ${ORDER.join(', ')} and elements of other namespaces`,
      );
      continue;
    }
    if (rank < OTHERS_RANK && rank === reached) errors.add(child, `a second ${child.local}: remove one`);
    else if (rank < reached)
      errors.add(child, `${child.local} stands too late: the order is ${ORDER.join(', ')}, others`);
    reached = Math.max(reached, rank);
    if (rank === OTHERS_RANK) {
      if (child.ns !== GROUP_NS.commonPolicy || child.local !== 'ruleset')
        extensions.push(formatElement(child));
      else if (rules !== undefined) errors.add(child, 'a second ruleset: put all rules into one');
      else rules = readRuleset(child, errors, references);
    } else if (child.local === 'display-name') {
      readDisplayName(child, group);
    } else if (child.local === 'list') {
      Object.assign(group, readList(child, errors, references));
    } else if (child.local === 'invite-members') {
      const value = readGroupBoolean(child.text);
      if (value === undefined)
        errors.add(child, `invite-members is ${quoted(child.text)}: write true or false`);
      group.inviteMembers = value ?? false;
    } else {
      const count = readCount(child.text);
      if (count === undefined)
        errors.add(child, `max-participant-count is ${quoted(child.text)}: write a whole number, 0 or more`);
      else group.maxParticipantCount = count;
    }
  }
  const lists = references.lists();
  return { ...group, ...(lists !== undefined && { lists }), rules: rules ?? [], extensions };
}

function readGroupUri(element: XmlElement, errors: GroupErrors): string {
  const uri = attributeOf(element, 'uri')?.trim() ?? '';
  if (uri === '') errors.add(element, 'list-service has no uri: it is the address that users send INVITE to');
  else if (!isGroupUri(uri))
    errors.add(element, `${uri} is not a SIP URI: write one such as sip:crew@example.net`);
  return uri;
}

/** A group is reached by SIP, so its identity is a sip: or sips: URI. */
export function isGroupUri(uri: string): boolean {
  return /^sips?:/i.test(uri) && keyOf(uri) !== undefined;
}

function readDisplayName(
  element: XmlElement,
  group: { displayName?: string; displayNameLang?: string },
): void {
  const text = element.text.trim();
  if (text === '') return;
  group.displayName = text;
  const lang = attributeOf(element, 'lang', XML_NS);
  // What is no language says nothing; `xml:lang=""` is the way to say just that.
  if (lang !== undefined && LANGUAGE_TAG.test(lang)) group.displayNameLang = lang;
}

/** A-22: nothing but a non-negative integer will do. */
function readCount(text: string): number | undefined {
  const count = /^\s*\+?\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

const isListNs = (ns: string): boolean => ns === LS || ns === GROUP_NS.resourceLists;

/** Lists inside the list, one in another; deeper ones are refused. */
const MAX_LIST_DEPTH = 8;

interface ReadList {
  readonly members: GroupMember[];
  readonly externals: string[];
}

function readList(list: XmlElement, errors: GroupErrors, references: ListReferences): ReadList {
  const found: ReadList = { members: [], externals: [] };
  const keys = new Set<string>();
  readInto(list, 1);
  return found;

  function readInto(element: XmlElement, depth: number): void {
    for (const child of element.children) {
      if (!isListNs(child.ns)) continue;
      if (child.local === 'entry') {
        addMember(readMember(child, errors));
      } else if (child.local === 'external') {
        const anchor = attributeOf(child, 'anchor')?.trim() ?? '';
        if (anchor === '') errors.add(child, 'external has no anchor: it names the list that is meant');
        else if (!found.externals.includes(anchor)) found.externals.push(anchor);
        if (anchor !== '') references.add(anchor, child);
      } else if (child.local === 'list') {
        if (depth >= MAX_LIST_DEPTH) errors.add(child, `lists are more than ${MAX_LIST_DEPTH} deep`);
        else readInto(child, depth + 1);
      } else if (child.local !== 'display-name') {
        errors.add(child, `${child.local} may not stand in the list of a group: entry and external may`);
      }
    }
  }

  function addMember(member: GroupMember | undefined): void {
    const key = member === undefined ? undefined : keyOf(member.uri);
    if (member === undefined || key === undefined || keys.has(key)) return;
    keys.add(key);
    found.members.push(member);
  }
}

function readMember(entry: XmlElement, errors: GroupErrors): GroupMember | undefined {
  const uri = attributeOf(entry, 'uri')?.trim() ?? '';
  if (keyOf(uri) === undefined) {
    errors.add(
      entry,
      uri === ''
        ? 'entry has no uri: it is the address of the member'
        : `${quoted(uri)} is not a URI: write one such as sip:ada@example.net or tel:+46700000003`,
    );
    return undefined;
  }
  let displayName = '';
  const extensions: string[] = [];
  for (const child of entry.children) {
    if (!isListNs(child.ns)) extensions.push(formatElement(child));
    else if (child.local === 'display-name') displayName = child.text.trim();
    else errors.add(child, `${child.local} may not stand in entry: display-name may`);
  }
  return { uri, ...(displayName !== '' && { displayName }), ...(extensions.length > 0 && { extensions }) };
}

/** Writes the document of one group or several; `parseGroupDocument` reads the same groups from it. */
export function formatGroupDocument(groups: GroupDocument | readonly GroupDocument[]): string {
  const list: readonly GroupDocument[] = 'uri' in groups ? [groups] : groups;
  return `${XML_DECLARATION}${xml`<group xmlns="${LS}" xmlns:rl="${GROUP_NS.resourceLists}" xmlns:cr="${GROUP_NS.commonPolicy}" xmlns:ocp="${GROUP_NS.omaCommonPolicy}">
${list.map(formatListService)}</group>
`}`;
}

function formatListService(group: GroupDocument): XmlMarkup {
  const { uri, displayName, displayNameLang, members, externals, inviteMembers, maxParticipantCount } = group;
  return xml`  <list-service uri="${uri}">
${
  displayName === undefined
    ? undefined
    : xml`    <display-name${optionalAttribute('xml:lang', displayNameLang)}>${displayName}</display-name>\n`
}    <list>
${members.map(formatMember)}${externals.map((anchor) => xml`      <external anchor="${anchor}"/>\n`)}    </list>
    <invite-members>${inviteMembers}</invite-members>
${
  maxParticipantCount === undefined
    ? undefined
    : xml`    <max-participant-count>${maxParticipantCount}</max-participant-count>\n`
}${formatRuleset(group.rules)}${group.extensions.map((extension) => rawXml(`    ${extension}\n`))}  </list-service>
`;
}

function formatMember({ uri, displayName, extensions = [] }: GroupMember): XmlMarkup {
  if (displayName === undefined && extensions.length === 0) return xml`      <entry uri="${uri}"/>\n`;
  return xml`      <entry uri="${uri}">${optionalElement('rl:display-name', displayName)}${extensions.map(rawXml)}</entry>\n`;
}
