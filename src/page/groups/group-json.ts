/** The JSON face of a group document, as far as the form edits it; what it does not know it gives back as it was. */
export interface GroupJson {
  readonly uri: string;
  readonly displayName?: string;
  readonly members: readonly MemberJson[];
  readonly inviteMembers: boolean;
  readonly maxParticipants?: number;
  readonly rules: readonly RuleJson[];
  readonly [other: string]: unknown;
}

export interface MemberJson {
  readonly uri: string;
  readonly name?: string;
  readonly extensions?: readonly string[];
}

export interface RuleJson {
  readonly id: string;
  readonly when: WhenJson;
  readonly grant: Readonly<Record<string, boolean>>;
  readonly [other: string]: unknown;
}

export interface WhenJson {
  readonly members?: true;
  readonly others?: true;
  readonly uris?: readonly string[];
  readonly [other: string]: unknown;
}
