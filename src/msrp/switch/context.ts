/** What the parts of one switch share. */
import type { Clock } from '../../lib/clock.ts';
import type { IdSource } from '../../lib/ids.ts';
import type { SwitchEvent } from '../../switch-control/protocol.ts';
import type { TransactionIds } from '../protocol/transaction-id.ts';
import type { AddressLimits } from '../transport/address-limits.ts';
import type { FlushRound } from '../transport/flush-round.ts';
import type { TlsIdentity } from '../transport/tls-identity.ts';
import type { ContentTypes } from './content-types.ts';
import type { Leg } from './leg.ts';
import type { LocalEndpoints, RoomPolicy, SwitchLimits, SwitchLog } from './options.ts';
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
  /** Of those, private messages of who may write none (allow-private-message). */
  privateRefused: number;
  /** Messages dropped because a leg's backlog was full or too old. */
  backlogDropped: number;
  /** SENDs that a recipient answered with an error. */
  deliveryFailures: number;
  /** Recipients cut because they alone did not keep up. */
  slowDropped: number;
  /** Connections closed because the peer took nothing, said nothing or did not answer. */
  stalled: number;
  senderPauses: number;
  protocolFaults: number;
  /** Of those, the ones that said nothing: unbound, in the middle of a frame, or to a question for life. */
  reaped: number;
  connectionsOpened: number;
  /** Over the limits of connections, in all or of one address. */
  connectionsRefused: number;
  /** Limits that were met, by the answer they got: 413 by rate, by size, by messages at a time; 403 by sessions. */
  limitedByRate: number;
  limitedBySize: number;
  limitedByTransfers: number;
  limitedBySessions: number;
  /** Connections closed over a start line, head or number of headers above its limit. */
  limitedByHead: number;
  /** TLS or WebSocket handshakes that were not over in time, and those that failed. */
  handshakesStalled: number;
  handshakesRefused: number;
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
    privateRefused: 0,
    backlogDropped: 0,
    deliveryFailures: 0,
    slowDropped: 0,
    stalled: 0,
    senderPauses: 0,
    protocolFaults: 0,
    reaped: 0,
    connectionsOpened: 0,
    connectionsRefused: 0,
    limitedByRate: 0,
    limitedBySize: 0,
    limitedByTransfers: 0,
    limitedBySessions: 0,
    limitedByHead: 0,
    handshakesStalled: 0,
    handshakesRefused: 0,
  };
}

export interface SwitchContext {
  readonly limits: SwitchLimits;
  readonly policy: RoomPolicy;
  readonly contentTypes: ContentTypes;
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
  /** Of the reserved session: a SEND to it is answered, whoever asks. */
  readonly probeSessionId: string;
  /** Our certificate, shown to clients that we connect to as well; changes when it is renewed. */
  identity: TlsIdentity | undefined;
  /** Bytes of unfinished chunks held for all senders. */
  heldBytes: number;
  readonly local: LocalEndpoints | undefined;
  /** Our URI for a leg; the focus writes the same into a=path. */
  uriOf(sessionId: string, isSecure: boolean): string;
  emit(event: SwitchEvent): void;
  /** Does something for one session that nobody else may suffer from: a defect in it is logged, and that is all. */
  guarded(session: string, step: () => void): void;
}
