/** OMA group documents for tests, written by hand so that no code of the product has a part in them. */

export interface GroupOptions {
  readonly uri: string;
  readonly displayName?: string;
  /** Member URIs, or `[uri, display name]`. */
  readonly members: readonly (string | readonly [uri: string, name: string])[];
  readonly inviteMembers?: boolean;
  readonly maxParticipants?: number;
  /** Actions granted to members; default: initiate, join, conference state. */
  readonly actions?: Readonly<Record<string, boolean>>;
  /** Further rules as XML. */
  readonly rules?: string;
}

const MEMBER_ACTIONS = {
  'allow-initiate-conference': true,
  'join-handling': true,
  'allow-conference-state': true,
};

export function groupDocument(options: GroupOptions): string {
  const entries = options.members.map((member) => {
    const [uri, name] = typeof member === 'string' ? [member, undefined] : member;
    return name === undefined
      ? `<entry uri="${uri}"/>`
      : `<entry uri="${uri}"><rl:display-name>${name}</rl:display-name></entry>`;
  });
  const actions = Object.entries(options.actions ?? MEMBER_ACTIONS).map(
    ([name, value]) => `<${name}>${value}</${name}>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<group xmlns="urn:oma:xml:poc:list-service" xmlns:rl="urn:ietf:params:xml:ns:resource-lists"
       xmlns:cr="urn:ietf:params:xml:ns:common-policy" xmlns:ocp="urn:oma:xml:xdm:common-policy">
  <list-service uri="${options.uri}">
    ${options.displayName === undefined ? '' : `<display-name>${options.displayName}</display-name>`}
    <list>${entries.join('')}</list>
    <invite-members>${options.inviteMembers ?? true}</invite-members>
    ${options.maxParticipants === undefined ? '' : `<max-participant-count>${options.maxParticipants}</max-participant-count>`}
    <cr:ruleset>
      <cr:rule id="members">
        <cr:conditions><is-list-member/></cr:conditions>
        <cr:actions>${actions.join('')}</cr:actions>
      </cr:rule>
      ${options.rules ?? ''}
    </cr:ruleset>
  </list-service>
</group>
`;
}
