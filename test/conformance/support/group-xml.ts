/** Group documents word by word, for tests about what stands in them. */
import { DOMAIN } from '../../support/stack.ts';

export function groupUri(key: string): string {
  return `sip:im-g-${key}@${DOMAIN}`;
}

const NAMESPACES = [
  'xmlns="urn:oma:xml:poc:list-service"',
  'xmlns:rl="urn:ietf:params:xml:ns:resource-lists"',
  'xmlns:cr="urn:ietf:params:xml:ns:common-policy"',
  'xmlns:ocp="urn:oma:xml:xdm:common-policy"',
].join(' ');

export interface GroupParts {
  readonly displayName?: string;
  /** What stands in `list`. */
  readonly list?: string;
  readonly inviteMembers?: string;
  readonly maxParticipants?: string;
  /** `cr:rule` elements. */
  readonly rules?: string;
  /** What stands after the ruleset. */
  readonly others?: string;
}

export function groupXml(key: string, parts: GroupParts): string {
  const { displayName, list = '', inviteMembers = 'false', maxParticipants, rules = '', others = '' } = parts;
  const element = (name: string, text: string | undefined) =>
    text === undefined ? '' : `\n    <${name}>${text}</${name}>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<group ${NAMESPACES}>
  <list-service uri="${groupUri(key)}">${element('display-name', displayName)}
    <list>${list}</list>
    <invite-members>${inviteMembers}</invite-members>${element('max-participant-count', maxParticipants)}
    <cr:ruleset>${rules}</cr:ruleset>${others}
  </list-service>
</group>
`;
}

let rules = 0;

/** A rule with these conditions and actions, as XML. */
export function rule(conditions: string, actions: string): string {
  rules += 1;
  return `
      <cr:rule id="rule-${rules}"><cr:conditions>${conditions}</cr:conditions><cr:actions>${actions}</cr:actions></cr:rule>`;
}

/** The condition that the user is one of these. */
export function one(...uris: readonly string[]): string {
  return `<cr:identity>${uris.map((uri) => `<cr:one id="${uri}"/>`).join('')}</cr:identity>`;
}

export function entries(...uris: readonly string[]): string {
  return uris.map((uri) => `<entry uri="${uri}"/>`).join('');
}

export const INITIATE = '<allow-initiate-conference>true</allow-initiate-conference>';
export const JOIN = '<join-handling>true</join-handling>';
export const SEE = '<allow-conference-state>true</allow-conference-state>';
export const ALL = INITIATE + JOIN + SEE;
export const MEMBERS_MAY_ALL = rule('<is-list-member/>', ALL);
