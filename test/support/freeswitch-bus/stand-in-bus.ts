/**
 * A FreeSWITCH as far as members of a bus see it, with its faults. It shares no code with what it tests. What it imitates was
 * seen on FreeSWITCH 1.10; what a test asks of it runs against a real one too, where there is one (`--binary`).
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { freePort } from '../kamailio/free-port.ts';
import { type BusEvent, makeEvent, valueOf } from './bus-event.ts';
import { type BusBehaviour, freeswitchWays } from './faults.ts';
import { Listener, type ListenerHost } from './listener.ts';

export interface StandInOptions {
  readonly password?: string;
  readonly users?: Readonly<Record<string, string>>;
  readonly ways?: Partial<BusBehaviour>;
  /** Default: a free one. */
  readonly port?: number;
}

/** Queue of a channel's own thread: its events come later than others. */
const CHANNEL_DELAY_MS = 60;

export class StandInBus {
  readonly ways: BusBehaviour;
  /** First lines of all commands. */
  readonly commands: string[] = [];
  /** Events that were sent by listeners. */
  readonly sent: BusEvent[] = [];
  /** Listeners that let more wait than they may. */
  killed = 0;
  port = 0;
  coreUuid = randomUUID();
  readonly #host: ListenerHost;
  readonly #listeners = new Set<Listener>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #server: Server | undefined;
  #sequence = 0;
  #lastId = 0;

  constructor(options: StandInOptions = {}) {
    this.ways = { ...freeswitchWays(), ...options.ways };
    this.port = options.port ?? 0;
    this.#host = {
      ways: this.ways,
      identity: {
        coreUuid: () => this.coreUuid,
        next: () => (this.#sequence += 1),
      },
      password: options.password ?? 'ClueCon',
      users: new Map(Object.entries(options.users ?? {})),
      fire: (event) => this.#fire(event),
      onCommand: (command) => this.commands.push(command),
      onGone: (listener) => this.#listeners.delete(listener),
      onKilled: () => {
        this.killed += 1;
      },
    };
  }

  get listeners(): readonly Listener[] {
    return [...this.#listeners];
  }

  /** Takes the port that it had before. */
  async start(): Promise<void> {
    this.coreUuid = randomUUID();
    const server = createServer((socket) => {
      this.#lastId += 1;
      this.#listeners.add(new Listener(this.#lastId, socket, this.#host));
    });
    // Not one of those that the kernel gives to others while it is stopped.
    if (this.port === 0) this.port = await freePort();
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** SIGTERM: SHUTDOWN, a notice to each, the end. SIGKILL: the end. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    if (signal === 'SIGTERM') {
      this.#deliver(makeEvent('SHUTDOWN', [['Event-Info', 'System Shutting Down']], '', null, this.ways));
      for (const listener of this.#listeners) listener.sayGoodbye();
    }
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.cutAll(signal === 'SIGTERM' ? 50 : 0);
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    await once(server, 'close');
  }

  /** Every connection that there is breaks; new ones are taken. */
  cutAll(afterMs = 0): void {
    const listeners = this.listeners;
    const cut = (): void => {
      for (const listener of listeners) listener.cut();
    };
    if (afterMs === 0) cut();
    else setTimeout(cut, afterMs);
  }

  /** An event of somebody who is not under test. */
  inject(name: string, headers: Readonly<Record<string, string>>, body = ''): void {
    this.#fire(makeEvent(name, Object.entries(headers), body, null, this.ways));
  }

  #fire(event: BusEvent): void {
    if (event.sender !== null) this.sent.push(event);
    if (this.ways.loses(event)) return;
    const isOfChannel = valueOf(event.headers, 'Unique-ID') !== undefined;
    const delayMs = this.ways.delayMs(event) + (isOfChannel ? CHANNEL_DELAY_MS : 0);
    if (delayMs === 0) return this.#deliver(event);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#deliver(event);
    }, delayMs);
    this.#timers.add(timer);
  }

  #deliver(event: BusEvent): void {
    const copies = this.ways.copies(event);
    for (let copy = 0; copy < copies; copy += 1) {
      for (const listener of this.#listeners) listener.offer(event);
    }
  }
}
