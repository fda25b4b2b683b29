/** What is kept of a session that is over. No message content, and no subject: that is the users' own. */
import type { TrafficView } from '../view.ts';

export interface RecordedParticipant {
  readonly address: string;
  readonly role: 'user' | 'history';
  readonly joinedAs: 'dialed-in' | 'dialed-out' | null;
  /** Each stay; null: that is not known any more, or did not happen. */
  readonly stays: readonly { readonly joinedAt: string | null; readonly leftAt: string | null }[];
  readonly left: { readonly method: string; readonly reason: string | null } | null;
}

export interface SessionRecord {
  readonly session: string;
  readonly identity: string;
  readonly kind: 'ad-hoc' | 'group';
  readonly address: string;
  /** Address of who set it up. */
  readonly initiator: string;
  readonly createdAt: string;
  readonly endedAt: string;
  readonly durationS: number;
  readonly endReason: string | null;
  readonly switchId: string;
  readonly participants: readonly RecordedParticipant[];
  /** Most participants at one time. */
  readonly peak: number;
  /** Null: the switch did not tell. */
  readonly traffic: TrafficView | null;
}
