/**
 * The MSRP switch: a room-aware endpoint of RFC 4975 and RFC 7701. It takes no decision about people; it moves messages
 * between the legs that the focus described, and says which of them are connected.
 */
import { systemClock } from '../../lib/clock.ts';
import { randomIds } from '../../lib/ids.ts';
import type { CommandReply, SwitchHello } from '../../switch-control/protocol.ts';
import { TransactionIds } from '../protocol/transaction-id.ts';
import { AddressLimits, type Admission } from '../transport/address-limits.ts';
import { FlushRound } from '../transport/flush-round.ts';
import type { Link } from '../transport/link.ts';
import {
  type ListenAddress,
  type Listener,
  type ListenerEvents,
  openListener,
} from '../transport/listener.ts';
import { checkIdentity, type TlsIdentity } from '../transport/tls-identity.ts';
import { Commands } from './commands.ts';
import { ContentTypes } from './content-types.ts';
import { type SwitchContext, type SwitchCounters, zeroCounters } from './context.ts';
import type { Leg } from './leg.ts';
import { DEFAULT_ROOM_POLICY, DEFAULT_SWITCH_LIMITS, type SwitchOptions } from './options.ts';
import { adoptLink } from './peer.ts';
import type { Room } from './room.ts';
import { abortTransfer } from './transfer.ts';

const TRANSACTION_PREFIX_BITS = 40;
const PROBE_BITS = 100;

export class MsrpSwitch {
  readonly #options: SwitchOptions;
  readonly #context: SwitchContext;
  readonly #rooms = new Map<string, Room>();
  readonly #commands: Commands;
  #listeners: Listener[] = [];
  #addresses: readonly ListenAddress[] = [];
  #fingerprint: string | undefined;
  #timer: NodeJS.Timeout | null = null;
  #look: NodeJS.Immediate | undefined;
  #loadSince = { atMs: performance.now(), cpuMicros: cpuMicros() };

  constructor(options: SwitchOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_SWITCH_LIMITS, ...options.limits };
    const clock = options.clock ?? systemClock;
    const ids = options.ids ?? randomIds;
    const policy = { ...DEFAULT_ROOM_POLICY, ...options.policy };
    this.#context = {
      limits,
      policy,
      contentTypes: new ContentTypes(policy.acceptTypes),
      log: options.log,
      clock,
      ids,
      transactions: new TransactionIds(ids.token(TRANSACTION_PREFIX_BITS)),
      round: new FlushRound(clock.nowMs()),
      addresses: new AddressLimits(limits.addresses),
      counters: zeroCounters(),
      legsBySessionId: new Map(),
      peers: new Set(),
      probeSessionId: ids.token(PROBE_BITS),
      identity: options.tls,
      heldBytes: 0,
      local: options.local,
      uriOf: (sessionId, isSecure) => this.#uriOf(sessionId, isSecure),
      emit: (event) => options.onEvent(event),
      guarded: (session, step) => {
        try {
          step();
        } catch (error) {
          options.log.error({ err: error, session }, 'given up by a defect');
        }
      },
    };
    this.#commands = new Commands(this.#context, this.#rooms);
  }

  /**
   * Opens the listeners; returns what clients are to be told.
   * @throws CodedError MSRP_LISTEN, MSRP_NO_TLS, MSRP_BAD_CERTIFICATE
   */
  async start(): Promise<readonly ListenAddress[]> {
    const { identity, limits } = this.#context;
    if (identity !== undefined) this.#fingerprint = checkIdentity(identity);
    const options = {
      identity,
      web: { maxMessageBytes: limits.maxWebMessageBytes, origins: this.#options.webOrigins ?? [] },
      handshakeMs: limits.handshakeMs,
    };
    try {
      for (const address of this.#options.listen) {
        this.#listeners.push(await openListener(address, options, this.#door));
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#addresses = this.#listeners.map(({ address }) => ({
      ...address,
      host: this.#options.advertiseHost ?? address.host,
    }));
    this.#timer = setInterval(() => {
      // This process itself may have been held up: what came meanwhile is read first, and counts.
      this.#look = setImmediate(() => this.#tick());
    }, this.#context.limits.tickMs);
    return this.#addresses;
  }

  /**
   * A renewed certificate: for handshakes from now on; connections that stand go on.
   * @throws CodedError MSRP_BAD_CERTIFICATE, and the old one stays
   */
  useIdentity(identity: TlsIdentity): void {
    this.#fingerprint = checkIdentity(identity);
    this.#context.identity = identity;
    for (const listener of this.#listeners) listener.useIdentity(identity);
  }

  /** One command of the focus. Never throws for what the focus sent. */
  handle(op: string, body: unknown): CommandReply {
    try {
      return this.#commands.handle(op, body);
    } catch (error) {
      // A defect over one session is not to take the others along.
      this.#context.log.error({ err: error, op }, 'command given up by a defect');
      return { ok: false, code: 'invalid', reason: 'defect of the switch' };
    }
  }

  hello(): Omit<SwitchHello, 'epoch'> {
    const { counters, legsBySessionId, peers, probeSessionId } = this.#context;
    return {
      id: this.#options.id,
      msrp: this.#addresses.map(({ transport, host, port }) => ({ transport, host, port })),
      sessions: this.#rooms.size,
      legs: legsBySessionId.size,
      load: this.#load(),
      draining: this.#commands.isDraining,
      isEmptying: this.#commands.isEmptying,
      messagesIn: counters.messagesIn,
      messagesOut: counters.messagesOut,
      counters: {
        bytesIn: counters.bytesIn,
        bytesOut: counters.bytesOut,
        connections: peers.size,
        queuedBytes: this.#queuedBytes(),
        slow: counters.slowDropped,
        stalled: counters.stalled,
        backlogDropped: counters.backlogDropped,
        refused: counters.refused,
        deliveryFailures: counters.deliveryFailures,
        senderPauses: counters.senderPauses,
        protocolFaults: counters.protocolFaults,
        reaped: counters.reaped,
        connectionsRefused: counters.connectionsRefused,
        limitedByRate: counters.limitedByRate,
        limitedBySize: counters.limitedBySize,
        limitedByTransfers: counters.limitedByTransfers,
        limitedBySessions: counters.limitedBySessions,
        limitedByHead: counters.limitedByHead,
        handshakesStalled: counters.handshakesStalled,
        handshakesRefused: counters.handshakesRefused,
      },
      ...(this.#fingerprint === undefined ? {} : { fingerprint: this.#fingerprint }),
      probe: probeSessionId,
    };
  }

  counters(): Readonly<SwitchCounters> & { readonly connections: number; readonly heldBytes: number } {
    const { counters, peers, heldBytes } = this.#context;
    return { ...counters, connections: peers.size, heldBytes };
  }

  /** A draining switch takes no new session, and serves those it has until they end or, with `empty`, are moved. */
  drain(draining: boolean, empty = false): void {
    this.#commands.drain({ draining, empty });
  }

  /** Closes listeners and connections. No events are sent for it. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    clearImmediate(this.#look);
    for (const room of [...this.#rooms.values()]) {
      this.handle('session.drop', { session: room.name, revision: room.revision });
    }
    for (const peer of [...this.#context.peers]) peer.connection.destroy('closed');
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  readonly #door: ListenerEvents = {
    admit: (address: string): Admission | null => {
      const admission = this.#context.addresses.admit(address);
      if (admission === null) this.#context.counters.connectionsRefused++;
      return admission;
    },
    onLink: (link: Link, admission: Admission) => void adoptLink(this.#context, link, admission),
    onHandshakeStalled: () => {
      this.#context.counters.handshakesStalled++;
    },
    onHandshakeRefused: () => {
      this.#context.counters.handshakesRefused++;
    },
  };

  #tick(): void {
    const context = this.#context;
    const nowMs = context.clock.nowMs();
    context.round.nowMs = nowMs;
    for (const peer of context.peers) {
      try {
        peer.tick(nowMs);
      } catch (error) {
        peer.onDefect(error);
        peer.connection.destroy('protocol');
      }
    }
    for (const leg of context.legsBySessionId.values()) {
      if (leg.backlog.size > 0) context.counters.backlogDropped += leg.backlog.expire(nowMs);
      if (leg.transfers.size > 0) this.#abortIdle(leg, nowMs);
    }
  }

  #abortIdle(leg: Leg, nowMs: number): void {
    const context = this.#context;
    for (const transfer of [...leg.transfers.values()]) {
      if (nowMs - transfer.lastMs <= context.limits.transferIdleMs) continue;
      context.guarded(leg.room.name, () => abortTransfer(context, leg, transfer));
    }
  }

  #uriOf(sessionId: string, isSecure: boolean): string {
    const wanted = isSecure ? 'tls' : 'tcp';
    const address = this.#addresses.find(({ transport }) => transport === wanted) ?? this.#addresses[0];
    const host = address?.host ?? '0.0.0.0';
    const printed = host.includes(':') ? `[${host}]` : host;
    return `${isSecure ? 'msrps' : 'msrp'}://${printed}:${address?.port ?? 0}/${sessionId};tcp`;
  }

  #queuedBytes(): number {
    let bytes = 0;
    for (const { connection } of this.#context.peers) bytes += connection.outbox.waitingBytes;
    return bytes;
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
