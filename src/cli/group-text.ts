/** A group as `parley group show` prints it. */
import type { GroupJson } from '../documents/group-json-schema.ts';
import { RIGHT_NAMES } from '../documents/group-model.ts';
import { counted } from './counted.ts';
import { formatTable, shown } from './rest.ts';

/** @param headers of the answer that brought it: they say where it is kept */
export function groupText(group: GroupJson, headers: Headers): string {
  const { uri, displayName, members, externalLists = [], inviteMembers, maxParticipants, rules } = group;
  const version = headers.get('parley-version');
  const kept =
    headers.get('parley-source') === 'file' ? 'in a file' : version === null ? '' : `version ${version}`;
  const lines = [
    `${uri}${displayName === undefined ? '' : `  "${displayName}"`}${kept === '' ? '' : `  ${kept}`}`,
    `${inviteMembers ? 'members are invited' : 'a chat group: members join by themselves'}${maxParticipants === undefined ? '' : `, ${counted(maxParticipants, 'seat')}`}`,
    ...externalLists.map((anchor) => `members of the list ${anchor} too`),
  ];
  const memberTable = formatTable(members, [
    { title: 'MEMBER', of: (member) => member.uri },
    { title: 'NAME', of: ({ name }) => name },
  ]);
  const ruleTable = formatTable(rules, [
    { title: 'RULE', of: ({ id }) => id },
    { title: 'FOR', of: ({ when }) => whom(when) },
    { title: 'GRANTS', of: ({ grant }) => RIGHT_NAMES.filter((right) => grant[right] === true).join(' ') },
  ]);
  const head = lines.map((line) => `${shown(line)}\n`).join('');
  return [head, memberTable, ruleTable].filter((part) => part !== '').join('\n');
}

type When = GroupJson['rules'][number]['when'];

/** The conditions of a rule in words; all of them must hold. */
export function whom(when: When): string {
  // RFC 4745 section 7: one that is not known here is never fulfilled.
  if (when.unknown !== undefined) return 'nobody: it has a condition that is not known here';
  const words = [
    ...(when.members === true ? ['members'] : []),
    ...named(when),
    ...(when.externalLists === undefined ? [] : [`users of ${anyOf(when.externalLists)}`]),
    ...(when.others === true ? ['whom no other rule names'] : []),
    ...(when.anonymous === true ? ['users that are not known'] : []),
    ...(when.validity === undefined
      ? []
      : [anyOf(when.validity.map(({ from, until }) => `${from} to ${until}`))]),
  ];
  return words.length === 0 ? 'everybody' : words.join(', and ');
}

function named({ uris, domains }: When): string[] {
  if (uris === undefined && domains === undefined) return [];
  const many = (domains ?? []).map(({ domain, exceptUris = [], exceptDomains = [] }) => {
    const except = [...exceptUris, ...exceptDomains];
    const all = domain === undefined ? 'everybody who is known' : `all of ${domain}`;
    return except.length === 0 ? all : `${all} except ${anyOf(except)}`;
  });
  const either = [...(uris ?? []), ...many];
  return [either.length === 0 ? 'nobody' : anyOf(either)];
}

const MAX_NAMED = 4;

function anyOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  const shownNames = more > 1 ? [...names.slice(0, MAX_NAMED), `${more} more`] : names;
  return shownNames.join(' or ');
}
