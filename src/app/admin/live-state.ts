/** What only the focus knows while it runs, and the admin asks it for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KamailioRpcServer } from 'kamailio-jsonrpc';
import type { Announcement, OrderResult } from '../../admin/control.ts';
import type { SwitchAt } from '../../admin/records/added-switches.ts';
import type { Metric, Readiness, SwitchView } from '../../admin/view.ts';
import { formatHostPort } from '../../config/address.ts';
import type { Engine } from '../../engine/engine.ts';
import type { FocusBus } from '../../event-socket/bus/focus-bus.ts';
import type { SwitchFleet, SwitchState } from '../../event-socket/switch-fleet.ts';
import type { OperatorOrder, OperatorOutcome } from '../../focus/operator.ts';
import type { DecisionRecord } from '../../focus/ports.ts';
import { CodedError } from '../../lib/errors.ts';
import type { GroupDirectory } from '../groups.ts';
import type { KamailioCalls } from '../kamailio-calls.ts';
import type { KamailioNodes } from '../kamailio-nodes.ts';
import type { PolicyInForce } from '../policy-in-force.ts';
import type { RecentRequests } from '../recent-requests.ts';
import type { SwitchKeeper } from '../switch-keeper.ts';
import type { TraceExporter } from '../tracing/exporter.ts';
import { announceTo } from './announcing.ts';
import { focusMetrics } from './focus-metrics.ts';
import type { FreeSwitchNumbers } from './freeswitch-metrics.ts';
import { LoopLag } from './loop-lag.ts';

export interface FocusParts {
  readonly engine: Engine;
  readonly fleet: SwitchFleet;
  /** In bus mode. */
  readonly bus?: Pick<FocusBus, 'counters'> | undefined;
  readonly keeper: SwitchKeeper;
  /** Of switches that are added. */
  readonly eventSocketPassword: string;
  readonly rpc: KamailioRpcServer;
  readonly groups: GroupDirectory;
  /** Reads what was edited over REST, and tells the running sessions. */
  readonly groupsChanged: () => void;
  readonly calls: KamailioCalls;
  readonly nodes: Pick<KamailioNodes, 'health'>;
  /** How many decisions ended in which clause and status. */
  readonly tally: DecisionTally;
  readonly recent: RecentRequests;
  readonly policy: Pick<PolicyInForce, 'version'>;
  /** Takes the policy that the records say is in force. */
  readonly policyChanged: () => void;
  readonly isKamailioSeen: () => boolean;
  readonly freeSwitch: FreeSwitchNumbers;
  /** Absent: nothing is traced. */
  readonly exporter?: Pick<TraceExporter, 'counters'> | undefined;
}

/** Decisions by clause and status, for the metrics: both are small closed sets. */
export class DecisionTally {
  readonly #counts = new Map<string, number>();
  /** Of sessions and legs that have to leave a switch. */
  readonly moves = { sessions: 0, legs: 0, lost: 0 };

  add({ clause, status, events = [] }: DecisionRecord): void {
    for (const { kind } of events) {
      if (kind === 'session-moved') this.moves.sessions += 1;
      else if (kind === 'leg-moved') this.moves.legs += 1;
      else if (kind === 'leg-lost') this.moves.lost += 1;
    }
    const key = `${clause} ${status ?? ''}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  values(): { labels: { clause: string; status: string }; value: number }[] {
    return [...this.#counts].map(([key, value]) => {
      const [clause = '', status = ''] = key.split(' ');
      return { labels: { clause, status }, value };
    });
  }
}

/** The operations of the focus's side of the link. */
export function liveState(parts: FocusParts) {
  const { fleet, groups } = parts;
  const lag = new LoopLag();
  return {
    readiness: (): Readiness => {
      const reasons: string[] = [];
      if (!fleet.states().some(({ state }) => state === 'up')) reasons.push('no message switch is up');
      if (!parts.isKamailioSeen()) reasons.push('no Kamailio has connected yet');
      return { ready: reasons.length === 0, reasons };
    },
    switches: (): SwitchView[] => fleet.states().map((state) => switchView(state, parts.keeper)),
    /** Undefined when they are as in the revision that the admin has. */
    fileGroups: (known: number) => (groups.fileRevision === known ? undefined : groups.fileGroups()),
    fileGroupDocument: (key: string) => groups.fileDocument(key),
    /** @returns keys of the groups whose newest version could not be taken */
    groupsChanged: () => {
      parts.groupsChanged();
      return groups.behind();
    },
    drain: async (switchId: string, to: { draining: boolean; empty: boolean }): Promise<void> => {
      const reply = await fleet.request(switchId, 'switch.drain', to);
      if (!reply.ok) throw new CodedError('ESL_REFUSED', `${reply.code}: ${reply.reason}`);
    },
    /** @returns the version that is in force now */
    policyChanged: (): number => {
      parts.policyChanged();
      return parts.policy.version;
    },
    recentRequests: (limit: number) => parts.recent.latest(limit),
    announce: (announcement: Announcement) => announceTo(parts, announcement),
    /** Undefined: the switch does not know it, or says nothing for a second. */
    traffic: (session: string) => trafficOf(parts, session),
    addSwitch: (at: SwitchAt): void => {
      if (fleet.states().some(({ host, port }) => host === at.host && port === at.port)) return;
      fleet.add({ ...at, password: parts.eventSocketPassword });
    },
    removeSwitch: (at: SwitchAt): Promise<void> => fleet.remove(at),
    order: (order: OperatorOrder): OrderResult => resultOf(parts.engine.order(order)),
    metrics: (): Metric[] => [...focusMetrics(parts), lag.metric('focus')],
  };
}

const TRAFFIC_TIMEOUT_MS = 1_000;

async function trafficOf({ engine, fleet }: FocusParts, session: string) {
  const conference = engine.sessions.byId(session);
  if (conference === undefined) return undefined;
  const { switchId } = conference.row;
  if (!fleet.states().some(({ id, state }) => id === switchId && state === 'up')) return undefined;
  const late = new AbortController();
  try {
    const reply = await Promise.race([
      fleet.request(switchId, 'session.traffic', { session }),
      delay(TRAFFIC_TIMEOUT_MS, undefined, { signal: late.signal, ref: false }),
    ]);
    return reply?.ok === true ? reply.traffic : undefined;
  } finally {
    late.abort();
  }
}

export type LiveState = ReturnType<typeof liveState>;

/** Without the decision, which stays here. */
function resultOf(outcome: OperatorOutcome): OrderResult {
  if (outcome.kind !== 'decided') return outcome;
  const { before, now } = outcome;
  return { kind: 'done', before, now };
}

function switchView(
  { id, host, port, state, sessions, legs, load, draining, hello }: SwitchState,
  keeper: SwitchKeeper,
): SwitchView {
  return {
    id,
    eventSocket: formatHostPort({ host, port }),
    state: id !== null && keeper.isDead(id) ? 'dead' : state,
    msrp: (hello?.msrp ?? []).map(formatHostPort),
    sessions,
    legs,
    load,
    draining,
    isEmptying: hello?.isEmptying === true,
    messagesIn: hello?.messagesIn ?? 0,
    messagesOut: hello?.messagesOut ?? 0,
  };
}
