/**
 * The dialogs of our INVITEs that are over, so that an answer that is repeated, or comes late, is not sent one BYE after
 * the other. Of the latest INVITEs only; a BYE too many for an older one finds nobody (481) and harms nothing.
 */
import type { Conference, LegRow } from '../focus/conference.ts';
import type { EndedDialog } from '../focus/decide.ts';
import type { Changes } from '../focus/work.ts';

/** Forks of one INVITE that are remembered. */
const MAX_TAGS = 32;

export class EndedDialogs {
  readonly #maxInvites: number;
  /** By Call-ID and our tag, the oldest first. */
  readonly #tags = new Map<string, string[]>();

  constructor(maxInvites: number) {
    this.#maxInvites = maxInvites;
  }

  tags(callId: string, localTag: string): readonly string[] {
    return this.#tags.get(keyOf(callId, localTag)) ?? [];
  }

  add({ callId, localTag, remoteTag }: EndedDialog): void {
    const key = keyOf(callId, localTag);
    const tags = this.#tags.get(key) ?? [];
    if (remoteTag === '' || tags.includes(remoteTag) || tags.length >= MAX_TAGS) return;
    this.#tags.delete(key);
    this.#tags.set(key, [...tags, remoteTag]);
    const [oldest] = this.#tags.keys();
    if (this.#tags.size > this.#maxInvites && oldest !== undefined) this.#tags.delete(oldest);
  }

  /** The dialogs that a decision ended by BYE, theirs or ours. A leg that is over may be forgotten at once. */
  addEnded({ rows }: Changes, before: Conference | undefined): void {
    for (const { kind, id, row } of rows) {
      const leg = kind !== 'leg' ? undefined : (row ?? before?.legs.get(id));
      if (leg === undefined || !('origin' in leg)) continue;
      if (leg.origin === 'incoming' && !mayBeAnswered(leg)) continue;
      if (row === undefined || leg.state === 'ended') this.add(leg.dialog);
    }
  }
}

/** In a dialog that they made, a re-INVITE of ours may: we have sent more there than a BYE. */
function mayBeAnswered({ dialog: { localCSeq }, byeCSeq }: LegRow): boolean {
  return localCSeq > (byeCSeq === undefined ? 0 : 1);
}

function keyOf(callId: string, localTag: string): string {
  return `${callId} ${localTag}`;
}
