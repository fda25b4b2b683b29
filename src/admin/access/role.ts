/** What somebody may do: each role may do all that the one before may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
/** viewer: reads. operator: also acts on sessions and switches. admin: also edits groups, policies, webhooks and tokens. */
export type Role = (typeof ROLES)[number];

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

export function mayAct(held: Role, needed: Role): boolean {
  return ROLES.indexOf(held) >= ROLES.indexOf(needed);
}

/** Who asks, as the audit log names them. */
export interface Caller {
  /** `token:<name>`, or `loopback`. */
  readonly name: string;
  readonly role: Role;
}
