/** What the admin shows; the composition root implements it. Plain data, safe to serialise. */

export interface SessionSummaryView {
  /** User part of the IM Session Identity. */
  readonly id: string;
  readonly identity: string;
  readonly kind: 'ad-hoc' | 'group';
  /** Conference-factory URI or group identity. */
  readonly address: string;
  readonly subject: string | null;
  readonly phase: 'forming' | 'active' | 'ending';
  readonly switchId: string;
  readonly createdAt: string;
  readonly participants: { readonly connected: number; readonly invited: number };
}

export interface ParticipantView {
  readonly address: string;
  readonly displayName: string | null;
  readonly alias: string | null;
  readonly role: 'user' | 'history';
  readonly presence: 'invited' | 'alerting' | 'connected' | 'disconnected';
  readonly left: { readonly method: string; readonly reason: string | null } | null;
}

export interface LegView {
  readonly participant: string;
  readonly origin: 'incoming' | 'outgoing';
  readonly state: string;
  readonly callId: string;
  readonly expiresAt: string | null;
}

export interface SessionView extends SessionSummaryView {
  readonly revision: number;
  readonly roster: readonly ParticipantView[];
  readonly legs: readonly LegView[];
  readonly subscriptions: readonly {
    readonly participant: string;
    readonly expiresAt: string;
    readonly version: number;
  }[];
}

export interface DecisionView {
  readonly at: string;
  readonly clause: string;
  readonly procedure: string;
  readonly trigger: string;
  readonly callId: string | null;
  readonly user: string | null;
  readonly target: string | null;
  readonly status: number | null;
  readonly warning: string | null;
  readonly session: string | null;
  readonly steps: readonly {
    readonly id: string;
    readonly title: string;
    readonly verdict: string;
    readonly found: string;
  }[];
}

export interface DecisionFilter {
  readonly callId?: string;
  readonly user?: string;
  readonly clause?: string;
  readonly status?: number;
  readonly session?: string;
  readonly limit: number;
}

export interface SwitchView {
  readonly id: string | null;
  readonly eventSocket: string;
  readonly state: 'connecting' | 'up' | 'silent';
  readonly msrp: readonly string[];
  readonly sessions: number;
  readonly legs: number;
  readonly load: number;
  readonly draining: boolean;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

export interface GroupView {
  readonly uri: string;
  readonly displayName: string | null;
  readonly members: number;
  readonly maxParticipants: number | null;
  readonly inviteMembers: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  /** One line for each thing that is not as it should be. */
  readonly reasons: readonly string[];
}

/** A number that only grows, or one that goes up and down; label values must be few. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

export interface AdminView {
  readonly version: string;
  readiness(): Readiness;
  sessions(): readonly SessionSummaryView[];
  session(id: string): SessionView | undefined;
  decisions(filter: DecisionFilter): readonly DecisionView[];
  switches(): readonly SwitchView[];
  groups(): readonly GroupView[];
  /** Collected at each scrape. */
  metrics(): readonly Metric[];
}
