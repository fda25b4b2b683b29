import { Compile } from 'typebox/compile';
import { readXml, type XmlElement, XmlParseError } from '../xml/reader.ts';
import { formatElement, legalXmlText } from '../xml/writer.ts';
import { type GroupDocumentResult, isGroupUri } from './group-document.ts';
import { GroupJson } from './group-json-schema.ts';
import {
  GROUP_NS,
  type GroupDocument,
  GroupErrors,
  type GroupMember,
  type GroupRule,
  keyOf,
  type RuleConditions,
} from './group-model.ts';
import { isUnknownAction, isUnknownCondition } from './group-rules.ts';

const compiled = Compile(GroupJson);

export function groupToJson(group: GroupDocument): GroupJson {
  const { uri, displayName, displayNameLang, members, externals, inviteMembers, maxParticipantCount } = group;
  return {
    uri,
    ...(displayName !== undefined && { displayName }),
    ...(displayNameLang !== undefined && { displayNameLang }),
    members: members.map((member) => ({
      uri: member.uri,
      ...(member.displayName !== undefined && { name: member.displayName }),
      ...(member.extensions !== undefined && { extensions: [...member.extensions] }),
    })),
    ...(externals.length > 0 && { externalLists: [...externals] }),
    inviteMembers,
    ...(maxParticipantCount !== undefined && { maxParticipants: maxParticipantCount }),
    rules: group.rules.map(({ id, conditions, grant, otherActions, transformations }) => ({
      id,
      when: whenOf(conditions),
      grant: { ...grant },
      ...(otherActions !== undefined && { otherActions: [...otherActions] }),
      ...(transformations !== undefined && { transformations: [...transformations] }),
    })),
    ...(group.extensions.length > 0 && { extensions: [...group.extensions] }),
  };
}

function whenOf(conditions: RuleConditions): GroupJson['rules'][number]['when'] {
  const { identities, externalLists, validity, unknown } = conditions;
  const hasDomains = identities !== undefined && identities.many.length > 0;
  return {
    ...(conditions.members && { members: true }),
    ...(identities !== undefined &&
      (identities.one.length > 0 || !hasDomains) && { uris: [...identities.one] }),
    ...(hasDomains && {
      domains: identities.many.map(({ domain, exceptUris, exceptDomains }) => ({
        ...(domain !== undefined && { domain }),
        ...(exceptUris.length > 0 && { exceptUris: [...exceptUris] }),
        ...(exceptDomains.length > 0 && { exceptDomains: [...exceptDomains] }),
      })),
    }),
    ...(conditions.others && { others: true }),
    ...(conditions.anonymous && { anonymous: true }),
    ...(externalLists !== undefined && { externalLists: [...externalLists] }),
    ...(validity !== undefined && {
      validity: validity.map(({ fromMs, untilMs }) => ({
        from: new Date(fromMs).toISOString(),
        until: new Date(untilMs).toISOString(),
      })),
    }),
    ...(unknown !== undefined && { unknown: [...unknown] }),
  };
}

/** Checks the JSON form as strictly as the XML form and gives the one group, or all errors with JSON pointers. */
export function groupFromJson(json: unknown): GroupDocumentResult {
  const errors = new GroupErrors();
  if (!compiled.Check(json)) {
    for (const { instancePath, message } of compiled.Errors(json))
      errors.add({ path: instancePath || '/' }, message);
    return { ok: false, errors: errors.list() };
  }
  const group = readGroup(json, errors);
  return errors.isEmpty ? { ok: true, groups: [group] } : { ok: false, errors: errors.list() };
}

function readGroup(json: GroupJson, errors: GroupErrors): GroupDocument {
  const uri = json.uri.trim();
  if (!isGroupUri(uri)) errors.add({ path: '/uri' }, 'not a SIP URI');
  const displayName = textOf(json.displayName);
  return {
    uri,
    ...(displayName !== undefined && { displayName }),
    ...(displayName !== undefined &&
      json.displayNameLang !== undefined && { displayNameLang: json.displayNameLang }),
    members: readMembers(json, errors),
    externals: [
      ...new Set(
        (json.externalLists ?? []).map((anchor, at) => anchorOf(anchor, `/externalLists/${at}`, errors)),
      ),
    ],
    inviteMembers: json.inviteMembers,
    ...(json.maxParticipants !== undefined && { maxParticipantCount: json.maxParticipants }),
    rules: readRules(json, errors),
    extensions: fragmentsOf(json.extensions, '/extensions', FOREIGN_TO_GROUP, errors) ?? [],
  };
}

function readMembers(json: GroupJson, errors: GroupErrors): GroupMember[] {
  const members: GroupMember[] = [];
  const keys = new Set<string>();
  for (const [at, { uri, name, extensions }] of json.members.entries()) {
    const key = checkedUri(uri, `/members/${at}/uri`, errors);
    if (key === undefined || keys.has(key)) continue;
    keys.add(key);
    const displayName = textOf(name);
    const fragments = fragmentsOf(extensions, `/members/${at}/extensions`, FOREIGN_TO_LIST, errors);
    members.push({
      uri: uri.trim(),
      ...(displayName !== undefined && { displayName }),
      ...(fragments !== undefined && { extensions: fragments }),
    });
  }
  return members;
}

function readRules(json: GroupJson, errors: GroupErrors): GroupRule[] {
  const ids = new Set<string>();
  return json.rules.map(({ id, when, grant, otherActions, transformations }, at) => {
    const path = `/rules/${at}`;
    if (ids.has(id)) errors.add({ path: `${path}/id` }, `the id ${id} is used twice`);
    ids.add(id);
    const actions = fragmentsOf(otherActions, `${path}/otherActions`, isUnknownAction, errors);
    const changes = fragmentsOf(transformations, `${path}/transformations`, ANYTHING, errors);
    return {
      id,
      conditions: readWhen(when, `${path}/when`, errors),
      grant,
      ...(actions !== undefined && { otherActions: actions }),
      ...(changes !== undefined && { transformations: changes }),
    };
  });
}

function readWhen(
  when: GroupJson['rules'][number]['when'],
  path: string,
  errors: GroupErrors,
): RuleConditions {
  const { uris, domains, validity } = when;
  const unknown = fragmentsOf(when.unknown, `${path}/unknown`, isUnknownCondition, errors);
  const hasIdentities = uris !== undefined || domains !== undefined;
  const uriList = (list: readonly string[] | undefined, at: string): string[] =>
    (list ?? []).map((uri, index) => {
      checkedUri(uri, `${at}/${index}`, errors);
      return uri.trim();
    });
  return {
    ...(when.members && { members: true }),
    ...(hasIdentities && {
      identities: {
        one: uriList(uris, `${path}/uris`),
        many: (domains ?? []).map(({ domain, exceptUris, exceptDomains }, at) => ({
          ...(domain !== undefined && { domain: domainOf(domain, `${path}/domains/${at}/domain`, errors) }),
          exceptUris: uriList(exceptUris, `${path}/domains/${at}/exceptUris`),
          exceptDomains: (exceptDomains ?? []).map((name, index) =>
            domainOf(name, `${path}/domains/${at}/exceptDomains/${index}`, errors),
          ),
        })),
      },
    }),
    ...(when.externalLists !== undefined && {
      externalLists: when.externalLists.map((anchor, at) =>
        anchorOf(anchor, `${path}/externalLists/${at}`, errors),
      ),
    }),
    ...(when.others && { others: true }),
    ...(when.anonymous && { anonymous: true }),
    ...(validity !== undefined && {
      validity: validity.map(({ from, until }, at) => {
        const window = { fromMs: Date.parse(from), untilMs: Date.parse(until) };
        if (Number.isNaN(window.fromMs)) errors.add({ path: `${path}/validity/${at}/from` }, 'not a time');
        if (!(window.untilMs > window.fromMs)) {
          errors.add({ path: `${path}/validity/${at}/until` }, 'not a time after from');
        }
        return window;
      }),
    }),
    ...(unknown !== undefined && { unknown }),
  };
}

function checkedUri(uri: string, path: string, errors: GroupErrors): string | undefined {
  const key = keyOf(uri.trim());
  if (key === undefined) errors.add({ path }, 'not a URI');
  return key;
}

function anchorOf(anchor: string, path: string, errors: GroupErrors): string {
  const trimmed = legalXmlText(anchor).trim();
  if (trimmed === '') errors.add({ path }, 'empty');
  return trimmed;
}

function domainOf(name: string, path: string, errors: GroupErrors): string {
  const domain = name.trim();
  if (!/^[A-Za-z0-9.:[\]-]+$/.test(domain)) errors.add({ path }, 'not a domain');
  return domain;
}

/** As the XML form would give it back. */
function textOf(text: string | undefined): string | undefined {
  const kept = text === undefined ? '' : legalXmlText(text).trim();
  return kept === '' ? undefined : kept;
}

/** What a fragment may be, so that the XML form reads it back as the same fragment and not as a rule or a grant. */
type FragmentTest = (element: XmlElement) => boolean;
const FOREIGN_TO_GROUP: FragmentTest = ({ ns, local }) =>
  ns !== GROUP_NS.listService && !(ns === GROUP_NS.commonPolicy && local === 'ruleset');
const FOREIGN_TO_LIST: FragmentTest = ({ ns }) =>
  ns !== GROUP_NS.listService && ns !== GROUP_NS.resourceLists;
const ANYTHING: FragmentTest = () => true;

function fragmentsOf(
  fragments: readonly string[] | undefined,
  path: string,
  mayStand: FragmentTest,
  errors: GroupErrors,
): string[] | undefined {
  if (fragments === undefined || fragments.length === 0) return undefined;
  return fragments.map((fragment, at) => {
    const where = { path: `${path}/${at}` };
    try {
      const element = readXml(fragment);
      if (!mayStand(element)) errors.add(where, `${element.local} has a meaning of its own here`);
      return formatElement(element);
    } catch (error) {
      if (!(error instanceof XmlParseError)) throw error;
      errors.add(where, error.message);
      return '';
    }
  });
}
