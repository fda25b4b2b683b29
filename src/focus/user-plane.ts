/** 7.2.3 User plane: what the switch is told of a conference. The switch forwards by this and decides nothing. */
import type { GroupDocument } from '../documents/group-model.ts';
import type { LegSnapshot, SessionSnapshot } from '../switch-control/protocol.ts';
import { isLive, type LegRow, type ParticipantRow, type PeerMedia } from './conference.ts';
import { STAGE, type Stage } from './decision.ts';
import { rightsIn } from './policy/group-policy.ts';
import type { Work } from './work.ts';
import type { World } from './world.ts';

/** Rules of a group may hold for a time. */
type Now = Pick<World, 'nowMs'>;

/** Tells the switch of a new session, or of all of it again. Later stages wait for its word when `isGate`. */
export function putSession(work: Work, now: Now, isGate: boolean): void {
  nextRevision(work);
  effect(work, 'session.put', sessionSnapshot(work, now), isGate);
}

/** All that the switch holds of a session, at its present revision. Who has no answer yet is not in the room. */
export function sessionSnapshot(work: Work, now: Now): SessionSnapshot {
  return {
    session: work.row.id,
    revision: work.row.switchRevision,
    addresses: addresses(work),
    legs: work.legs
      .filter((leg) => isLive(leg) && leg.state !== 'offered')
      .map((leg) => legSnapshot(work, leg, now)),
  };
}

export function putLegs(work: Work, now: Now, legs: readonly LegRow[], isGate: boolean): void {
  const base = work.row.switchRevision;
  const revision = nextRevision(work);
  const body = {
    session: work.row.id,
    base,
    revision,
    legs: legs.map((leg) => legSnapshot(work, leg, now)),
  };
  effect(work, 'leg.put', body, isGate);
}

/** 7.2.1.9-ok-1, 7.2.1.10-2: the MSRP resources of these legs are released. */
export function dropLegs(work: Work, legs: readonly string[]): void {
  const base = work.row.switchRevision;
  const revision = nextRevision(work);
  effect(work, 'leg.drop', { session: work.row.id, base, revision, legs }, false);
}

/**
 * Who is expelled hears nothing more and is not heard, from the BYE on and whether or not it is answered; the resources stay until
 * then (7.2.1.9).
 */
export function silenceLegs(work: Work, now: Now, legs: readonly LegRow[]): void {
  const base = work.row.switchRevision;
  const revision = nextRevision(work);
  const silent = legs.map((leg) => ({ ...legSnapshot(work, leg, now), direction: 'inactive' as const }));
  work.effect({
    // Not before the BYE: a switch that does not answer holds up nobody.
    stage: STAGE.release,
    kind: 'switch',
    switchId: work.row.switchId,
    op: 'leg.put',
    body: { session: work.row.id, base, revision, legs: silent },
    isGate: false,
    isExpulsion: true,
  });
}

export function dropSession(work: Work): void {
  effect(work, 'session.drop', { session: work.row.id, revision: nextRevision(work) }, false);
}

/** At a switch that the session has left. */
export function dropMovedSession(work: Work, switchId: string, stage: Stage): void {
  const { id: session, switchRevision: revision } = work.row;
  work.effect({
    stage,
    kind: 'switch',
    switchId,
    op: 'session.drop',
    body: { session, revision },
    isGate: false,
  });
}

function effect(
  work: Work,
  op: 'session.put' | 'session.drop' | 'leg.put' | 'leg.drop',
  body: unknown,
  isGate: boolean,
): void {
  const stage = op === 'session.put' || op === 'leg.put' ? STAGE.switch : STAGE.release;
  work.effect({ stage, kind: 'switch', switchId: work.row.switchId, op, body, isGate });
}

function nextRevision(work: Work): number {
  const switchRevision = work.row.switchRevision + 1;
  work.row = { ...work.row, switchRevision };
  return switchRevision;
}

/** What CPIM To may say to mean everybody. */
function addresses(work: Work): string[] {
  return work.row.identity === work.row.address ? [work.row.identity] : [work.row.identity, work.row.address];
}

function legSnapshot(work: Work, leg: LegRow, now: Now): LegSnapshot {
  const participant = work.participants.get(leg.participant);
  const identities =
    participant === undefined ? [] : [participant.address, ...keysAsAddresses(participant.keys)];
  // Where a client that is to move is found now, its answer tells.
  const { path, dial, fingerprint, role, ...media }: Partial<PeerMedia> = leg.media ?? {};
  const where = leg.isMoving === true ? undefined : { path, dial, fingerprint, role };
  return {
    leg: leg.id,
    sessionId: leg.sessionId,
    tls: leg.isTls,
    identities: [...new Set(identities)].slice(0, 8),
    role: where?.role ?? 'either',
    acceptTypes: [...(media.acceptTypes ?? ['*'])],
    acceptWrappedTypes: [...(media.acceptWrappedTypes ?? ['*'])],
    direction: media.direction ?? 'sendrecv',
    ...(where?.path === undefined ? {} : { path: [...where.path] }),
    ...(where?.fingerprint === undefined ? {} : { fingerprint: where.fingerprint }),
    ...(where?.dial === undefined ? {} : { dial: [...where.dial] }),
    ...(media.maxSizeBytes === undefined ? {} : { maxSizeBytes: media.maxSizeBytes }),
    ...(participant?.displayName === undefined ? {} : { displayName: participant.displayName }),
    // Who is being invited is not in yet.
    ...(where === undefined && leg.state === 'connected' ? { isMoving: true as const } : {}),
    ...(participant?.isMuted === true ? { muted: true as const } : {}),
    ...(participant?.alias === undefined ? {} : { alias: participant.alias }),
    ...(mayWritePrivately(work.row.group, participant, now) ? {} : { mayWritePrivately: false }),
  };
}

/** A group's allow-private-message; in an ad-hoc session everybody may. Judged when the switch is told of the leg. */
export function mayWritePrivately(
  group: GroupDocument | undefined,
  participant: ParticipantRow | undefined,
  { nowMs }: Now,
): boolean {
  if (group === undefined || participant === undefined) return true;
  const { address, keys } = participant;
  return rightsIn(group, { addresses: [address, ...keys], keys, primary: address }, nowMs).rights
    .privateMessage;
}

function keysAsAddresses(keys: readonly string[]): string[] {
  return keys.filter((key) => /^(sips?|tel):/.test(key));
}
