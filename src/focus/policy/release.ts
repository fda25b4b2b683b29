/** 7.2.2.8 IM Session release policy: when a session ends though somebody is still there. */
import { type ConferenceRow, isLive, type ParticipantRow } from '../conference.ts';
import type { Work } from '../work.ts';
import type { ReleaseSettings, World } from '../world.ts';
import { rightsIn } from './group-policy.ts';

export type SessionKind = 'adHoc' | 'group' | 'chatGroup';

export interface ReleaseVerdict {
  /** What was looked at, for the trace. */
  readonly found: string;
  /** Why the session is to be released; absent when it goes on. */
  readonly reason?: string;
}

/** What the policy distinguishes: a group that does not invite its members is a chat group. */
export function kindOf({ kind, group }: ConferenceRow): SessionKind {
  if (kind === 'ad-hoc') return 'adHoc';
  return group?.inviteMembers === true ? 'group' : 'chatGroup';
}

/** With fewer participants than this the session is released. */
export function minimumParticipants(row: ConferenceRow, settings: ReleaseSettings): number {
  const { adHocMinimum, groupMinimum, chatGroupMinimum } = settings;
  return { adHoc: adHocMinimum, group: groupMinimum, chatGroup: chatGroupMinimum }[kindOf(row)];
}

/** The session begins: from now on it lasts no longer than its kind may. */
export function withMaxLength(row: ConferenceRow, settings: ReleaseSettings, nowMs: number): ConferenceRow {
  const maxLengthS = settings.maxLengthS[kindOf(row)];
  if (maxLengthS === undefined) return row;
  return { ...row, deadlines: { ...row.deadlines, maxLength: nowMs + maxLengthS * 1000 } };
}

/** Judged after a removal, by who is there still and who has gone with this decision. */
export function judgeRelease(work: Work, world: World): ReleaseVerdict {
  const { releasePolicy } = world.settings;
  const leavers = work.leavers();
  const keyParticipant = leaverWhoCounts(work, world, leavers);
  if (keyParticipant !== undefined) {
    return {
      found: `${keyParticipant.address} left, a key participant (is-key-participant)`,
      reason: 'the session is released: a key participant has left',
    };
  }
  if (
    releasePolicy.whenInitiatorLeaves.includes(kindOf(work.row)) &&
    leavers.some(({ id }) => id === work.row.initiator)
  ) {
    return {
      found: 'who set the session up left (release.whenInitiatorLeaves)',
      reason: 'the session is released: who set it up has left',
    };
  }
  const minimum = minimumParticipants(work.row, releasePolicy);
  const present = work.participants.filter((row) => row.role === 'user' && isPresent(work, row)).length;
  const found = `present: ${present}, at least ${minimum} needed`;
  return present >= minimum
    ? { found }
    : { found, reason: 'the session is released: too few participants remain' };
}

/** A key participant who left, if that ends the session: any of them, or the last (release.whenKeyParticipantLeaves). */
function leaverWhoCounts(
  work: Work,
  world: World,
  leavers: readonly ParticipantRow[],
): ParticipantRow | undefined {
  const { whenKeyParticipantLeaves } = world.settings.releasePolicy;
  if (whenKeyParticipantLeaves === 'off') return undefined;
  const leaver = leavers.find((row) => isKeyParticipant(work, world, row));
  if (leaver === undefined || whenKeyParticipantLeaves === 'any') return leaver;
  const another = work.participants.find(
    (row) => row.presence === 'connected' && isPresent(work, row) && isKeyParticipant(work, world, row),
  );
  return another === undefined ? leaver : undefined;
}

function isKeyParticipant({ row }: Work, world: World, { address, keys }: ParticipantRow): boolean {
  if (row.group === undefined) return false;
  const addresses = [address, ...keys];
  return rightsIn(row.group, { addresses, keys, primary: address }, world.nowMs).rights.keyParticipant;
}

function isPresent(work: Work, { id }: ParticipantRow): boolean {
  return work.legs.find((leg) => leg.participant === id && isLive(leg)) !== undefined;
}
