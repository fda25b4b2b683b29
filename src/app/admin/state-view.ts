/** What the store holds, as the admin shows it. */

import type { FeedEntry, SessionChangeName } from '../../admin/live/feed.ts';
import { pageOf } from '../../admin/page.ts';
import type { AdminView, DecisionView, SessionFilter, SessionSummaryView } from '../../admin/view.ts';
import type { DomainEvent } from '../../focus/decision.ts';
import type { FocusSettings } from '../../focus/world.ts';
import type { NumberedDecision } from '../../store/decision-query.ts';
import type { SessionEntry, StateReader } from '../../store/state-reader.ts';
import { sessionRecord } from './session-record.ts';
import { sessionOf, sessionView, type TrafficSource } from './session-view.ts';

export function stateView(
  reader: StateReader,
  settings: () => FocusSettings,
  traffic: TrafficSource,
): Pick<AdminView, 'sessions' | 'session' | 'sessionRecord' | 'decisions' | 'feed'> {
  return {
    sessions: (filter) => sessionPage(reader, filter),
    session: async (id) => {
      const conference = reader.session(id);
      if (conference === undefined) return undefined;
      const passed = conference.row.phase === 'ended' ? undefined : await traffic(id);
      const before = reader.traffic(id);
      return sessionView(conference, settings(), { passed, before });
    },
    sessionRecord: (id) => sessionRecord(reader, id),
    decisions: (filter) => reader.decisions(filter).map(decisionView),
    feed: {
      newest: () => reader.lastDecision(),
      since: (id, limit) => reader.decisionsSince(id, limit).map(feedEntry),
      presences: (ids) => reader.presences(ids),
    },
  };
}

function sessionPage(reader: StateReader, { limit, after, ...filter }: SessionFilter) {
  const found = reader.sessions({
    ...filter,
    limit: limit + 1,
    ...(after === undefined ? {} : { after: { createdMs: Date.parse(after.createdAt), id: after.id } }),
  });
  return pageOf(found.map(summary), limit);
}

function summary({ row, connected, invited }: SessionEntry): SessionSummaryView {
  return { ...sessionOf(row), participants: { connected, invited } };
}

export function decisionView({ id, record }: NumberedDecision): DecisionView {
  const { atMs, clause, procedure, trigger, callId, user, target, status, warning, session, steps } = record;
  return {
    id,
    at: new Date(atMs).toISOString(),
    clause,
    procedure,
    trigger,
    callId: callId ?? null,
    user: user ?? null,
    target: target ?? null,
    status: status ?? null,
    warning: warning ?? null,
    session: session ?? null,
    steps,
  };
}

/** What is told; that each single leg has followed its session is counted only. */
const CHANGES: Readonly<Record<Exclude<DomainEvent['kind'], 'leg-moved'>, SessionChangeName>> = {
  'session-created': 'created',
  'session-moved': 'moved',
  'leg-lost': 'lost',
  'session-ended': 'ended',
  'participant-invited': 'invited',
  'participant-joined': 'joined',
  'participant-left': 'left',
  'invitation-failed': 'failed',
};

function feedEntry({ id, record }: NumberedDecision): FeedEntry {
  const { atMs, clause, trigger, callId, user, status, warning, session, events = [] } = record;
  return {
    decision: {
      id,
      at: new Date(atMs).toISOString(),
      clause,
      trigger,
      callId: callId ?? null,
      user: user ?? null,
      status: status ?? null,
      warning: warning ?? null,
      session: session ?? null,
    },
    changes: events.flatMap((event) =>
      event.kind === 'leg-moved'
        ? []
        : {
            change: CHANGES[event.kind],
            session: event.session,
            participant: 'participant' in event ? event.participant : null,
            reason: event.reason ?? null,
          },
    ),
  };
}
