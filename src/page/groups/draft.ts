/** A group document as a form: text fields and checkboxes, there and back, and which field a fault belongs to. */
import type { Fault } from '../net/shapes.ts';
import type { GroupJson, MemberJson, RuleJson, WhenJson } from './group-json.ts';

/** Whom a rule is about. `kept`: conditions that the form does not edit. */
export type Who = 'members' | 'others' | 'uris' | 'kept';

export interface RuleDraft {
  id: string;
  who: Who;
  /** One a line. */
  uris: string;
  grant: Readonly<Record<string, boolean>>;
  readonly original: RuleJson | undefined;
}

export interface GroupDraft {
  uri: string;
  displayName: string;
  /** One a line: the address, then the name if there is one. */
  members: string;
  inviteMembers: boolean;
  maxParticipants: string;
  rules: RuleDraft[];
  readonly original: GroupJson | undefined;
}

export interface RightWords {
  readonly right: string;
  readonly words: string;
}

export const RIGHTS: readonly RightWords[] = [
  { right: 'initiate', words: 'set the conversation up' },
  { right: 'join', words: 'join it, and come back' },
  { right: 'conferenceState', words: 'see who is there' },
  { right: 'addUsers', words: 'add others' },
  { right: 'expel', words: 'remove others' },
  { right: 'anonymity', words: 'take part under an alias' },
];

const COUNT = /^\d{1,9}$/;

/** What the document has no place for, so that nobody but the form can name it. */
export function formFaults({ maxParticipants }: GroupDraft): readonly Fault[] {
  const most = maxParticipants.trim();
  if (most === '' || COUNT.test(most)) return [];
  return [{ path: '/maxParticipants', message: 'a whole number, or nothing for no limit' }];
}

export function newDraft(): GroupDraft {
  return {
    uri: '',
    displayName: '',
    members: '',
    inviteMembers: true,
    maxParticipants: '',
    rules: [
      {
        id: 'members',
        who: 'members',
        uris: '',
        grant: { initiate: true, join: true, conferenceState: true },
        original: undefined,
      },
    ],
    original: undefined,
  };
}

export function draftOf(json: GroupJson): GroupDraft {
  return {
    uri: json.uri,
    displayName: json.displayName ?? '',
    members: json.members.map(({ uri, name }) => (name === undefined ? uri : `${uri} ${name}`)).join('\n'),
    inviteMembers: json.inviteMembers,
    maxParticipants: json.maxParticipants === undefined ? '' : String(json.maxParticipants),
    rules: json.rules.map((rule) => ({
      id: rule.id,
      who: whoOf(rule.when),
      uris: (rule.when.uris ?? []).join('\n'),
      grant: rule.grant,
      original: rule,
    })),
    original: json,
  };
}

export function jsonOf({
  uri,
  displayName,
  members,
  inviteMembers,
  maxParticipants,
  rules,
  original,
}: GroupDraft): GroupJson {
  const {
    displayName: _name,
    displayNameLang: lang,
    maxParticipants: _most,
    ...kept
  }: Partial<GroupJson> = original ?? {};
  const known = new Map((original?.members ?? []).map((member) => [member.uri, member]));
  const most = maxParticipants.trim();
  const name = displayName.trim();
  return {
    ...kept,
    uri: addressOf(uri),
    ...(name === '' ? {} : { displayName: name, ...(lang === undefined ? {} : { displayNameLang: lang }) }),
    members: linesOf(members).map(({ text }) => memberOf(text, known)),
    inviteMembers,
    ...(COUNT.test(most) ? { maxParticipants: Number(most) } : {}),
    rules: rules.map(ruleOf),
  };
}

function ruleOf({ id, who, uris, grant, original }: RuleDraft): RuleJson {
  const when: WhenJson =
    who === 'kept'
      ? (original?.when ?? {})
      : who === 'uris'
        ? { uris: linesOf(uris).map(({ text }) => addressOf(text)) }
        : { [who]: true };
  return { ...original, id: id.trim(), when, grant };
}

function whoOf({ members, others, uris, ...more }: WhenJson): Who {
  const given = [members !== undefined, others !== undefined, uris !== undefined].filter(Boolean).length;
  if (given !== 1 || Object.keys(more).length > 0) return 'kept';
  if (members === true) return 'members';
  return others === true ? 'others' : 'uris';
}

function memberOf(line: string, known: ReadonlyMap<string, MemberJson>): MemberJson {
  const [first = '', ...rest] = line.trim().split(/\s+/);
  const uri = addressOf(first);
  const name = rest.join(' ');
  const extensions = known.get(uri)?.extensions;
  return { uri, ...(name === '' ? {} : { name }), ...(extensions === undefined ? {} : { extensions }) };
}

/** `ada@example.net` is meant as `sip:ada@example.net`, a number as tel URI; a word alone is no address. */
export function addressOf(text: string): string {
  const typed = text.trim();
  if (/^[a-z][a-z0-9+.-]*:/i.test(typed) || typed === '') return typed;
  if (/^\+[\d().-]+$/.test(typed)) return `tel:${typed}`;
  return typed.includes('@') ? `sip:${typed}` : typed;
}

interface NumberedLine {
  readonly line: number;
  readonly text: string;
}

function linesOf(text: string): NumberedLine[] {
  return text
    .split('\n')
    .map((one, index) => ({ line: index + 1, text: one }))
    .filter((one) => one.text.trim() !== '');
}

/** Faults by the name of the field; those of no field under `''`. */
export function faultsByField(
  draft: GroupDraft,
  faults: readonly Fault[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  // Read once: there may be ten thousand, and a hundred faults.
  const memberLines = linesOf(draft.members);
  for (const fault of faults) {
    const { field, place } = fieldOf(draft, memberLines, fault.path);
    found.set(field, [
      ...(found.get(field) ?? []),
      place === '' ? fault.message : `${place}: ${fault.message}`,
    ]);
  }
  return found;
}

function fieldOf(
  draft: GroupDraft,
  memberLines: readonly NumberedLine[],
  path: string,
): { field: string; place: string } {
  const [first = '', second, third, fourth, fifth] = path.split('/').slice(1);
  if (
    first === 'uri' ||
    first === 'displayName' ||
    first === 'maxParticipants' ||
    first === 'inviteMembers'
  ) {
    return { field: first, place: '' };
  }
  if (first === 'members') return { field: 'members', place: placeOf(memberLines, second) };
  if (first === 'rules' && second !== undefined) {
    const rule = draft.rules[Number(second)];
    if (third === 'id') return { field: `rule-${second}-id`, place: '' };
    if (third === 'when' && fourth === 'uris')
      return { field: `rule-${second}-uris`, place: placeOf(linesOf(rule?.uris ?? ''), fifth) };
    return { field: `rule-${second}`, place: rule?.id ?? '' };
  }
  return { field: '', place: path === '/' ? '' : path };
}

function placeOf(lines: readonly NumberedLine[], index: string | undefined): string {
  const line = lines[Number(index)];
  return line === undefined ? '' : `line ${line.line}`;
}
