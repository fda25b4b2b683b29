/** How a participant is shown to others: with a chat alias (7.2.3.2) only the alias, never address or name. */
import { formatNameAddr, parseNameAddr } from '../sip/name-addr.ts';
import type { ParticipantRow } from './conference.ts';

export interface Shown {
  readonly uri: string;
  readonly displayName?: string;
}

export function shown(participant: ParticipantRow): Shown {
  if (participant.alias !== undefined) {
    const { uri, displayName } = parseNameAddr(participant.alias);
    return { uri, ...(displayName === undefined ? {} : { displayName }) };
  }
  return {
    uri: participant.address,
    ...(participant.displayName === undefined ? {} : { displayName: participant.displayName }),
  };
}

export function nameAddr({ uri, displayName }: Shown): string {
  return formatNameAddr({ ...(displayName === undefined ? {} : { displayName }), uri, params: new Map() });
}
