/** The admin over a real socket with sessions, decisions and switches that a test makes up. */
import { type AdminOptions, startAdmin } from '../../../src/admin/admin.ts';
import type { DecisionSummary, FeedEntry, SessionChange } from '../../../src/admin/live/feed.ts';
import type { LiveLimits } from '../../../src/admin/live/hub.ts';
import { pageOf } from '../../../src/admin/page.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import type { AdminServerOptions } from '../../../src/admin/server.ts';
import type { AdminView, SessionSummaryView, SwitchView } from '../../../src/admin/view.ts';
import { freePort } from '../../support/kamailio/free-port.ts';
import { fakeControl } from '../../unit/admin/fake-control.ts';
import { fakeGroups } from '../../unit/admin/fake-groups.ts';
import { fakePolicies } from '../../unit/admin/fake-policies.ts';
import { fakeView, memoryLog, summary } from '../../unit/admin/fake-view.ts';

export interface PageRig {
  readonly url: string;
  /** Newest first, as the list has them. */
  sessions: SessionSummaryView[];
  switches: SwitchView[];
  decide(own?: Partial<DecisionSummary>, changes?: readonly Partial<SessionChange>[]): number;
  /** What the feed still has to give. */
  readonly entries: FeedEntry[];
  /** The port is closed, as when the focus is restarted; what happens goes on. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface PageRigOptions {
  readonly view?: Partial<AdminView>;
  readonly admin?: Partial<AdminServerOptions>;
  readonly live?: Partial<LiveLimits>;
  readonly port?: number;
}

export const SWITCH: SwitchView = {
  id: 'switch-0',
  eventSocket: '127.0.0.1:8021',
  state: 'up',
  msrp: ['127.0.0.1:2855'],
  sessions: 0,
  legs: 0,
  load: 0.1,
  draining: false,
  isEmptying: false,
  messagesIn: 0,
  messagesOut: 0,
};

export async function pageRig({
  view = {},
  admin = {},
  live = {},
  port,
}: PageRigOptions = {}): Promise<PageRig> {
  const entries: FeedEntry[] = [];
  let count = 0;
  const state = { sessions: [] as SessionSummaryView[], switches: [SWITCH] as SwitchView[] };
  const options: AdminOptions = {
    host: '127.0.0.1',
    // Not one of those that the kernel gives to others while it is stopped.
    port: port ?? (await freePort()),
    control: fakeControl(),
    groups: fakeGroups(),
    policies: fakePolicies(),
    records: openRecords(':memory:'),
    nowMs: () => Date.now(),
    withoutToken: 'admin',
    openProbes: true,
    log: memoryLog().log,
    live,
    ...admin,
    view: fakeView({
      sessions: ({ limit, after }) => {
        const from = after === undefined ? 0 : state.sessions.findIndex(({ id }) => id === after.id) + 1;
        return pageOf(state.sessions.slice(from, from + limit + 1), limit);
      },
      switches: () => state.switches,
      decisions: ({ limit }) =>
        entries
          .slice(-limit)
          .reverse()
          .map(({ decision }) => ({ ...decision, procedure: 'Joining', target: null, steps: [] })),
      feed: {
        newest: () => count,
        since: (id, limit) => {
          // Ids are one after the other, so their place follows from the first.
          const first = entries[0]?.decision.id ?? 0;
          const from = Math.max(0, id + 1 - first);
          return entries.slice(from, from + limit);
        },
        presences: (ids) =>
          new Map(
            ids.map((id) => [
              id,
              state.sessions.find((one) => one.id === id)?.participants ?? { connected: 2, invited: 0 },
            ]),
          ),
      },
      ...view,
    }),
  };
  let running = await startAdmin(options);
  const { address } = running;
  return {
    url: `http://127.0.0.1:${address.port}/`,
    entries,
    get sessions() {
      return state.sessions;
    },
    set sessions(all) {
      state.sessions = all;
    },
    get switches() {
      return state.switches;
    },
    set switches(all) {
      state.switches = all;
    },
    decide(own = {}, changes = []) {
      count += 1;
      const session = own.session === undefined ? null : own.session;
      const decision: DecisionSummary = {
        at: new Date().toISOString(),
        clause: '7.2.1.4',
        trigger: 'INVITE',
        callId: `call-${count}`,
        user: 'sip:ada@example.net',
        status: 200,
        warning: null,
        ...own,
        session,
        id: count,
      };
      entries.push({
        decision,
        changes: changes.map((change) => ({
          change: 'joined',
          session: session ?? '',
          participant: 'sip:ada@example.net',
          reason: null,
          ...change,
        })),
      });
      return count;
    },
    stop: () => running.close(),
    async restart() {
      running = await startAdmin({ ...options, port: address.port });
    },
    close: () => running.close(),
  };
}

/** So many sessions, newest first, of groups and ad-hoc ones in turn. */
export function manySessions(count: number, nowMs: number = Date.now()): SessionSummaryView[] {
  return Array.from({ length: count }, (_, index) => {
    const isGroup = index % 3 !== 0;
    return summary(`im-s-${String(index).padStart(5, '0')}`, {
      createdAt: new Date(nowMs - index * 7_000).toISOString(),
      kind: isGroup ? 'group' : 'ad-hoc',
      address: isGroup ? `sip:im-g-team-${index}@example.net` : 'sip:im-conference-factory@example.net',
      subject: isGroup ? null : index % 2 === 0 ? 'Shift handover' : null,
      phase: index % 17 === 0 ? 'forming' : 'active',
      switchId: `switch-${index % 2}`,
      participants: { connected: 2 + (index % 9), invited: index % 5 === 0 ? 1 : 0 },
    });
  });
}
