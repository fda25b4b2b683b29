/** 7.2.2.8 IM Session release policy. */
import type { ConferenceRow } from '../conference.ts';
import type { ReleaseSettings } from '../world.ts';

/** With fewer participants than this the session is released. */
export function minimumParticipants(row: ConferenceRow, settings: ReleaseSettings): number {
  if (row.kind === 'ad-hoc') return settings.adHocMinimum;
  return row.group?.inviteMembers === true ? settings.groupMinimum : settings.chatGroupMinimum;
}
