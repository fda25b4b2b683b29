/** A store as a busy day leaves it. */
import type { Conference, ParticipantRow } from '../../../src/focus/conference.ts';
import type { DecisionRecord, Store } from '../../../src/focus/ports.ts';

const MEMBERS = 4;
const START_MS = Date.parse('2026-11-22T08:00:00Z');

export function fillSessions(store: Store, count: number): void {
  for (let n = 0; n < count; n += 1) {
    const id = `im-s-${String(n).padStart(6, '0')}`;
    const row: Conference['row'] = {
      id,
      identity: `sip:${id}@im.example.net`,
      kind: n % 3 === 0 ? 'group' : 'ad-hoc',
      address: n % 3 === 0 ? `sip:group-${n}@im.example.net` : 'sip:im-conference-factory@im.example.net',
      ...(n % 3 === 0 ? { groupKey: `sip:group-${n}@im.example.net` } : { subject: `Talk number ${n}` }),
      passedOn: [],
      phase: 'active',
      revision: 0,
      switchId: 'switch-0',
      switchAddress: { host: '192.0.2.10', port: 2855 },
      switchRevision: 1,
      initiator: 'p0',
      acceptTypes: ['message/cpim'],
      createdMs: START_MS + n * 100,
    };
    const participants = Array.from({ length: MEMBERS }, (_, index) => participantOf(n, index));
    store.commit({
      changes: {
        conference: row,
        baseRevision: -1,
        rows: participants.map((one) => ({ kind: 'participant' as const, id: one.id, row: one })),
        effects: [],
        events: [],
      },
      record: decisionOf(n, id),
    });
  }
}

function participantOf(session: number, index: number): ParticipantRow {
  const address = `sip:user-${(session * 7 + index) % 20_000}@im.example.net`;
  return {
    id: `p${index}`,
    keys: [address],
    address,
    displayName: `User ${index}`,
    role: 'user',
    presence: 'connected',
    joined: index === 0 ? 'dialed-in' : 'dialed-out',
    isExpelled: false,
  };
}

/** With the steps and events that one has. */
export function decisionOf(n: number, session: string, atMs = START_MS + n): DecisionRecord {
  const participant = `sip:user-${n % 20_000}@im.example.net`;
  return {
    atMs,
    clause: '7.2.1.4',
    procedure: 'Joining a session',
    trigger: 'INVITE',
    callId: `call-${n}@192.0.2.9`,
    user: participant,
    target: `sip:${session}@im.example.net`,
    status: 200,
    session,
    steps: Array.from({ length: 12 }, (_, step) => ({
      id: `R-7.2.1.4-${step}`,
      title: 'what this step of the clause looks at',
      verdict: 'pass' as const,
      found: 'as it should be, with the inputs that decided',
    })),
    events: [{ kind: 'participant-joined', session, participant }],
  };
}
