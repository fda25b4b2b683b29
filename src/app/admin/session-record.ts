/** The record of a session that is over, from what the store still has of it. */
import type { RecordedParticipant, SessionRecord } from '../../admin/session-records/record.ts';
import type { StateReader } from '../../store/state-reader.ts';

type Happened = ReturnType<StateReader['events']>[number];

/** Undefined: the store does not have it any more, or it goes on. */
export function sessionRecord(reader: StateReader, id: string): SessionRecord | undefined {
  const conference = reader.session(id);
  if (conference?.row.endedMs === undefined) return undefined;
  const { row, participants } = conference;
  const endedMs = conference.row.endedMs;
  const happened = reader.events(id);
  return {
    session: id,
    identity: row.identity,
    kind: row.kind,
    address: row.address,
    initiator: participants.get(row.initiator)?.address ?? row.initiator,
    createdAt: timeText(row.createdMs),
    endedAt: timeText(endedMs),
    durationS: Math.round(endedMs - row.createdMs) / 1000,
    endReason: row.endReason ?? null,
    switchId: row.switchId,
    participants: [
      ...[...participants.values()].map(({ address, role, joined, left }) => ({
        address,
        role,
        joinedAs: joined ?? null,
        stays: staysOf(address, happened, endedMs),
        left: left === undefined ? null : { method: left.method, reason: left.reason ?? null },
      })),
      // The roster of a group that many pass through forgets those who left first.
      ...forgotten(happened, new Set([...participants.values()].map(({ address }) => address))).map(
        (address) => ({
          address,
          role: 'user' as const,
          joinedAs: null,
          stays: staysOf(address, happened, endedMs),
          left: null,
        }),
      ),
    ],
    peak: peakOf(happened),
    traffic: reader.traffic(id) ?? null,
  };
}

function forgotten(happened: readonly Happened[], known: ReadonlySet<string>): string[] {
  const all = happened.flatMap(({ event }) => ('participant' in event ? [event.participant] : []));
  return [...new Set(all)].filter((address) => !known.has(address));
}

/** Somebody may come and go more than once. */
function staysOf(address: string, happened: readonly Happened[], endedMs: number) {
  const stays: { joinedAt: string | null; leftAt: string | null }[] = [];
  for (const { atMs, event } of happened) {
    if (!('participant' in event) || event.participant !== address) continue;
    const open = stays.at(-1);
    if (event.kind === 'participant-joined') stays.push({ joinedAt: timeText(atMs), leftAt: null });
    else if (event.kind === 'participant-left') {
      if (open !== undefined && open.leftAt === null) open.leftAt = timeText(atMs);
      else stays.push({ joinedAt: null, leftAt: timeText(atMs) });
    }
  }
  const last = stays.at(-1);
  if (last !== undefined && last.leftAt === null) last.leftAt = timeText(endedMs);
  return stays satisfies RecordedParticipant['stays'];
}

function peakOf(happened: readonly Happened[]): number {
  const present = new Set<string>();
  let peak = 0;
  for (const { event } of happened) {
    if (event.kind === 'participant-joined') present.add(event.participant);
    else if (event.kind === 'participant-left') present.delete(event.participant);
    peak = Math.max(peak, present.size);
  }
  return peak;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
