/** What the admin shows; the composition root implements it. Plain data, safe to serialise. */
import type { Distribution } from '../lib/histogram.ts';
import type { DecisionFeed } from './live/feed.ts';
import type { Page, PageKey } from './page.ts';
import type { SessionRecord } from './session-records/record.ts';

export type Awaitable<T> = T | Promise<T>;

export type SessionPhase = 'forming' | 'active' | 'ending' | 'ended';

export interface SessionFilter {
  readonly limit: number;
  readonly after: PageKey | undefined;
  readonly kind?: 'ad-hoc' | 'group';
  readonly phase?: SessionPhase;
  /** `addressKey` of somebody who is or was on the roster. */
  readonly userKey?: string;
  /** `addressKey` of the group. */
  readonly groupKey?: string;
  readonly callId?: string;
  /** Those that have ended too. */
  readonly withEnded: boolean;
}

export interface SessionSummaryView {
  /** User part of the IM Session Identity. */
  readonly id: string;
  readonly identity: string;
  readonly kind: 'ad-hoc' | 'group';
  /** Conference-factory URI or group identity. */
  readonly address: string;
  readonly subject: string | null;
  readonly phase: SessionPhase;
  readonly switchId: string;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly endReason: string | null;
  readonly participants: { readonly connected: number; readonly invited: number };
}

export interface ParticipantView {
  readonly address: string;
  readonly displayName: string | null;
  readonly alias: string | null;
  /** What their client has named itself to the others (MSRP NICKNAME); null: nothing, or the switch could not be asked. */
  readonly nickname: string | null;
  readonly role: 'user' | 'history';
  readonly presence: 'invited' | 'alerting' | 'connected' | 'disconnected';
  readonly left: { readonly method: string; readonly reason: string | null } | null;
  /** By an operator's order nobody hears them. */
  readonly isMuted: boolean;
  /** Removed, and not let in again when they come by themselves. */
  readonly isExpelled: boolean;
}

/** A deadline: what happens when nothing else does before. */
export interface TimerView {
  readonly name: string;
  readonly at: string;
}

/** What has passed through the switch so far. */
export interface TrafficView {
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Of content. */
  readonly bytesIn: number;
  /** Of frames. */
  readonly bytesOut: number;
}

export interface DialogView {
  readonly localTag: string;
  readonly remoteTag: string;
  /** The peer's Contact. */
  readonly remoteTarget: string;
  /** Kamailio node that carries it. */
  readonly kamailio: string;
}

export interface LegView {
  readonly id: string;
  readonly participant: string;
  readonly origin: 'incoming' | 'outgoing';
  readonly state: string;
  readonly callId: string;
  readonly expiresAt: string | null;
  readonly dialog: DialogView;
  /** `+sip.instance` of the client, if it tells. */
  readonly device: string | null;
  readonly isTls: boolean;
  /** MSRP NICKNAME of this client; null: none, or the switch could not be asked. */
  readonly nickname: string | null;
  /** Types that the client takes; null before its SDP is known. */
  readonly acceptTypes: readonly string[] | null;
  readonly timers: readonly TimerView[];
  /** Null: the switch could not be asked, or has it no more. */
  readonly traffic: (TrafficView & { readonly isConnected: boolean }) | null;
}

export interface SubscriptionView {
  readonly participant: string;
  readonly expiresAt: string;
  readonly version: number;
  readonly event: 'conference' | 'refer';
  readonly callId: string;
  readonly timers: readonly TimerView[];
}

export interface SessionView extends SessionSummaryView {
  readonly revision: number;
  /** In force; null: none. */
  readonly maxParticipants: number | null;
  readonly isFrozen: boolean;
  readonly roster: readonly ParticipantView[];
  readonly legs: readonly LegView[];
  readonly subscriptions: readonly SubscriptionView[];
  /** `host:port` of the switch, as clients are told. */
  readonly switchAddress: string;
  /** Of all legs, those that are gone too; null: the switch could not be asked. */
  readonly traffic: TrafficView | null;
}

export interface DecisionView {
  /** Ascending in the order of decisions. */
  readonly id: number;
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
    readonly rule?: {
      readonly right: string;
      readonly grantedBy: readonly string[];
      readonly applied: readonly string[];
    };
  }[];
}

/** What would be answered to a SIP request, and why. */
export interface ExplanationView
  extends Pick<DecisionView, 'clause' | 'procedure' | 'steps' | 'status' | 'warning'> {
  /** In one or two sentences. */
  readonly answer: string;
  readonly details: readonly string[];
  /** What would let it pass. */
  readonly remedies: readonly string[];
  /** Which rule of the group document decided. */
  readonly rule: string | null;
  readonly method: string;
  readonly target: string;
  /** `IP:PORT` that it comes from, and how much is believed of who it says it is. */
  readonly src: string;
  readonly trust: 'core' | 'digest' | 'none';
  readonly originator: string | null;
  /** What would leave at once, with the header fields that say why or what to do instead; null while it depends on others. */
  readonly reply: {
    readonly status: number;
    readonly reason: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
  } | null;
  readonly actions: readonly string[];
  /** What was answered before to this Call-ID, newest first. */
  readonly earlier: readonly string[];
}

export interface ExplainQuestion {
  /** A raw SIP request; line ends and Content-Length are mended. */
  readonly message: string;
  readonly src?: string | undefined;
  readonly trust?: 'core' | 'digest' | 'none' | undefined;
  /** In place of the policy in force; it has no faults. */
  readonly policy?: Readonly<Record<string, unknown>> | undefined;
}

export interface DecisionFilter {
  readonly callId?: string;
  readonly user?: string;
  readonly clause?: string;
  readonly status?: number;
  readonly session?: string;
  /** Only those that refused somebody. */
  readonly refused?: boolean;
  /** Only those older than this one. */
  readonly beforeId?: number;
  readonly limit: number;
}

export interface SwitchView {
  readonly id: string | null;
  readonly eventSocket: string;
  /** `silent`: of its event socket alone; `dead`: its MSRP port does not answer either. */
  readonly state: 'connecting' | 'up' | 'silent' | 'dead';
  readonly msrp: readonly string[];
  readonly sessions: number;
  readonly legs: number;
  readonly load: number;
  readonly draining: boolean;
  /** Draining, and the sessions that it has are moved to others. */
  readonly isEmptying: boolean;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

export interface Readiness {
  readonly ready: boolean;
  /** One line for each thing that is not as it should be. */
  readonly reasons: readonly string[];
}

interface Described {
  readonly name: string;
  readonly help: string;
}

/** Values of labels must be few. */
type Labels = Readonly<Record<string, string>>;

/** A number that only grows, or one that goes up and down. */
export interface SimpleMetric extends Described {
  readonly type: 'counter' | 'gauge';
  readonly values: readonly { readonly labels: Labels; readonly value: number }[];
}

/** How many took how long. */
export interface HistogramMetric extends Described {
  readonly type: 'histogram';
  readonly values: readonly { readonly labels: Labels; readonly distribution: Distribution }[];
}

export type Metric = SimpleMetric | HistogramMetric;

export interface AdminView {
  readonly version: string;
  /** With its secrets: they are hidden where it is shown. */
  configuration(): unknown;
  readiness(): Awaitable<Readiness>;
  /** Newest first. */
  sessions(filter: SessionFilter): Awaitable<Page<SessionSummaryView>>;
  session(id: string): Awaitable<SessionView | undefined>;
  /** Of one that is over; undefined: the store does not have it any more. */
  sessionRecord(id: string): SessionRecord | undefined;
  /** Newest first. */
  decisions(filter: DecisionFilter): Awaitable<readonly DecisionView[]>;
  /** By the state as it is; nothing is sent or changed. @throws ParseError when the question makes no sense */
  explain(question: ExplainQuestion): Awaitable<ExplanationView>;
  switches(): Awaitable<readonly SwitchView[]>;
  /** What happens, for those who follow along. */
  readonly feed: DecisionFeed;
  /** Collected at each scrape. */
  metrics(): Awaitable<readonly Metric[]>;
}
