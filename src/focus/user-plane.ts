/** 7.2.3 User plane: what the switch is told of a conference. The switch forwards by this and decides nothing. */
import type { LegSnapshot, SessionSnapshot } from '../switch-control/protocol.ts';
import { isLive, type LegRow } from './conference.ts';
import { STAGE } from './decision.ts';
import type { Work } from './work.ts';

/** Tells the switch of a new session, or of all of it again. Later stages wait for its word when `isGate`. */
export function putSession(work: Work, isGate: boolean): void {
  nextRevision(work);
  effect(work, 'session.put', sessionSnapshot(work), isGate);
}

/** All that the switch holds of a session, at its present revision. */
export function sessionSnapshot(work: Work): SessionSnapshot {
  return {
    session: work.row.id,
    revision: work.row.switchRevision,
    addresses: addresses(work),
    legs: work.legs.filter(isLive).map((leg) => legSnapshot(work, leg)),
  };
}

export function putLegs(work: Work, legs: readonly LegRow[], isGate: boolean): void {
  const base = work.row.switchRevision;
  const revision = nextRevision(work);
  const body = { session: work.row.id, base, revision, legs: legs.map((leg) => legSnapshot(work, leg)) };
  effect(work, 'leg.put', body, isGate);
}

/** 7.2.1.9-ok-1, 7.2.1.10-2: the MSRP resources of these legs are released. */
export function dropLegs(work: Work, legs: readonly string[]): void {
  const base = work.row.switchRevision;
  const revision = nextRevision(work);
  effect(work, 'leg.drop', { session: work.row.id, base, revision, legs }, false);
}

export function dropSession(work: Work): void {
  effect(work, 'session.drop', { session: work.row.id, revision: nextRevision(work) }, false);
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

export function legSnapshot(work: Work, leg: LegRow): LegSnapshot {
  const participant = work.participants.get(leg.participant);
  const identities =
    participant === undefined ? [] : [participant.address, ...keysAsAddresses(participant.keys)];
  const { media } = leg;
  return {
    leg: leg.id,
    sessionId: leg.sessionId,
    tls: leg.isTls,
    identities: [...new Set(identities)].slice(0, 8),
    role: media?.role ?? 'either',
    acceptTypes: [...(media?.acceptTypes ?? ['*'])],
    acceptWrappedTypes: [...(media?.acceptWrappedTypes ?? ['*'])],
    direction: media?.direction ?? 'sendrecv',
    ...(media === undefined ? {} : { path: [...media.path] }),
    ...(media?.maxSizeBytes === undefined ? {} : { maxSizeBytes: media.maxSizeBytes }),
    ...(participant?.displayName === undefined ? {} : { displayName: participant.displayName }),
    ...(participant?.alias === undefined ? {} : { alias: participant.alias }),
  };
}

function keysAsAddresses(keys: readonly string[]): string[] {
  return keys.filter((key) => /^(sips?|tel):/.test(key));
}
