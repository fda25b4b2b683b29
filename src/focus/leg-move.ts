/** A leg whose session has moved to another switch: its client is offered a path to that one, and who does not follow is gone. */
import type { LegRow } from './conference.ts';
import { modifyLeg, nextOffer } from './leg-modification.ts';
import type { Trace } from './procedure.ts';
import { isStranded, waitsForNoSwitch } from './stranding.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/**
 * Offers the leg's client a path to the session's present switch, by re-INVITE, now or as soon as its dialog is free. The
 * session-id is a new one: a client that is found at the address that it had would see no change otherwise.
 */
export function moveLeg(work: Work, world: World, trace: Trace, leg: LegRow): LegRow {
  const moving: LegRow = { ...leg, sessionId: world.ids.token(100), isMoving: true };
  const { leg: next, sdp } = nextOffer(work, world, moving);
  // From now on whatever we say of our side is this: the path before leads nowhere.
  return modifyLeg(work, world, trace, { ...next, localSdp: sdp }, { sdp, isVital: true, isMove: true });
}

/** The client has agreed to a path to the session's present switch. */
export function legHasMoved(work: Work, row: LegRow): LegRow {
  const { isMoving: _, ...leg } = row;
  // A session that waits for a switch since then still does: what the client has agreed to leads to one that is gone.
  if (!isStranded(work.row)) notStranded(work);
  work.event({ kind: 'leg-moved', session: work.row.id, participant: addressOf(work, leg) });
  return work.legs.put(leg);
}

/** The session has a switch that takes it. */
export function notStranded(work: Work): void {
  const { strandedMs: _, ...row } = waitsForNoSwitch(work.row);
  work.row = row;
}

/** The client did not follow, and its leg ends for it. */
export function legIsLost(work: Work, leg: LegRow, reason: string): void {
  work.event({ kind: 'leg-lost', session: work.row.id, participant: addressOf(work, leg), reason });
}

function addressOf(work: Work, { participant }: LegRow): string {
  return work.participants.get(participant)?.address ?? participant;
}
