/**
 * The MSRP switch: a room-aware endpoint of RFC 4975 and RFC 7701. It takes no decision about people; it moves messages
 * between the legs that the focus described, and says which of them are connected.
 */
import type { Socket } from 'node:net';
import { systemClock } from '../../lib/clock.ts';
import { randomIds } from '../../lib/ids.ts';
import type { CommandReply, SessionSummary, SwitchHello } from '../../switch-control/protocol.ts';
import { TransactionIds } from '../protocol/transaction-id.ts';
import { AddressLimits } from '../transport/address-limits.ts';
import { FlushRound } from '../transport/flush-round.ts';
import { type ListenAddress, type Listener, openListener } from '../transport/listener.ts';
import { Commands } from './commands.ts';
import { type SwitchContext, type SwitchCounters, zeroCounters } from './context.ts';
import { DEFAULT_ROOM_POLICY, DEFAULT_SWITCH_LIMITS, type SwitchOptions } from './options.ts';
import { adoptSocket } from './peer.ts';
import type { Room } from './room.ts';
import { abortTransfer } from './transfer.ts';

const TRANSACTION_PREFIX_BITS = 40;

export class MsrpSwitch {
  readonly #options: SwitchOptions;
  readonly #context: SwitchContext;
  readonly #rooms = new Map<string, Room>();
  readonly #commands: Commands;
  #listeners: Listener[] = [];
  #addresses: readonly ListenAddress[] = [];
  #timer: NodeJS.Timeout | null = null;
  #loadSince = { atMs: performance.now(), cpuMicros: cpuMicros() };

  constructor(options: SwitchOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_SWITCH_LIMITS, ...options.limits };
    const clock = options.clock ?? systemClock;
    const ids = options.ids ?? randomIds;
    this.#context = {
      limits,
      policy: { ...DEFAULT_ROOM_POLICY, ...options.policy },
      log: options.log,
      clock,
      ids,
      transactions: new TransactionIds(ids.token(TRANSACTION_PREFIX_BITS)),
      round: new FlushRound(clock.nowMs()),
      addresses: new AddressLimits(limits.addresses),
      counters: zeroCounters(),
      legsBySessionId: new Map(),
      peers: new Set(),
      tlsClient: options.tlsClient,
      heldBytes: 0,
      uriOf: (sessionId, isSecure) => this.#uriOf(sessionId, isSecure),
      emit: (event) => options.onEvent(event),
    };
    this.#commands = new Commands(this.#context, this.#rooms);
  }

  /**
   * Opens the listeners; returns what clients are to be told.
   * @throws CodedError MSRP_LISTEN, MSRP_NO_TLS
   */
  async start(): Promise<readonly ListenAddress[]> {
    try {
      for (const address of this.#options.listen) {
        this.#listeners.push(
          await openListener(address, this.#options.tls, (socket, isSecure) =>
            this.#accept(socket, isSecure),
          ),
        );
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#addresses = this.#listeners.map(({ address }) => ({
      ...address,
      host: this.#options.advertiseHost ?? address.host,
    }));
    this.#timer = setInterval(() => this.#tick(), this.#context.limits.tickMs);
    return this.#addresses;
  }

  /** One command of the focus. Never throws for what the focus sent. */
  handle(op: string, body: unknown): CommandReply {
    return this.#commands.handle(op, body);
  }

  hello(): Omit<SwitchHello, 'epoch'> {
    const { counters, legsBySessionId } = this.#context;
    return {
      id: this.#options.id,
      msrp: this.#addresses.map(({ transport, host, port }) => ({ transport, host, port })),
      sessions: this.#rooms.size,
      legs: legsBySessionId.size,
      load: this.#load(),
      draining: this.#commands.isDraining,
      messagesIn: counters.messagesIn,
      messagesOut: counters.messagesOut,
    };
  }

  counters(): Readonly<SwitchCounters> & { readonly connections: number; readonly heldBytes: number } {
    const { counters, peers, heldBytes } = this.#context;
    return { ...counters, connections: peers.size, heldBytes };
  }

  sessions(): readonly SessionSummary[] {
    return this.#commands.summaries();
  }

  /** A draining switch takes no new session and serves those it has. */
  drain(on: boolean): void {
    this.#commands.isDraining = on;
  }

  /** Closes listeners and connections. No events are sent for it. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const room of [...this.#rooms.values()]) {
      this.#commands.handle('session.drop', { session: room.name, revision: room.revision });
    }
    for (const peer of [...this.#context.peers]) peer.connection.destroy('closed');
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  #accept(socket: Socket, isSecure: boolean): void {
    const context = this.#context;
    if (!context.addresses.admit(socket.remoteAddress ?? '')) {
      context.counters.connectionsRefused++;
      socket.destroy();
      return;
    }
    adoptSocket(context, socket, isSecure, true);
  }

  #tick(): void {
    const context = this.#context;
    const nowMs = context.clock.nowMs();
    context.round.nowMs = nowMs;
    for (const peer of context.peers) peer.tick(nowMs);
    for (const leg of context.legsBySessionId.values()) {
      if (leg.backlog.size > 0) context.counters.backlogDropped += leg.backlog.expire(nowMs);
      if (leg.transfers.size === 0) continue;
      for (const transfer of [...leg.transfers.values()]) {
        if (nowMs - transfer.lastMs > context.limits.transferIdleMs) abortTransfer(context, leg, transfer);
      }
    }
  }

  #uriOf(sessionId: string, isSecure: boolean): string {
    const wanted = isSecure ? 'tls' : 'tcp';
    const address = this.#addresses.find(({ transport }) => transport === wanted) ?? this.#addresses[0];
    const host = address?.host ?? '0.0.0.0';
    const printed = host.includes(':') ? `[${host}]` : host;
    return `${isSecure ? 'msrps' : 'msrp'}://${printed}:${address?.port ?? 0}/${sessionId};tcp`;
  }

  /** Share of one core since the last call. */
  #load(): number {
    const atMs = performance.now();
    const micros = cpuMicros();
    const elapsedMs = atMs - this.#loadSince.atMs;
    const load = elapsedMs > 0 ? (micros - this.#loadSince.cpuMicros) / 1000 / elapsedMs : 0;
    this.#loadSince = { atMs, cpuMicros: micros };
    return Math.max(0, load);
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
