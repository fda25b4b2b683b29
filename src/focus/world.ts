/** What a decision may look at besides the conference it is about. All of it is read-only. */
import type { GroupDocument } from '../documents/group-model.ts';
import type { IdSource } from '../lib/ids.ts';
import type { Conference, MsrpTransport, SwitchAddress, Transaction } from './conference.ts';
import type { Readings } from './readings.ts';

export interface FocusSettings {
  readonly domain: string;
  /** Host (and port) of the identities and Contacts that the focus gives out; must route back to Kamailio. */
  readonly host: string;
  /** Value of Server and User-Agent (Appendix F), such as `IM-serv/OMA1.0 Parley/0.1.0`. */
  readonly release: string;
  /** Conference-factory URIs that are allocated, as configured. */
  readonly factories: readonly string[];
  readonly sessionPrefix: string;
  /** Outbound proxy of initial requests (a URI); without one Kamailio looks the user up in its own registrar. */
  readonly nextHop?: string;
  readonly adHoc: {
    /** The inviter counts. */
    readonly maxParticipants: number;
    /** An INVITE with an empty list makes a room with its creator. */
    readonly allowEmptyList: boolean;
    readonly failureCode: 'lowest' | 'highest-class' | number;
    /** 7.2.2.3: who may set a session up; a list has URIs of users, domains and `*.` with a domain. */
    readonly mayInitiate: 'everybody' | 'nobody' | readonly string[];
    /** 7.2.2.7: who may add users by REFER. */
    readonly mayAdd: 'participants' | 'initiator' | 'nobody';
    /** Who may remove others by REFER BYE. */
    readonly mayRemove: 'participants' | 'initiator' | 'nobody';
    /** Privacy is served, by a chat alias. */
    readonly allowAnonymity: boolean;
    /** RFC 5366: the invited are told who else is (recipient-list-history). */
    readonly recipientListHistory: 'never' | 'when-marked' | 'always';
  };
  readonly groupSessions: {
    /** For groups without max-participant-count; absent: no limit. */
    readonly defaultMaxParticipants?: number;
  };
  readonly session: { readonly expiresS: number; readonly minSeS: number };
  readonly inviteTimeoutS: number;
  /** How long a session may be without a switch before it ends. */
  readonly strandedS: number;
  /** T1 of RFC 3261, the round trip that its time-outs are multiples of. */
  readonly t1Ms: number;
  /** Texts of the Warning of 11.1 and 11.2. */
  readonly errors: { readonly factoryMissing: string; readonly conferenceMissing: string };
  readonly displayNamePriority: readonly ('pai' | 'from' | 'group')[];
  readonly notifyMinIntervalMs: number;
  /** Largest body of a NOTIFY; Kamailio sends no datagram above 64 KiB. */
  readonly notifyMaxBytes: number;
  readonly releasePolicy: ReleaseSettings;
  readonly readings: Readings;
  readonly history: {
    /** Asserted addresses of History Functions. */
    readonly functions: readonly string[];
    /** Who may bring one into a full group: its participants, or these users. */
    readonly invokers: 'participants' | readonly string[];
    /** Others see it in the conference state. */
    readonly showInRoster: boolean;
  };
  readonly media: {
    readonly acceptTypes: readonly string[];
    readonly acceptWrappedTypes: readonly string[];
    readonly maxSizeBytes?: number;
    /** What the switches listen on; default TCP alone. */
    readonly transports?: readonly MsrpTransport[];
    /** Features of a=chatroom (RFC 7701); absent: the attribute is not sent. */
    readonly chatroom?: readonly string[];
    /** a=msrp-cema in our SDP (RFC 6714). */
    readonly hasCema?: boolean;
    /** `a=fingerprint` of a switch's certificate as it is now; it is renewed without a word to anybody. */
    readonly fingerprintOf?: (switchId: string) => string | undefined;
  };
  readonly limits: {
    readonly maxSessions: number;
    readonly maxPendingInvites: number;
    readonly maxBodyBytes: number;
    readonly maxSubscriptionsPerUser: number;
    readonly maxSubscriptionExpiresS: number;
    readonly maxListEntries: number;
  };
}

/** Fewer participants than this and the session is released (7.2.2.8). */
export interface ReleaseSettings {
  readonly adHocMinimum: number;
  readonly groupMinimum: number;
  readonly chatGroupMinimum: number;
  /** Kinds of session that end with who set them up. */
  readonly whenInitiatorLeaves: readonly ('adHoc' | 'group' | 'chatGroup')[];
  /** A group session ends when any, or the last, of those leaves who have `is-key-participant`. */
  readonly whenKeyParticipantLeaves: 'any' | 'last' | 'off';
  /** The longest that sessions of a kind last; absent: no limit. */
  readonly maxLengthS: { readonly [kind in 'adHoc' | 'group' | 'chatGroup']?: number };
  /** The longest that they are without a message; absent: no limit. */
  readonly idleS: { readonly [kind in 'adHoc' | 'group' | 'chatGroup']?: number };
}

export interface SwitchChoice extends SwitchAddress {
  readonly id: string;
  /** Other at every start of the switch. */
  readonly epoch?: string;
}

export interface DialogRef {
  readonly conference: string;
  readonly row: 'leg' | 'subscription';
  readonly id: string;
}

export interface World {
  readonly settings: FocusSettings;
  readonly nowMs: number;
  readonly ids: IdSource;
  /** The group document served under this address, if any. */
  findGroup(address: string): GroupDocument | undefined;
  /** A conference that has not ended, by id. */
  findConference(id: string): Conference | undefined;
  findConferenceOfGroup(groupKey: string): Conference | undefined;
  /** The dialogs with this Call-ID, of sessions that have not ended. */
  findDialogs(callId: string): readonly DialogRef[];
  /** Remote tags of the dialogs of an INVITE of ours that are over, the first first; the latest INVITEs only. */
  endedDialogs(callId: string, localTag: string): readonly string[];
  /** All sessions that have not ended; for readings that look for a sender's own. */
  conferences(): Iterable<Conference>;
  sessionCount(): number;
  /** INVITEs without a final response, theirs and ours together. */
  pendingInvites(): number;
  /** The live switch with the least load, for a new session; one that is to be avoided only where there is no other. */
  chooseSwitch(avoid?: string): SwitchChoice | undefined;
  /** Which start of this Kamailio carries what we send now, once that is known. */
  kamailioEpoch?(kam: string): string | undefined;
}

/** A SIP request as Kamailio passed it on. Identity is in `asserted`, never in the message (design section 5). */
export interface RequestOrigin {
  readonly transaction: Transaction;
  /** `proto:host:port` it came from, and of the local socket it came in on. */
  readonly src: string;
  readonly rcv: string;
  readonly asserted: readonly string[];
  readonly trust: 'core' | 'digest' | 'none';
}
