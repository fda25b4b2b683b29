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

export type MsrpTransport = 'tcp' | 'tls' | 'ws' | 'wss';

export interface MsrpListener {
  readonly transport: MsrpTransport;
  readonly host: string;
  readonly port: number;
}

/** Where clients reach a switch. */
export interface SwitchAddress {
  /** Of its TCP listener, or of the first. */
  readonly host: string;
  readonly port: number;
  /** All, in the order of the configuration; absent: TCP alone. */
  readonly listeners?: readonly MsrpListener[];
  /** Session-id of its reserved session, by which it is asked whether it lives. */
  readonly probe?: string;
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
  /** Which start of the switch the session is on: with the process, its connections are gone. */
  readonly switchEpoch?: string;
  /** Since when the session has no switch that takes it. */
  readonly strandedMs?: number;
  readonly deadlines?: Deadlines<ConferenceDeadline>;
  /** Host and port that clients find the switch at; part of every a=path of this session. */
  readonly switchAddress: SwitchAddress;
  /** Revision of the session that the switch was last told. */
  readonly switchRevision: number;
  /** The resource-lists document that the first invitations show (recipient-list-history). */
  readonly recipientList?: string;
  /** Chat aliases given so far (7.2.3.2). */
  readonly aliasCount?: number;
  /** Participant id of the one who set the session up. */
  readonly initiator: string;
  /** Media types that the session speaks, settled by the first answer. */
  readonly acceptTypes: readonly string[];
  /** The group's document, at set-up and as it was changed since; one that was removed stays in force here. */
  readonly group?: GroupDocument;
  /** Set by an operator: in place of the maximum of the group document or the setting. */
  readonly maxParticipants?: number;
  /** By an operator's order nobody new is let in. */
  readonly isFrozen?: true;
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
  /** By an operator's order nobody hears them. */
  readonly isMuted?: true;
  /** Removed against their will: may not rejoin. */
  readonly isExpelled: boolean;
  /** Absent for who is not expelled, and in rows from before it was kept. */
  readonly expelledBy?: Expeller;
}

export interface Expeller {
  readonly kind: 'operator' | 'participant';
  /** An operator as the audit log names them, a participant by address. */
  readonly name: string;
  /** An operator's, if there was one. */
  readonly reason?: string;
}

/**
 * `offered`: their INVITE waits for our answer. `inviting`: our INVITE waits for theirs. `connected`: both have answered.
 * `leaving`: our BYE waits for its response, or for the ACK that must come before it. `ended`: the dialog is over.
 */
export type LegState = 'offered' | 'inviting' | 'connected' | 'leaving' | 'ended';

/** The peer's side of the MSRP session (RFC 4975 section 8, RFC 6135). */
export interface PeerMedia {
  readonly path: readonly string[];
  readonly acceptTypes: readonly string[];
  readonly acceptWrappedTypes: readonly string[];
  readonly maxSizeBytes?: number;
  /** `SHA-256 AB:…`: the certificate that the peer shows must have it. */
  readonly fingerprint?: string;
  /** Addresses to connect to, best first, where the path's is not the one (RFC 6714). */
  readonly dial?: readonly { readonly host: string; readonly port: number }[];
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
  /** Outgoing legs: the start of Kamailio (`dialog.kam`) that carries our INVITE. */
  readonly kamEpoch?: string;
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
  /** The session is refreshed by us; absent: by the peer. */
  readonly isRefresher?: true;
  /** CSeq of the peer's last INVITE: the ACK to our 2xx has the same. */
  readonly inviteCSeq?: number;
  /** Their re-INVITE waits for the switch: until its ACK we do not know that our 2xx has left. */
  readonly isAnswering?: true;
  /** Our 2xx had an offer; the answer comes in the ACK (RFC 3264). */
  readonly awaitsAnswer?: true;
  /** The session has moved to another switch, and the peer has not agreed to a path to it yet. */
  readonly isMoving?: true;
  /** Our re-INVITE or UPDATE that has no final response yet. */
  readonly asked?: Asked;
  /** What we shall ask of the peer as soon as nothing else is under way in the dialog. */
  readonly wanted?: Wanted;
  /** Outgoing legs: the participant who invited. */
  readonly invitedBy?: string;
  /** Outgoing legs: a dialog of the invited user whose place this one takes (RFC 3891). */
  readonly replaces?: string;
  /** Incoming legs: header fields of the INVITE that its answer repeats. */
  readonly echoed?: readonly (readonly [name: string, value: string])[];
  /** The server release was already told in a provisional response (7.2.1.1-6). */
  readonly hasRung?: boolean;
  /** Incoming legs: their ACK has come, so the peer holds the dialog and must be sent a BYE to end it. */
  readonly isConfirmed?: true;
  /**
   * Leaving without the ACK of our 2xx: the BYE may not go before it (RFC 3261 section 15), and for the roster, the seats and
   * the switch the leg is over already.
   */
  readonly hasLeft?: true;
  /** CSeq of the BYE that ends it. */
  readonly byeCSeq?: number;
  readonly leaveAs?: 'departed' | 'booted' | 'failed';
  readonly endReason?: string;
  /** Final response that our INVITE got, for choosing the inviter's (R-7.2.1.2-fail-1s); 408 for none in time. */
  readonly failureCode?: number;
  /** Pending deadlines, each fired as a timer event of that name. */
  readonly deadlines: Deadlines<LegDeadline>;
}

/**
 * `stranded`: no switch has taken the session, and it is given up. `move`: time to try another switch again. `maxLength`: it has
 * lasted as long as it may (7.2.2.8).
 */
export type ConferenceDeadline = 'stranded' | 'move' | 'maxLength';

/**
 * `session`: not refreshed, it is given up. `refresh`: our refresh is due. `asked`: what we asked for was not answered.
 * `wanted`: time to ask again after a glare.
 */
export type LegDeadline = 'invite' | 'ack' | 'session' | 'refresh' | 'asked' | 'wanted' | 'bye';

/** What a re-INVITE or UPDATE of ours is for. */
export interface Wanted {
  /** An offer for the leg, as SDP text. Absent: a refresh, which changes nothing. */
  readonly sdp?: string;
  /** The leg is of no use without it: a refusal ends it. */
  readonly isVital?: true;
  /** The offer has a path to another switch. */
  readonly isMove?: true;
}

export interface Asked extends Wanted {
  readonly method: 'INVITE' | 'UPDATE';
  readonly cseq: number;
}

export type Deadlines<K extends string> = { readonly [N in K]?: number };

/** What became of one user that a REFER named. */
export interface ReferOutcome {
  /** The leg of the invitation or of the BYE; absent when nothing had to be sent. */
  readonly leg?: string;
  /** Final status; absent while it is under way. */
  readonly status?: number;
  /** Why, where that was settled without asking the user. */
  readonly warning?: string;
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

/** Our BYE waits for the ACK of our 2xx, or for its time-out. */
export function holdsBye({ hasLeft, byeCSeq, state }: LegRow): boolean {
  return state === 'leaving' && hasLeft === true && byeCSeq === undefined;
}

/** Present for the release policy and for seats: connected, or invited and not yet answered. History takes no seat. */
export function takesSeat(participant: ParticipantRow): boolean {
  return participant.role === 'user' && participant.presence !== 'disconnected';
}

export function hasKey(participant: ParticipantRow, keys: readonly string[]): boolean {
  return participant.keys.some((key) => keys.includes(key));
}
