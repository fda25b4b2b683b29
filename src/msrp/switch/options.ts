import type { Duplex } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import type { IdSource } from '../../lib/ids.ts';
import type { SwitchEvent } from '../../switch-control/protocol.ts';
import { DEFAULT_PROTOCOL_LIMITS, type ProtocolLimits } from '../protocol/limits.ts';
import { type AddressLimitOptions, DEFAULT_ADDRESS_LIMITS } from '../transport/address-limits.ts';
import type { ListenAddress } from '../transport/listener.ts';
import { DEFAULT_OUTBOX_LIMITS, type OutboxLimits } from '../transport/outbox.ts';
import type { TlsIdentity } from '../transport/tls-identity.ts';

/** Every bound of a switch. All have defaults; a caller names those that it changes. */
export interface SwitchLimits {
  readonly protocol: ProtocolLimits;
  readonly outbox: OutboxLimits;
  readonly addresses: AddressLimitOptions;
  readonly maxSessions: number;
  readonly maxLegs: number;
  /** The a=max-size that the focus offers: larger messages get 413. */
  readonly maxMessageBytes: number;
  /** A chunk up to this size is forwarded in one piece; a longer one in pieces as it arrives. */
  readonly forwardWholeBytes: number;
  /** Bytes of unfinished chunks held for all senders; above it, chunks are forwarded in pieces earlier. */
  readonly maxHeldBytes: number;
  /** CPIM heads, when they come in several chunks. */
  readonly maxCpimHeadBytes: number;
  /** Messages that one leg may have unfinished at a time. */
  readonly maxTransfersPerLeg: number;
  /** An unfinished message without a new chunk for so long is given up. */
  readonly transferIdleMs: number;
  /** Messages that one leg may begin in a second, and small further chunks with them; 0: no limit. More get 413. */
  readonly messagesPerS: number;
  /** Sessions bound on one connection; more get 403. */
  readonly maxSessionsPerConnection: number;
  /** For a leg whose client is not connected: messages kept, and for how long. */
  readonly backlogMessages: number;
  readonly backlogBytes: number;
  readonly backlogMs: number;
  /** A connection that names no session, or stops in the middle of a frame, ends after this. */
  readonly idleMs: number;
  /** TLS and WebSocket handshakes together must be over by then. */
  readonly handshakeMs: number;
  /** Longest message over WebSocket, which is one chunk. */
  readonly maxWebMessageBytes: number;
  /** A WebSocket that is silent for so long is pinged; for twice as long, closed. */
  readonly webPingMs: number;
  /** A bound connection that is silent for so long is asked for a sign of life by a SEND without content. */
  readonly probeIdleMs: number;
  /** A recipient that leaves a SEND unanswered for so long is dropped (local 408). */
  readonly responseMs: number;
  /** Unanswered SENDs remembered for one connection; older ones are forgotten. */
  readonly maxOutstanding: number;
  /** A second connection for a bound session: how long the first gets to show that it lives. */
  readonly probeMs: number;
  readonly lingerMs: number;
  readonly dialTimeoutMs: number;
  readonly dialAttempts: number;
  /** Before the second attempt; doubles with each further one. */
  readonly dialBackoffMs: number;
  readonly maxNicknameBytes: number;
  /** How often timers are looked at. */
  readonly tickMs: number;
}

export const DEFAULT_SWITCH_LIMITS: SwitchLimits = {
  protocol: DEFAULT_PROTOCOL_LIMITS,
  outbox: DEFAULT_OUTBOX_LIMITS,
  addresses: DEFAULT_ADDRESS_LIMITS,
  maxSessions: 20_000,
  maxLegs: 100_000,
  maxMessageBytes: 10 * 1024 * 1024,
  forwardWholeBytes: 128 * 1024,
  maxHeldBytes: 256 * 1024 * 1024,
  maxCpimHeadBytes: 8_192,
  maxTransfersPerLeg: 16,
  transferIdleMs: 60_000,
  messagesPerS: 0,
  maxSessionsPerConnection: 256,
  backlogMessages: 64,
  backlogBytes: 256 * 1024,
  backlogMs: 30_000,
  idleMs: 30_000,
  handshakeMs: 10_000,
  maxWebMessageBytes: 1024 * 1024,
  webPingMs: 30_000,
  probeIdleMs: 600_000,
  responseMs: 30_000,
  maxOutstanding: 4_096,
  probeMs: 2_000,
  lingerMs: 5_000,
  dialTimeoutMs: 5_000,
  dialAttempts: 4,
  dialBackoffMs: 250,
  maxNicknameBytes: 256,
  tickMs: 500,
};

/** What a switch writes to; a pino logger fits. Message contents and addresses of people never go in. */
export interface SwitchLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the room accepts from its members, apart from each recipient's own list. */
export interface RoomPolicy {
  /** Media types taken in a SEND; message/cpim alone makes CPIM compulsory. */
  readonly acceptTypes: readonly string[];
  readonly privateMessages: boolean;
  readonly nicknames: boolean;
}

export const DEFAULT_ROOM_POLICY: RoomPolicy = {
  acceptTypes: [
    'message/cpim',
    'text/plain',
    'text/html',
    'application/im-iscomposing+xml',
    'message/imdn+xml',
  ],
  privateMessages: true,
  nicknames: true,
};

/** Endpoints in the switch's own process: hosts that are not looked up, and the line to one of their paths. */
export interface LocalEndpoints {
  isLocal(host: string): boolean;
  /** Undefined: nobody is there. */
  open(path: string): Duplex | undefined;
}

export interface SwitchOptions {
  /** The switch's name on the event socket. */
  readonly id: string;
  readonly listen: readonly ListenAddress[];
  /** The address that clients are told; default: the one listened on. */
  readonly advertiseHost?: string;
  /** For `tls` and `wss` listeners, and for connecting to `msrps` clients. */
  readonly tls?: TlsIdentity;
  /** Origins that may open a WebSocket; default: all. */
  readonly webOrigins?: readonly string[];
  readonly limits?: Partial<SwitchLimits>;
  readonly policy?: Partial<RoomPolicy>;
  readonly log: SwitchLog;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  readonly onEvent: (event: SwitchEvent) => void;
  readonly local?: LocalEndpoints;
}
