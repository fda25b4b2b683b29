/** How many users a session takes: what an operator has set for it, else its group document or the setting. */
import type { ConferenceRow } from './conference.ts';
import { maximumOfGroup } from './policy/group-policy.ts';
import type { FocusSettings } from './world.ts';

export function maximumUsers(row: ConferenceRow, settings: FocusSettings): number | undefined {
  if (row.maxParticipants !== undefined) return row.maxParticipants;
  return row.kind === 'group' ? maximumOfGroup(row.group, settings) : settings.adHoc.maxParticipants;
}
