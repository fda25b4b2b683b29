/**
 * The state of one conference: an aggregate of rows (the conference itself, its participants, legs and
 * subscriptions). Rows are plain immutable data; decisions put new versions of them, the store keeps them.
 * All times are milliseconds since the epoch.
 */
import type { GroupDocument } from '../documents/group-model.ts';
import type { SipDialog } from '../sip/dialog.ts';

/** A pending server transaction at one Kamailio: local to that node and to its start (`epoch`). */
export interface Transaction {
  readonly kam: string;
  readonly epoch: string;
  readonly tid: string;
}

/** A dialog of ours, on the Kamailio node that carries it. */
export interface Dialog extends SipDialog {
  readonly kam: string;
  /** `proto:host:port` the peer's request came from: the way back for peers behind NAT when there is no route set. */
  readonly flow?: string;
}

export type Phase = 'forming' | 'active' | 'ending' | 'ended';

/** Header fields of the inviter's request that invitations repeat (7.2.2.2). */
export type PassedOn = readonly (readonly [name: string, value: string])[];

export interface ConferenceRow {
  /** User part of the IM Session Identity, and the session's name on the switch. */
  readonly id: string;
  /** The IM Session Identity as a URI. */
  readonly identity: string;
  readonly kind: 'ad-hoc' | 'group';
  /** The conference-factory URI that was dialled, or the IM Group Identity: our asserted address (7.2.1.1-4). */
  readonly address: string;
  /** Key of the group; set for groups only. One running session per group. */
  readonly groupKey?: string;
  readonly subject?: string;
  readonly passedOn: PassedOn;
  readonly phase: Phase;
  readonly revision: number;
  readonly switchId: string;
  /** Host and port that clients find the switch at; part of every a=path of this session. */
  readonly switchAddress: { readonly host: string; readonly port: number };
  /** Revision of the session that the switch was last told. */
  readonly switchRevision: number;
  /** Participant id of the one who set the session up. */
  readonly initiator: string;
  /** Media types that the session speaks, settled by the first answer. */
  readonly acceptTypes: readonly string[];
  /** The group's document as it was at set-up; a later edit does not change a running session's rules here. */
  readonly group?: GroupDocument;
  readonly createdMs: number;
  readonly endedMs?: number;
  readonly endReason?: string;
}

export type Presence = 'invited' | 'alerting' | 'connected' | 'disconnected';

export interface ParticipantRow {
  readonly id: string;
  /** What makes two addresses one user (`addressKey` of src/sip/uri.ts), for each address that was asserted. */
  readonly keys: readonly string[];
  /** The address shown to others, unless there is an alias. */
  readonly address: string;
  readonly displayName?: string;
  /** Chat alias (7.2.3.2): the name-addr shown instead of address and name. */
  readonly alias?: string;
  readonly role: 'user' | 'history';
  readonly presence: Presence;
  readonly joined?: 'dialed-in' | 'dialed-out';
  readonly left?: { readonly method: 'departed' | 'booted' | 'failed' | 'busy'; readonly reason?: string };
  /** Removed against their will: may not rejoin. */
  readonly isExpelled: boolean;
}

/**
 * `offered`: their INVITE waits for our answer. `inviting`: our INVITE waits for theirs. `connected`: both have answered.
 * `leaving`: our BYE waits for its response. `ended`: the dialog is over.
 */
export type LegState = 'offered' | 'inviting' | 'connected' | 'leaving' | 'ended';

/** The peer's side of the MSRP session (RFC 4975 section 8, RFC 6135). */
export interface PeerMedia {
  readonly path: readonly string[];
  readonly acceptTypes: readonly string[];
  readonly acceptWrappedTypes: readonly string[];
  readonly maxSizeBytes?: number;
  /** Seen from the peer. */
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** Who opens the connection, seen from the switch. */
  readonly role: 'passive' | 'active';
}

export interface LegRow {
  readonly id: string;
  readonly participant: string;
  readonly origin: 'incoming' | 'outgoing';
  readonly state: LegState;
  readonly dialog: Dialog;
  /** The INVITE that waits for its final reply (incoming legs), or the re-INVITE that waits for the switch. */
  readonly transaction?: Transaction;
  /** Methods in the peer's Allow; empty when it sent none. */
  readonly allow: readonly string[];
  readonly supportsTimer: boolean;
  /** The device: `+sip.instance` of its Contact (RFC 5626), if it tells. */
  readonly instance?: string;
  /** Our MSRP session-id for this leg. */
  readonly sessionId: string;
  readonly isTls: boolean;
  /** What the peer's last SDP settled for its MSRP session; absent while it has sent none. */
  readonly media?: PeerMedia;
  /** The last SDP received from and sent to the peer, as text. */
  readonly remoteSdp?: string;
  readonly localSdp?: string;
  readonly sdpVersion: number;
  readonly expiresS?: number;
  /** The server release was already told in a provisional response (7.2.1.1-6). */
  readonly hasRung?: boolean;
  /** Incoming legs: their ACK has come, so the peer holds the dialog and must be sent a BYE to end it. */
  readonly isConfirmed?: true;
  /** CSeq of the BYE that ends it. */
  readonly byeCSeq?: number;
  readonly leaveAs?: 'departed' | 'booted' | 'failed';
  readonly endReason?: string;
  /** Final response that our INVITE got, for choosing the inviter's (R-7.2.1.2-fail-1s); 408 for none in time. */
  readonly failureCode?: number;
  /** Pending deadlines, each fired as a timer event of that name. */
  readonly deadlines: Deadlines<'invite' | 'ack' | 'session' | 'bye'>;
}

export type Deadlines<K extends string> = { readonly [N in K]?: number };

/** What became of one user that a REFER named. */
export interface ReferOutcome {
  /** The leg of the invitation or of the BYE; absent when nothing had to be sent. */
  readonly leg?: string;
  /** Final status; absent while it is under way. */
  readonly status?: number;
}

/** `conference` (7.2.1.12), or `refer`: the implicit subscription of a REFER to its own progress (RFC 3515). */
export interface SubscriptionRow {
  readonly id: string;
  readonly participant: string;
  readonly event: 'conference' | 'refer';
  /** The leg whose dialog a refer subscription shares: its CSeq counts then, and with it the subscription ends. */
  readonly sharedLeg?: string;
  /** Of a refer subscription: one outcome for each user. */
  readonly outcomes?: readonly ReferOutcome[];
  readonly dialog: Dialog;
  /** The Event header's id parameter, echoed in every NOTIFY. */
  readonly eventId?: string;
  /** The client is an RCS one, told by its User-Agent: it wants `yourown`, which the schema of RFC 4575 lacks. */
  readonly wantsYourOwn: boolean;
  readonly expiresAtMs: number;
  /** Version of the last conference-info document sent; −1 before the first. */
  readonly version: number;
  readonly lastNotifyMs: number;
  /** Of a roster too large for one document: participants that this subscriber is still to be told of. */
  readonly untold?: readonly string[];
  /** The state changed since the last NOTIFY. */
  readonly isStale: boolean;
  readonly deadlines: Deadlines<'expiry' | 'notify'>;
}

export interface Conference {
  readonly row: ConferenceRow;
  readonly participants: ReadonlyMap<string, ParticipantRow>;
  readonly legs: ReadonlyMap<string, LegRow>;
  readonly subscriptions: ReadonlyMap<string, SubscriptionRow>;
}

export type RowKind = 'participant' | 'leg' | 'subscription';

/** The legs that have or may still get a working dialog. */
export function isLive(leg: LegRow): boolean {
  return leg.state === 'offered' || leg.state === 'inviting' || leg.state === 'connected';
}

/** Present for the release policy and for seats: connected, or invited and not yet answered. History takes no seat. */
export function takesSeat(participant: ParticipantRow): boolean {
  return participant.role === 'user' && participant.presence !== 'disconnected';
}

export function hasKey(participant: ParticipantRow, keys: readonly string[]): boolean {
  return participant.keys.some((key) => keys.includes(key));
}
