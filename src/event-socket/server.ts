/** The event-socket server that each switch runs: FreeSWITCH's protocol, JSON events only. docs/event-socket.md. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { CodedError } from '../lib/errors.ts';
import { LOOPBACK, parseAccessList } from './access-list.ts';
import { ApiCommands, type ApiCommandTable } from './api-commands.ts';
import { type EslEvent, encodeEvent } from './event.ts';
import type { EventSocketLog } from './log.ts';
import type {
  ConnectionHost,
  EventConsumer,
  EventSocketPeer,
  EventSocketServerCounters,
  EventSocketServerLimits,
  SendEventVerdict,
} from './peer.ts';
import { ServerConnection } from './server-connection.ts';

export interface EventSocketServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly password: string;
  /** CIDRs that may connect; default loopback. Others are cut off before a byte is written. */
  readonly allow?: readonly string[];
  readonly commands?: ApiCommandTable;
  readonly log: EventSocketLog;
  readonly limits?: Partial<EventSocketServerLimits>;
}

const DEFAULT_LIMITS: EventSocketServerLimits = {
  maxConnections: 32,
  maxGuests: 16,
  authDeadlineMs: 5000,
  maxOutputBytes: 16_777_216,
  maxPendingReplies: 1024,
  maxJobs: 32,
};

export class EventSocketServer {
  readonly counters: EventSocketServerCounters = {
    connections: 0,
    deniedByAddress: 0,
    deniedByLimit: 0,
    authFailures: 0,
    authTimeouts: 0,
    commands: 0,
    unknownCommands: 0,
    badFrames: 0,
    eventsIn: 0,
    refusedEvents: 0,
    eventsOut: 0,
    overflows: 0,
  };
  readonly #options: EventSocketServerOptions;
  readonly #limits: EventSocketServerLimits;
  readonly #isAllowed: (address: string | undefined) => boolean;
  readonly #passwordDigest: Buffer;
  readonly #server: Server;
  readonly #connections = new Map<number, ServerConnection>();
  readonly #commands: ApiCommands;
  readonly #coreUuid = randomUUID();
  readonly #host: ConnectionHost;
  #consumer: EventConsumer | null = null;
  #lastId = 0;
  #jobs = 0;

  /** Throws `ESL_BAD_OPTION`. */
  constructor(options: EventSocketServerOptions) {
    if (!/^[\x21-\x7e]{1,128}$/.test(options.password)) {
      throw new CodedError('ESL_BAD_OPTION', 'the password is 1 to 128 printable characters without spaces');
    }
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#isAllowed = parseAccessList(options.allow ?? LOOPBACK);
    this.#passwordDigest = digest(options.password);
    this.#commands = new ApiCommands(options.log);
    this.#commands.add({ 'im help': { help: 'this list', run: () => this.#help() } });
    this.#commands.add(options.commands ?? {});
    this.#host = this.#makeHost();
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  /** Rejects with `ESL_LISTEN` when the address cannot be had. */
  async listen(): Promise<AddressInfo> {
    const { host = '127.0.0.1', port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: unknown): void =>
        reject(new CodedError('ESL_LISTEN', `cannot listen on ${host}:${port}`, { cause }));
      this.#server.once('error', onError);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', onError);
        this.#server.on('error', (err) => this.#options.log.error({ err }, 'event socket server error'));
        resolve();
      });
    });
    return this.#server.address() as AddressInfo;
  }

  /** Says goodbye to every client; resolves when all connections are closed, after about a second at most. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections.values()) connection.close();
    await closed;
  }

  addCommands(table: ApiCommandTable): void {
    this.#commands.add(table);
  }

  /** Null detaches. */
  setConsumer(consumer: EventConsumer | null): void {
    this.#consumer = consumer;
  }

  /** Authenticated connections. */
  peers(): readonly EventSocketPeer[] {
    return [...this.#connections.values()].filter((connection) => connection.isAuthenticated);
  }

  /** Sends to each subscriber that the filter lets through; encoded once. Throws `ESL_BAD_VALUE`. */
  publish(event: EslEvent, isFor: (peer: EventSocketPeer) => boolean = () => true): void {
    let frame: Buffer | null = null;
    for (const connection of this.#connections.values()) {
      if (!connection.wants(event) || !isFor(connection)) continue;
      frame ??= encodeEvent(event, this.#coreUuid);
      this.counters.eventsOut += 1;
      connection.deliver(frame);
    }
  }

  #onConnection(socket: Socket): void {
    if (!this.#isAllowed(socket.remoteAddress)) {
      this.counters.deniedByAddress += 1;
      socket.destroy();
      return;
    }
    let guests = 0;
    for (const connection of this.#connections.values()) if (!connection.isAuthenticated) guests += 1;
    if (this.#connections.size >= this.#limits.maxConnections || guests >= this.#limits.maxGuests) {
      this.counters.deniedByLimit += 1;
      socket.destroy();
      return;
    }
    this.counters.connections += 1;
    this.#lastId += 1;
    this.#connections.set(this.#lastId, new ServerConnection(this.#lastId, socket, this.#host));
  }

  #makeHost(): ConnectionHost {
    return {
      log: this.#options.log,
      limits: this.#limits,
      counters: this.counters,
      isPassword: (password) => timingSafeEqual(digest(password), this.#passwordDigest),
      runApi: (line) => this.#commands.run(line),
      startJob: (jobUuid, line) => this.#startJob(jobUuid, line),
      onSendEvent: (peer, event) => this.#onSendEvent(peer, event),
      onSubscribe: (peer) => this.#consumer?.onSubscribe(peer),
      onClosed: (peer) => {
        this.#connections.delete(peer.id);
        this.#consumer?.onClosed(peer);
      },
    };
  }

  #onSendEvent(peer: EventSocketPeer, event: EslEvent): SendEventVerdict {
    if (this.#consumer !== null && event.subclass.startsWith('im::')) {
      return this.#consumer.onSendEvent(peer, event);
    }
    return { ok: true, act: () => this.publish(event) };
  }

  #startJob(jobUuid: string, line: string): (() => void) | null {
    if (this.#jobs >= this.#limits.maxJobs) return null;
    this.#jobs += 1;
    const [command = '', ...rest] = line.trim().split(/\s+/);
    return () => {
      void Promise.resolve(this.#commands.run(line)).then((body) => {
        this.#jobs -= 1;
        const headers = new Map([
          ['Job-UUID', jobUuid],
          ['Job-Command', command],
        ]);
        if (rest.length > 0) headers.set('Job-Command-Arg', rest.join(' '));
        this.publish({ name: 'BACKGROUND_JOB', subclass: '', headers, body });
      });
    };
  }

  #help(): string {
    return `${this.#commands
      .list()
      .map(([name, help]) => `${name.padEnd(16)} ${help}`)
      .join('\n')}\n`;
  }
}

function digest(password: string): Buffer {
  return createHash('sha256').update(password, 'utf8').digest();
}
