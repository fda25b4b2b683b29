import { ParseError } from '../lib/errors.ts';
import { addressKey } from '../sip/uri.ts';

/** Namespaces of a group document and of the parts inside it. */
export const GROUP_NS = {
  listService: 'urn:oma:xml:poc:list-service',
  resourceLists: 'urn:ietf:params:xml:ns:resource-lists',
  commonPolicy: 'urn:ietf:params:xml:ns:common-policy',
  omaCommonPolicy: 'urn:oma:xml:xdm:common-policy',
} as const;

/** What a rule can grant. */
export type RightName =
  | 'initiate'
  | 'join'
  | 'conferenceState'
  | 'addUsers'
  | 'anonymity'
  | 'keyParticipant'
  | 'expel'
  | 'privateMessage';

/** The element of each right under `cr:actions`, in the order in which they are written. */
export const RIGHT_ELEMENTS: Readonly<Record<RightName, string>> = {
  initiate: 'allow-initiate-conference',
  join: 'join-handling',
  conferenceState: 'allow-conference-state',
  addUsers: 'allow-invite-users-dynamically',
  anonymity: 'allow-anonymity',
  keyParticipant: 'is-key-participant',
  expel: 'allow-expelling',
  privateMessage: 'allow-private-message',
};

export const RIGHT_NAMES = Object.keys(RIGHT_ELEMENTS) as readonly RightName[];

/** What holds where no rule that applies speaks of a right. */
export const RIGHT_DEFAULTS: Readonly<Record<RightName, boolean>> = {
  initiate: false,
  join: false,
  conferenceState: false,
  addUsers: false,
  anonymity: false,
  keyParticipant: false,
  expel: false,
  privateMessage: true,
};

/** A group of a Shared-Group-XDM document: one `list-service`. */
export interface GroupDocument {
  /** The group identity, a SIP URI as written. */
  readonly uri: string;
  readonly displayName?: string;
  readonly displayNameLang?: string;
  /** In list order, each user once. */
  readonly members: readonly GroupMember[];
  /** Anchors of lists kept elsewhere whose users are members too. */
  readonly externals: readonly string[];
  /**
   * What the lists kept elsewhere held when the document was read, by their anchors (those of `externals` and of the
   * conditions). No part of the document itself: neither its XML nor its JSON form has it.
   */
  readonly lists?: readonly ExternalList[];
  /** True: who sets the group up invites all members. False (also when absent): a chat group. */
  readonly inviteMembers: boolean;
  /** Absent: no bound of its own. 0 lets nobody in (A-22). */
  readonly maxParticipantCount?: number;
  readonly rules: readonly GroupRule[];
  /** Elements of other namespaces, each as XML that declares its own namespaces. */
  readonly extensions: readonly string[];
}

export interface GroupMember {
  readonly uri: string;
  readonly displayName?: string;
  /** As in `GroupDocument`. */
  readonly extensions?: readonly string[];
}

/** A list kept elsewhere (RFC 4826 section 3), each user once. */
export interface ExternalList {
  readonly anchor: string;
  readonly members: readonly GroupMember[];
}

/** A rule of the ruleset (RFC 4745): it applies when all its conditions hold; one without conditions always does. */
export interface GroupRule {
  readonly id: string;
  readonly conditions: RuleConditions;
  readonly grant: Readonly<Partial<Record<RightName, boolean>>>;
  /** Actions that are not known here and the transformations, as in `GroupDocument.extensions`. */
  readonly otherActions?: readonly string[];
  readonly transformations?: readonly string[];
}

/** The conditions of one rule; absent ones do not restrict it. */
export interface RuleConditions {
  /** The user is in the group's list. */
  readonly members?: true;
  /** The user is one of these; with both lists empty the rule applies to nobody. */
  readonly identities?: RuleIdentities;
  /** The user is in one of the lists with these anchors. */
  readonly externalLists?: readonly string[];
  /** No other rule names the user. */
  readonly others?: true;
  /** The user is not known to the server. */
  readonly anonymous?: true;
  /** The time is within one of the windows. */
  readonly validity?: readonly ValidityWindow[];
  /** Conditions that are not known here, as XML: a rule with any never applies (RFC 4745 section 7). */
  readonly unknown?: readonly string[];
}

export interface RuleIdentities {
  readonly one: readonly string[];
  readonly many: readonly ManyIdentities[];
}

/** Every known user, or every one of a domain, save the exceptions. */
export interface ManyIdentities {
  readonly domain?: string;
  readonly exceptUris: readonly string[];
  readonly exceptDomains: readonly string[];
}

/** From `fromMs` to just before `untilMs`, milliseconds since 1970. */
export interface ValidityWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** One thing that is wrong with a document. */
export interface GroupError {
  /** Of the element, such as `/group/list-service/list/entry[3]`; of a JSON document, such as `/members/2/uri`. */
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** `groups/crew.xml:12:7: /group/list-service/max-participant-count: …`, as compilers have it. */
export function formatGroupError(file: string, { path, line, column, message }: GroupError): string {
  const at = line === undefined ? '' : `:${line}${column === undefined ? '' : `:${column}`}`;
  return `${file}${at}: ${path}: ${message}`;
}

/** All that is wrong with a document, so that an author mends it in one go. Bounded: more are counted, not kept. */
export class GroupErrors {
  readonly #errors: GroupError[] = [];
  #dropped = 0;

  add({ path, line, column }: Omit<GroupError, 'message'>, message: string): void {
    if (this.#errors.length >= MAX_ERRORS) {
      this.#dropped += 1;
      return;
    }
    this.#errors.push({
      path,
      ...(line !== undefined && { line }),
      ...(column !== undefined && { column }),
      message,
    });
  }

  get isEmpty(): boolean {
    return this.#errors.length === 0;
  }

  list(): GroupError[] {
    if (this.#dropped === 0) return [...this.#errors];
    return [...this.#errors, { path: '/', message: `and ${this.#dropped} more errors` }];
  }
}

const MAX_ERRORS = 100;

/** Every member of the group, each once: its own list first, then the lists kept elsewhere that it names. */
export function allMembers(group: GroupDocument): readonly GroupMember[] {
  if (group.externals.length === 0) return group.members;
  let members = membersByGroup.get(group);
  if (members === undefined) {
    const byKey = new Map<string, GroupMember>();
    for (const member of [...group.members, ...group.externals.flatMap((anchor) => listOf(group, anchor))]) {
      const key = keyOf(member.uri);
      if (key !== undefined && !byKey.has(key)) byKey.set(key, member);
    }
    members = [...byKey.values()];
    membersByGroup.set(group, members);
  }
  return members;
}

const membersByGroup = new WeakMap<GroupDocument, readonly GroupMember[]>();

function listOf(group: GroupDocument, anchor: string): readonly GroupMember[] {
  return group.lists?.find((list) => list.anchor === anchor)?.members ?? [];
}

/** A text of a document for a message: cut when it is long. */
export function quoted(text: string): string {
  const trimmed = text.trim();
  return JSON.stringify(trimmed.length <= 80 ? trimmed : `${trimmed.slice(0, 80)}…`);
}

/** The key under which two addresses of one user are equal, or undefined for what is no address. */
export function keyOf(uri: string): string | undefined {
  try {
    return addressKey(uri);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/** Id of a rule, an xs:ID in XML (RFC 4745 section 13): a name, so that decisions can name the rule by it. */
export const RULE_ID = { pattern: String.raw`^[\p{L}_][\p{L}\p{N}._-]*$`, maxLength: 128 } as const;

/** A language tag (RFC 5646), in either form of a document. */
export const LANGUAGE = { pattern: '^[A-Za-z0-9-]{1,35}$' } as const;
