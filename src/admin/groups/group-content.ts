/** What somebody wants a group document to be, in one of its two faces, checked as a whole. */
import { formatGroupDocument, parseGroupDocument } from '../../documents/group-document.ts';
import { groupFromJson } from '../../documents/group-json.ts';
import { allMembers, type GroupDocument, type GroupError } from '../../documents/group-model.ts';
import { domainOf } from '../../documents/group-rights.ts';
import type { ListResolver } from '../../documents/list-references.ts';
import { addressKey, canonicalAddress } from '../../sip/uri.ts';
import { ProblemError } from '../problem.ts';

/** The OMA document's own type, and what XML tools say. */
export const GROUP_XML_TYPE = 'application/vnd.oma.poc.groups+xml';
export const XML_TYPES: readonly string[] = [GROUP_XML_TYPE, 'application/xml', 'text/xml'];

export interface GroupSummary {
  readonly uri: string;
  readonly displayName: string | null;
  /** Of lists kept elsewhere too. */
  readonly members: number;
  readonly maxParticipants: number | null;
  readonly inviteMembers: boolean;
}

/** A document without fault. */
export interface GroupContent {
  readonly key: string;
  readonly group: GroupDocument;
  /** As given, or written from JSON. */
  readonly xml: string;
  readonly warnings: readonly string[];
}

export type ContentResult =
  | { readonly ok: true; readonly content: GroupContent }
  | {
      readonly ok: false;
      readonly errors: readonly GroupError[];
      /** The document is as its schema says, but no group may be so here. */
      readonly isConstraint?: true;
    };

/** What the configuration says of addresses. */
export interface GroupSurroundings {
  /** Lower case. */
  readonly domain: string;
  /** User part of session identities. */
  readonly sessionPrefix: string;
  readonly factories: readonly string[];
}

export interface ContentRules {
  readonly surroundings: GroupSurroundings;
  readonly resolveList: ListResolver;
}

export function contentOfXml(source: string | Uint8Array, rules: ContentRules): ContentResult {
  const result = parseGroupDocument(source, { resolveList: rules.resolveList });
  if (!result.ok) return result;
  const [group, second] = result.groups;
  if (group === undefined || second !== undefined) {
    const message = `the document has ${result.groups.length} groups: put each into a document of its own`;
    return { ok: false, errors: [{ path: '/group', message }], isConstraint: true };
  }
  const fault = addressFault(group, rules.surroundings);
  if (fault !== undefined)
    return { ok: false, errors: [{ path: '/group/list-service/@uri', message: fault }], isConstraint: true };
  return { ok: true, content: contentOf(group, textOf(source), rules.surroundings) };
}

export function contentOfJson(json: unknown, rules: ContentRules): ContentResult {
  const result = groupFromJson(json);
  const [group] = result.ok ? result.groups : [];
  if (!result.ok || group === undefined) return result.ok ? { ok: false, errors: [] } : result;
  const fault = addressFault(group, rules.surroundings);
  if (fault !== undefined) return { ok: false, errors: [{ path: '/uri', message: fault }] };
  const xml = formatGroupDocument(group);
  // Bounds of the XML and the lists that it names are looked at as those of any document.
  const read = parseGroupDocument(xml, { resolveList: rules.resolveList });
  const [written] = read.ok ? read.groups : [];
  if (read.ok && written !== undefined)
    return { ok: true, content: contentOf(written, xml, rules.surroundings) };
  // Lines would be those of a text that the author has never seen.
  const errors = read.ok ? [] : read.errors.map(({ path, message }) => ({ path, message }));
  return { ok: false, errors };
}

/** @throws ProblemError ADMIN_INVALID with every fault */
export function contentOrProblem(result: ContentResult): GroupContent {
  if (result.ok) return result.content;
  const [first] = result.errors;
  const many = result.errors.length === 1 ? 'a fault' : `${result.errors.length} faults`;
  throw new ProblemError(
    'ADMIN_INVALID',
    `the group document has ${many}: ${first?.message ?? 'unknown'}`,
    undefined,
    [...result.errors],
  );
}

export function summaryOf(group: GroupDocument): GroupSummary {
  return {
    uri: group.uri,
    displayName: group.displayName ?? null,
    members: allMembers(group).length,
    maxParticipants: group.maxParticipantCount ?? null,
    inviteMembers: group.inviteMembers,
  };
}

function contentOf(group: GroupDocument, xml: string, surroundings: GroupSurroundings): GroupContent {
  return { key: addressKey(group.uri), group, xml, warnings: warningsOf(group, surroundings) };
}

/** The reader has checked that it is UTF-8. */
function textOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : new TextDecoder('utf-8', { ignoreBOM: true }).decode(source);
}

/** Such an address is taken before any group is looked for, so the group could never be reached. */
function addressFault(
  { uri }: GroupDocument,
  { sessionPrefix, factories }: GroupSurroundings,
): string | undefined {
  const address = canonicalAddress(uri);
  if (factories.some((factory) => addressKey(factory) === addressKey(uri))) {
    return `${uri} is a conference-factory URI: choose another`;
  }
  if (address.slice('sip:'.length).toLowerCase().startsWith(sessionPrefix)) {
    return `${uri} begins with ${sessionPrefix}, as session identities do: choose another user part`;
  }
  return undefined;
}

function warningsOf({ uri, rules }: GroupDocument, { domain }: GroupSurroundings): string[] {
  const warnings: string[] = [];
  if (domainOf(uri) !== domain) {
    warnings.push(
      `${uri} is not in sip.domain (${domain}): no request for it comes here unless your Kamailio routes it`,
    );
  }
  const grants = (right: 'initiate' | 'join') => rules.some(({ grant }) => grant[right] === true);
  if (!grants('initiate'))
    warnings.push('no rule grants allow-initiate-conference: nobody can set the group up');
  if (!grants('join')) warnings.push('no rule grants join-handling: nobody can come in later, or come back');
  return warnings;
}
