/** A view whose answers a test chooses, and a logger whose lines it reads. */
import pino, { type Logger } from 'pino';
import type {
  AdminView,
  DecisionFilter,
  DecisionView,
  SessionSummaryView,
  SessionView,
} from '../../../src/admin/view.ts';

export function fakeView(own: Partial<AdminView> = {}): AdminView {
  return {
    version: '1.2.3',
    readiness: () => ({ ready: true, reasons: [] }),
    sessions: () => [],
    session: () => undefined,
    decisions: () => [],
    switches: () => [],
    groups: () => [],
    metrics: () => [],
    ...own,
  };
}

export function summary(id: string, own: Partial<SessionSummaryView> = {}): SessionSummaryView {
  return {
    id,
    identity: `sip:${id}@example.com`,
    kind: 'ad-hoc',
    address: 'sip:factory@example.com',
    subject: null,
    phase: 'active',
    switchId: 'switch-0',
    createdAt: '2026-11-22T10:00:00.000Z',
    participants: { connected: 1, invited: 0 },
    ...own,
  };
}

export function session(id: string, addresses: readonly string[] = []): SessionView {
  return {
    ...summary(id),
    revision: 7,
    roster: addresses.map((address) => ({
      address,
      displayName: 'Alice',
      alias: null,
      role: 'user',
      presence: 'disconnected',
      left: { method: 'departed', reason: null },
    })),
    legs: [
      {
        participant: 'sip:alice@example.com',
        origin: 'incoming',
        state: 'up',
        callId: 'c1',
        expiresAt: null,
      },
    ],
    subscriptions: [
      { participant: 'sip:alice@example.com', expiresAt: '2026-11-22T11:00:00.000Z', version: 3 },
    ],
  };
}

/** View functions of a fixed set of sessions. */
export function sessionsOf(all: readonly SessionView[]): Pick<AdminView, 'sessions' | 'session'> {
  return { sessions: () => all, session: (id) => all.find((one) => one.id === id) };
}

export const DECISION: DecisionView = {
  at: '2026-11-22T10:00:00.000Z',
  clause: '7.2.1.4',
  procedure: 'joining',
  trigger: 'INVITE',
  callId: 'c1',
  user: 'sip:alice@example.com',
  target: 'sip:im-s-1@example.com',
  status: 403,
  warning: null,
  session: 'im-s-1',
  steps: [{ id: 'R-7.2.1.4-3b', title: 'is the user allowed', verdict: 'refuse', found: 'not a member' }],
};

/** Keeps the filters that the view was asked with. */
export function recordingDecisions(answer: readonly DecisionView[]): {
  readonly filters: DecisionFilter[];
  readonly decisions: AdminView['decisions'];
} {
  const filters: DecisionFilter[] = [];
  const decisions = (filter: DecisionFilter) => {
    filters.push(filter);
    return answer;
  };
  return { filters, decisions };
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export function memoryLog(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(JSON.parse(line) as LogLine) });
  return { log, lines };
}
