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
} from './group-model.ts';
import { readGroupBoolean, readRuleset } from './group-rules.ts';
import { formatRuleset } from './group-rules-writer.ts';

export type GroupDocumentResult =
  | { readonly ok: true; readonly groups: GroupDocument[] }
  | { readonly ok: false; readonly errors: GroupError[] };

const LS = GROUP_NS.listService;
const XML_NS = 'http://www.w3.org/XML/1998/namespace';

/**
 * Reads a group document of the Shared-Group-XDM (media type application/vnd.oma.poc.groups+xml).
 *
 * The order of elements is checked as the schema has it: display-name, list, invite-members, max-participant-count,
 * then those of other namespaces. A document with any error is refused as a whole, with all its errors. Users listed
 * twice are kept once. Attributes of other namespaces are not kept.
 */
export function parseGroupDocument(
  source: string | Uint8Array,
  options: XmlReadOptions = {},
): GroupDocumentResult {
  const errors = new GroupErrors();
  let root: XmlElement;
  try {
    root = readXml(source, options);
  } catch (error) {
    if (!(error instanceof XmlParseError)) throw error;
    return { ok: false, errors: [{ path: error.path, line: error.line, message: error.message }] };
  }
  if (root.ns !== LS || root.local !== 'group') {
    errors.add(root, `the root is not group in ${LS}`);
    return { ok: false, errors: errors.list() };
  }
  const groups: GroupDocument[] = [];
  const keys = new Set<string>();
  for (const element of root.children) {
    if (element.ns !== LS) continue;
    if (element.local !== 'list-service') {
      errors.add(element, `${element.local} may not stand in group`);
      continue;
    }
    const group = readListService(element, errors);
    const key = keyOf(group.uri);
    if (key !== undefined && keys.has(key)) errors.add(element, `the group ${group.uri} is there twice`);
    if (key !== undefined) keys.add(key);
    groups.push(group);
  }
  if (groups.length === 0) errors.add(root, 'there is no list-service');
  return errors.isEmpty ? { ok: true, groups } : { ok: false, errors: errors.list() };
}

const ORDER: readonly string[] = ['display-name', 'list', 'invite-members', 'max-participant-count'];
const OTHERS_RANK = ORDER.length;

function readListService(element: XmlElement, errors: GroupErrors): GroupDocument {
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
      errors.add(child, `${child.local} may not stand in list-service`);
      continue;
    }
    if (rank < OTHERS_RANK && rank === reached) errors.add(child, `a second ${child.local}`);
    else if (rank < reached)
      errors.add(child, `${child.local} stands too late: the order is ${ORDER.join(', ')}, others`);
    reached = Math.max(reached, rank);
    if (rank === OTHERS_RANK) {
      if (child.ns !== GROUP_NS.commonPolicy || child.local !== 'ruleset')
        extensions.push(formatElement(child));
      else if (rules !== undefined) errors.add(child, 'a second ruleset');
      else rules = readRuleset(child, errors);
    } else if (child.local === 'display-name') {
      readDisplayName(child, group);
    } else if (child.local === 'list') {
      Object.assign(group, readList(child, errors));
    } else if (child.local === 'invite-members') {
      const value = readGroupBoolean(child.text);
      if (value === undefined) errors.add(child, 'invite-members is neither true nor false');
      group.inviteMembers = value ?? false;
    } else {
      const count = readCount(child.text);
      if (count === undefined) errors.add(child, 'max-participant-count is not a non-negative integer');
      else group.maxParticipantCount = count;
    }
  }
  return { ...group, rules: rules ?? [], extensions };
}

function readGroupUri(element: XmlElement, errors: GroupErrors): string {
  const uri = attributeOf(element, 'uri')?.trim() ?? '';
  if (uri === '') errors.add(element, 'list-service has no uri');
  else if (!isGroupUri(uri)) errors.add(element, `${uri} is not a SIP URI`);
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
  if (lang !== undefined) group.displayNameLang = lang;
}

/** A-22: nothing but a non-negative integer will do. */
function readCount(text: string): number | undefined {
  const count = /^\s*\+?\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

const isListNs = (ns: string): boolean => ns === LS || ns === GROUP_NS.resourceLists;

function readList(list: XmlElement, errors: GroupErrors): { members: GroupMember[]; externals: string[] } {
  const members: GroupMember[] = [];
  const externals: string[] = [];
  const keys = new Set<string>();
  for (const child of list.children) {
    if (!isListNs(child.ns)) continue;
    if (child.local === 'entry') {
      const member = readMember(child, errors);
      const key = member === undefined ? undefined : keyOf(member.uri);
      if (member === undefined || key === undefined || keys.has(key)) continue;
      keys.add(key);
      members.push(member);
    } else if (child.local === 'external') {
      const anchor = attributeOf(child, 'anchor')?.trim() ?? '';
      if (anchor === '') errors.add(child, 'external has no anchor');
      else if (!externals.includes(anchor)) externals.push(anchor);
    } else if (child.local !== 'display-name') {
      errors.add(child, `${child.local} may not stand in the list of a group`);
    }
  }
  return { members, externals };
}

function readMember(entry: XmlElement, errors: GroupErrors): GroupMember | undefined {
  const uri = attributeOf(entry, 'uri')?.trim() ?? '';
  if (keyOf(uri) === undefined) {
    errors.add(entry, uri === '' ? 'entry has no uri' : 'the uri of the entry is not a URI');
    return undefined;
  }
  let displayName = '';
  const extensions: string[] = [];
  for (const child of entry.children) {
    if (!isListNs(child.ns)) extensions.push(formatElement(child));
    else if (child.local === 'display-name') displayName = child.text.trim();
    else errors.add(child, `${child.local} may not stand in entry`);
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
