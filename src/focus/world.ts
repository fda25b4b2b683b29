/** What a decision may look at besides the conference it is about. All of it is read-only. */
import type { GroupDocument } from '../documents/group-model.ts';
import type { IdSource } from '../lib/ids.ts';
import type { Conference, Transaction } from './conference.ts';
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
  };
  readonly session: { readonly expiresS: number; readonly minSeS: number };
  readonly inviteTimeoutS: number;
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
  };
  readonly media: {
    readonly acceptTypes: readonly string[];
    readonly acceptWrappedTypes: readonly string[];
    readonly maxSizeBytes?: number;
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
}

export interface SwitchChoice {
  readonly id: string;
  readonly host: string;
  readonly port: number;
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
  /** All sessions that have not ended; for readings that look for a sender's own. */
  conferences(): Iterable<Conference>;
  sessionCount(): number;
  /** INVITEs without a final response, theirs and ours together. */
  pendingInvites(): number;
  /** The live switch with the least load, for a new session. */
  chooseSwitch(): SwitchChoice | undefined;
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
