/** What REST answers, as far as the page reads it. test/unit/page/shapes.test.ts holds them against the server's types. */
export type Role = 'viewer' | 'operator' | 'admin';

export interface WhoAmI {
  /** `token:` and its name, or `loopback`. */
  readonly name: string;
  readonly role: Role;
}

export interface Presences {
  readonly connected: number;
  readonly invited: number;
}

export type SessionPhase = 'forming' | 'active' | 'ending' | 'ended';

export interface SessionSummary {
  readonly id: string;
  readonly identity: string;
  readonly kind: 'ad-hoc' | 'group';
  readonly address: string;
  readonly subject: string | null;
  readonly phase: SessionPhase;
  readonly switchId: string;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly endReason: string | null;
  readonly participants: Presences;
}

export interface SessionPage {
  readonly items: readonly SessionSummary[];
  readonly nextCursor: string | null;
}

export interface Participant {
  readonly address: string;
  readonly displayName: string | null;
  readonly alias: string | null;
  readonly nickname: string | null;
  readonly role: 'user' | 'history';
  readonly presence: 'invited' | 'alerting' | 'connected' | 'disconnected';
  readonly left: { readonly method: string; readonly reason: string | null } | null;
  readonly isMuted: boolean;
  readonly isExpelled: boolean;
}

export interface Traffic {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Leg {
  readonly participant: string;
  readonly origin: 'incoming' | 'outgoing';
  readonly state: string;
  readonly callId: string;
  readonly expiresAt: string | null;
}

export interface Session extends SessionSummary {
  readonly revision: number;
  readonly maxParticipants: number | null;
  readonly isFrozen: boolean;
  /** Null: the switch does not tell. */
  readonly traffic: Traffic | null;
  readonly roster: readonly Participant[];
  readonly legs: readonly Leg[];
  readonly subscriptions: readonly {
    readonly participant: string;
    readonly expiresAt: string;
    readonly version: number;
  }[];
}

export interface Step {
  readonly id: string;
  readonly title: string;
  readonly verdict: string;
  readonly found: string;
  readonly rule?: {
    readonly right: string;
    readonly grantedBy: readonly string[];
    readonly applied: readonly string[];
  };
}

/** A decision as the stream tells it: without its steps. */
export interface DecisionSummary {
  readonly id: number;
  readonly at: string;
  readonly clause: string;
  readonly trigger: string;
  readonly callId: string | null;
  readonly user: string | null;
  readonly status: number | null;
  readonly warning: string | null;
  readonly session: string | null;
}

export interface Decision extends DecisionSummary {
  readonly procedure: string;
  readonly target: string | null;
  readonly steps: readonly Step[];
}

export interface Explanation {
  readonly answer: string;
  readonly details: readonly string[];
  readonly remedies: readonly string[];
  readonly rule: string | null;
  readonly method: string;
  readonly target: string;
  readonly src: string;
  readonly originator: string | null;
  readonly clause: string;
  readonly procedure: string;
  readonly steps: readonly Step[];
  readonly status: number | null;
  readonly warning: string | null;
  readonly reply: { readonly headers: readonly { readonly name: string; readonly value: string }[] } | null;
  readonly actions: readonly string[];
  readonly earlier: readonly string[];
}

export interface SwitchState {
  readonly id: string | null;
  readonly eventSocket: string;
  readonly state: 'connecting' | 'up' | 'silent' | 'dead';
  readonly msrp: readonly string[];
  readonly sessions: number;
  readonly legs: number;
  readonly load: number;
  readonly draining: boolean;
  readonly isEmptying: boolean;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

/** Of the stream: messages a second. */
export interface Rates {
  /** Oldest first. */
  readonly items: readonly { readonly at: string; readonly inPerS: number; readonly outPerS: number }[];
  readonly switches: readonly { readonly id: string; readonly inPerS: number; readonly outPerS: number }[];
}

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export type ChangeName = 'created' | 'invited' | 'joined' | 'failed' | 'left' | 'moved' | 'lost' | 'ended';

/** Of the stream: what a decision did to its session. */
export interface SessionChange {
  readonly change: ChangeName;
  readonly session: string;
  readonly participant: string | null;
  readonly reason: string | null;
  readonly at: string;
  readonly decision: number;
  readonly participants: Presences;
}

export interface ListedGroup {
  readonly uri: string;
  readonly displayName: string | null;
  readonly members: number;
  readonly maxParticipants: number | null;
  readonly inviteMembers: boolean;
  readonly source: 'managed' | 'file';
  readonly file: string | null;
  readonly origin: string | null;
  readonly version: number | null;
  readonly etag: string | null;
  readonly updatedAt: string | null;
}

export interface GroupPage {
  readonly items: readonly ListedGroup[];
  readonly nextCursor: string | null;
  readonly counts: { readonly managed: number; readonly file: number; readonly matching: number };
}

export interface SavedGroup extends ListedGroup {
  readonly warnings: readonly string[];
  readonly inForce: boolean;
}

export interface Fault {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

export interface ProblemBody {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly parameter?: string;
  readonly errors?: readonly Fault[];
}
