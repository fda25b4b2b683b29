/** What the parts of one switch share. */
import type { ConnectionOptions as TlsConnectOptions } from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import type { IdSource } from '../../lib/ids.ts';
import type { SwitchEvent } from '../../switch-control/protocol.ts';
import type { TransactionIds } from '../protocol/transaction-id.ts';
import type { AddressLimits } from '../transport/address-limits.ts';
import type { FlushRound } from '../transport/flush-round.ts';
import type { Leg } from './leg.ts';
import type { RoomPolicy, SwitchLimits, SwitchLog } from './options.ts';
import type { Peer } from './peer.ts';

/** Plain integers, read when somebody asks. */
export interface SwitchCounters {
  /** Messages taken from members; is-composing and heartbeats do not count. */
  messagesIn: number;
  /** Copies handed to members. */
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  composing: number;
  heartbeats: number;
  refused: number;
  /** Messages dropped because a leg's backlog was full or too old. */
  backlogDropped: number;
  /** SENDs that a recipient answered with an error. */
  deliveryFailures: number;
  slowDropped: number;
  senderPauses: number;
  protocolFaults: number;
  connectionsOpened: number;
  connectionsRefused: number;
}

export function zeroCounters(): SwitchCounters {
  return {
    messagesIn: 0,
    messagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    composing: 0,
    heartbeats: 0,
    refused: 0,
    backlogDropped: 0,
    deliveryFailures: 0,
    slowDropped: 0,
    senderPauses: 0,
    protocolFaults: 0,
    connectionsOpened: 0,
    connectionsRefused: 0,
  };
}

export interface SwitchContext {
  readonly limits: SwitchLimits;
  readonly policy: RoomPolicy;
  readonly log: SwitchLog;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly transactions: TransactionIds;
  readonly round: FlushRound;
  readonly addresses: AddressLimits;
  readonly counters: SwitchCounters;
  /** By the session-id of the MSRP URI that the focus gave out. */
  readonly legsBySessionId: Map<string, Leg>;
  readonly peers: Set<Peer>;
  readonly tlsClient: TlsConnectOptions | undefined;
  /** Bytes of unfinished chunks held for all senders. */
  heldBytes: number;
  /** Our URI for a leg; the focus writes the same into a=path. */
  uriOf(sessionId: string, isSecure: boolean): string;
  emit(event: SwitchEvent): void;
}
