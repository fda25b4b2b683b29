/** What a connection of the event-socket server, the server, and who answers on it know of each other. */
import type { EslEvent } from './event.ts';
import type { EventSocketLog } from './log.ts';

export interface EventSocketServerLimits {
  /** Connections at once. Default 32. */
  readonly maxConnections: number;
  /** Of these, not authenticated yet. Default 16. */
  readonly maxGuests: number;
  /** From connecting to `auth`. Default 5 s. */
  readonly authDeadlineMs: number;
  /** Bytes waiting for one connection; a peer that lets more pile up is dropped. Default 16 MiB. */
  readonly maxOutputBytes: number;
  /** Commands of one connection whose replies wait for an earlier one. Default 1024. */
  readonly maxPendingReplies: number;
  /** `bgapi` jobs at once. Default 32. */
  readonly maxJobs: number;
}

/** One authenticated connection, as an `EventConsumer` sees it. */
export interface EventSocketPeer {
  readonly id: number;
  readonly remote: string;
  /** The `im-from` of its first request; null before. */
  pinnedFrom: string | null;
  wants(event: Pick<EslEvent, 'name' | 'subclass'>): boolean;
}

export type SendEventVerdict =
  | { readonly ok: false; readonly reason: string }
  /** `act` runs after the command's reply is on its way. */
  | { readonly ok: true; act(): void };

/** Takes the `im::` events that clients send; without one they go to the subscribers like any other. */
export interface EventConsumer {
  onSendEvent(peer: EventSocketPeer, event: EslEvent): SendEventVerdict;
  onSubscribe(peer: EventSocketPeer): void;
  onClosed(peer: EventSocketPeer): void;
}

export interface EventSocketServerCounters {
  connections: number;
  deniedByAddress: number;
  deniedByLimit: number;
  authFailures: number;
  authTimeouts: number;
  commands: number;
  unknownCommands: number;
  badFrames: number;
  eventsIn: number;
  refusedEvents: number;
  eventsOut: number;
  overflows: number;
}

/** What a connection needs of the server. */
export interface ConnectionHost {
  readonly log: EventSocketLog;
  readonly limits: EventSocketServerLimits;
  readonly counters: EventSocketServerCounters;
  isPassword(password: string): boolean;
  runApi(line: string): string | Promise<string>;
  startJob(jobUuid: string, line: string): (() => void) | null;
  onSendEvent(peer: EventSocketPeer, event: EslEvent): SendEventVerdict;
  onSubscribe(peer: EventSocketPeer): void;
  onClosed(peer: EventSocketPeer): void;
}
