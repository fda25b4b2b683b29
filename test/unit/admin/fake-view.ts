/** A view whose answers a test chooses, and a logger whose lines it reads. */
import pino, { type Logger } from 'pino';
import { pageOf } from '../../../src/admin/page.ts';
import type {
  AdminView,
  DecisionFilter,
  DecisionView,
  ExplanationView,
  SessionSummaryView,
  SessionView,
  SwitchView,
} from '../../../src/admin/view.ts';

export function fakeView(own: Partial<AdminView> = {}): AdminView {
  return {
    version: '1.2.3',
    configuration: () => ({}),
    readiness: () => ({ ready: true, reasons: [] }),
    sessions: () => ({ items: [], nextCursor: null }),
    session: () => undefined,
    sessionRecord: () => undefined,
    decisions: () => [],
    explain: () => EXPLANATION,
    switches: () => [],
    feed: { newest: () => 0, since: () => [], presences: () => new Map() },
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
    endedAt: null,
    endReason: null,
    participants: { connected: 1, invited: 0 },
    ...own,
  };
}

export function session(id: string, addresses: readonly string[] = []): SessionView {
  return {
    ...summary(id),
    revision: 7,
    maxParticipants: null,
    isFrozen: false,
    roster: addresses.map((address) => ({
      address,
      displayName: 'Alice',
      alias: null,
      nickname: 'Al the great',
      role: 'user',
      presence: 'disconnected',
      left: { method: 'departed', reason: null },
      isMuted: false,
      isExpelled: false,
    })),
    legs: [
      {
        id: 'l1',
        participant: 'sip:alice@example.com',
        origin: 'incoming',
        state: 'up',
        callId: 'c1',
        expiresAt: null,
        dialog: { localTag: 'a', remoteTag: 'b', remoteTarget: 'sip:alice@192.0.2.9', kamailio: 'kam1' },
        device: null,
        isTls: false,
        nickname: 'Al the great',
        acceptTypes: ['message/cpim'],
        timers: [{ name: 'session', at: '2026-11-22T10:30:00.000Z' }],
        traffic: { messagesIn: 1, messagesOut: 2, bytesIn: 30, bytesOut: 400, isConnected: true },
      },
    ],
    subscriptions: [
      {
        participant: 'sip:alice@example.com',
        expiresAt: '2026-11-22T11:00:00.000Z',
        version: 3,
        event: 'conference',
        callId: 'c2',
        timers: [],
      },
    ],
    switchAddress: '192.0.2.1:2855',
    traffic: { messagesIn: 1, messagesOut: 2, bytesIn: 30, bytesOut: 400 },
  };
}

/** View functions of a fixed set of sessions, all of one moment and in the order of their ids. */
export function sessionsOf(all: readonly SessionView[]): Pick<AdminView, 'sessions' | 'session'> {
  return {
    sessions: ({ limit, after, kind, phase }) =>
      pageOf(
        all
          .filter((one) => kind === undefined || one.kind === kind)
          .filter((one) => phase === undefined || one.phase === phase)
          .filter(({ id }) => after === undefined || id > after.id)
          .slice(0, limit + 1),
        limit,
      ),
    session: (id) => all.find((one) => one.id === id),
  };
}

/** A switch that is up. */
export const SWITCH: SwitchView = {
  id: 'switch-0',
  eventSocket: '127.0.0.1:8021',
  state: 'up',
  msrp: ['127.0.0.1:2855'],
  sessions: 2,
  legs: 5,
  load: 0.25,
  draining: false,
  isEmptying: false,
  messagesIn: 10,
  messagesOut: 40,
};

export const DECISION: DecisionView = {
  id: 4711,
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

export const EXPLANATION: ExplanationView = {
  answer: 'This INVITE would get 404 Not Found, because nobody is there.',
  details: [],
  remedies: ['mend the address'],
  rule: null,
  method: 'INVITE',
  target: 'sip:nobody@example.com',
  src: '192.0.2.7:5060',
  trust: 'digest',
  originator: 'sip:alice@example.com',
  clause: '11.2',
  procedure: 'Unknown target',
  steps: DECISION.steps,
  status: 404,
  warning: null,
  reply: { status: 404, reason: 'Not Found', headers: [{ name: 'Retry-After', value: '5' }] },
  actions: ['BYE to sip:bob@192.0.2.9'],
  earlier: ['2026-11-22T10:00:00.000Z 486 to the INVITE, by 7.2.1.4'],
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
