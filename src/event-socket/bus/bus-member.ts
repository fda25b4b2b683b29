/**
 * One participant of a FreeSWITCH event socket that focus and switches share as a bus: one connection that receives and is
 * always read, one that sends; frames sealed and checked; proof that what is sent does come back.
 */
import type { Clock } from '../../lib/clock.ts';
import { CodedError } from '../../lib/errors.ts';
import {
  EventSocketClient,
  type EventSocketClientCounters,
  type EventSocketClientLimits,
} from '../client.ts';
import { type EslEvent, isImValue } from '../event.ts';
import { formatImEvents, IM_HELLO, IM_TO_ALL } from '../im-message.ts';
import type { EventJob } from '../job-queue.ts';
import type { EventSocketLog } from '../log.ts';
import { Refusals } from './refusals.ts';
import { ReplayGuard } from './replay-guard.ts';
import { checkSeal, type SealedNumbers, sealEvent } from './seal.ts';

export interface BusAddress {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** `user@domain` for `userauth`; absent: `auth`. */
  readonly user?: string;
  /** Of the seals; the first signs, any is taken. */
  readonly keys: readonly string[];
  /** How far a frame's time may be from the clock here. Default 10 s. */
  readonly windowMs?: number;
}

export interface BusLimits {
  /** How often a member looks whether its own frames come back. Default 2 s. */
  readonly echoIntervalMs: number;
  /** So many missing in a row: the connections are taken up anew. Default 3. */
  readonly missedEchoes: number;
}

export interface BusMemberOptions {
  readonly address: BusAddress;
  /** `im-from` of all that it sends, and the `im-to` that it takes besides `all`. */
  readonly name: string;
  readonly epoch: string;
  /** Subclasses to receive, besides `im::hello`. */
  readonly subclasses: readonly string[];
  readonly log: EventSocketLog;
  readonly clock: Clock;
  readonly limits?: Partial<BusLimits>;
  readonly clientLimits?: Partial<EventSocketClientLimits>;
  /** A sealed, fresh frame of another member, for this one or for all. As `EventSocketClientOptions.onEvent`. */
  onFrame(event: EslEvent): EventJob | undefined;
  /** What is sent now arrives, and answers to it do. Said again when a sending connection that was lost is back. */
  onUp(): void;
  /** Frames may be missed from here on. `ESL_BUS_RESTARTED`: some were, though the connection is up. */
  onDown(error: CodedError): void;
}

export interface BusCounters {
  /** Of the receiving connection. */
  readonly receive: Readonly<EventSocketClientCounters>;
  readonly send: Readonly<EventSocketClientCounters>;
  /** Frames not taken, by reason. */
  readonly refused: ReadonlyMap<string, number>;
  /** Own frames that came back. */
  readonly own: number;
  /** Times that another Core-UUID showed that the bus was restarted. */
  readonly restarts: number;
  /** Times that own frames did not come back. */
  readonly deaf: number;
}

/** Neither is an event that means anything to others. */
export const OP_ECHO = 'echo';
export const OP_JOIN = 'join';
const DEFAULT_LIMITS: BusLimits = { echoIntervalMs: 2000, missedEchoes: 3 };
const DEFAULT_WINDOW_MS = 10_000;
const TTL_MS = 2000;
const SENDER_MAX_PENDING = 8192;

export class BusMember {
  readonly #options: BusMemberOptions;
  readonly #limits: BusLimits;
  readonly #receiver: EventSocketClient;
  readonly #sender: EventSocketClient;
  readonly #guard: ReplayGuard;
  readonly #refusals: Refusals;
  readonly #startedAtMs: number;
  #lastFrame = 0;
  #own = 0;
  #restarts = 0;
  #deaf = 0;
  #coreUuid: string | null = null;
  #echoTimer: NodeJS.Timeout | undefined;
  #echoesMissed = 0;

  /** Throws `ESL_BAD_OPTION`. */
  constructor(options: BusMemberOptions) {
    if (!isImValue(options.name) || !isImValue(options.epoch)) {
      throw new CodedError('ESL_BAD_OPTION', 'name and epoch are 1 to 128 of [A-Za-z0-9._~-]');
    }
    if (options.address.keys.length === 0) throw new CodedError('ESL_BAD_OPTION', 'no key for the bus');
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { address, log, clock, clientLimits = {} } = options;
    this.#refusals = new Refusals(log);
    this.#startedAtMs = clock.nowMs();
    this.#guard = new ReplayGuard({
      startedAtMs: this.#startedAtMs,
      windowMs: address.windowMs ?? DEFAULT_WINDOW_MS,
    });
    const { host, port, password, user } = address;
    const login = {
      host,
      port,
      password,
      ...(user === undefined ? {} : { user }),
      log,
      limits: clientLimits,
    };
    this.#receiver = new EventSocketClient({
      ...login,
      events: `SHUTDOWN CUSTOM ${[...new Set([...options.subclasses, IM_HELLO])].join(' ')}`,
      onEvent: (event) => this.#onEvent(event),
      onUp: () => this.#onEitherUp(),
      onDown: (error) => this.#options.onDown(error),
    });
    // Nothing is subscribed to here: a reply never waits behind events.
    this.#sender = new EventSocketClient({
      ...login,
      // A burst of events, as when a network takes many legs away, waits for the poll of a listener.
      limits: { maxPendingCommands: SENDER_MAX_PENDING, ...clientLimits },
      events: '',
      onEvent: () => undefined,
      onUp: () => this.#onEitherUp(),
    });
  }

  get isUp(): boolean {
    return this.#receiver.isUp && this.#sender.isUp;
  }

  get counters(): BusCounters {
    return {
      receive: this.#receiver.counters,
      send: this.#sender.counters,
      refused: this.#refusals.counts,
      own: this.#own,
      restarts: this.#restarts,
      deaf: this.#deaf,
    };
  }

  start(): void {
    this.#receiver.start();
    this.#sender.start();
    this.#echoTimer = setInterval(() => this.#echo(), this.#limits.echoIntervalMs);
  }

  /** Rejects as `EventSocketClient.whenUp`. */
  async whenUp(timeoutMs: number): Promise<void> {
    await Promise.all([this.#receiver.whenUp(timeoutMs), this.#sender.whenUp(timeoutMs)]);
  }

  async close(): Promise<void> {
    clearInterval(this.#echoTimer);
    await Promise.all([this.#receiver.close(), this.#sender.close()]);
  }

  /** Seals and sends. Resolves when the bus has taken the frame. Rejects as `EventSocketClient.sendEvent`. */
  async send(event: EslEvent): Promise<void> {
    const { address, clock, name, epoch } = this.#options;
    if (event.headers.get('im-from') !== name || event.headers.get('im-epoch') !== epoch) {
      throw new CodedError('ESL_BAD_VALUE', 'a member of a bus speaks in its own name and epoch only');
    }
    // A repeat is a new frame: the number is not used again.
    this.#lastFrame += 1;
    await this.#sender.sendEvent(sealEvent(event, address.keys, clock.nowMs(), this.#lastFrame));
  }

  /** Counted, and told in the log now and then. */
  refuse(why: string, event: EslEvent): undefined {
    const from = event.headers.get('im-from') ?? '';
    this.#refusals.add({ why, from, subclass: event.subclass }, this.#options.clock.nowMs());
  }

  #onEitherUp(): void {
    if (!this.isUp) return;
    this.#echoesMissed = 0;
    // Who is there answers with its hello; and this comes back, with the Core-UUID of the bus.
    this.#say(OP_JOIN, IM_TO_ALL);
    this.#options.onUp();
  }

  #echo(): void {
    if (!this.isUp) return;
    this.#echoesMissed += 1;
    if (this.#echoesMissed > this.#limits.missedEchoes) {
      this.#deaf += 1;
      this.#echoesMissed = 0;
      this.#options.log.warn({ bus: this.#options.address.host }, 'the bus does not give back what it takes');
      this.#receiver.reset('own frames do not come back');
      this.#sender.reset('own frames do not come back');
      return;
    }
    this.#say(OP_ECHO, this.#options.name);
  }

  #say(op: string, to: string): void {
    const { name, epoch } = this.#options;
    const message = { op, corr: op, from: name, to, seq: 0, epoch, ttlMs: TTL_MS };
    for (const event of formatImEvents(IM_HELLO, message, '{}')) {
      this.send(event).catch((error: unknown) => this.#unsaid(op, error));
    }
  }

  #unsaid(op: string, error: unknown): void {
    if (!(error instanceof CodedError)) throw error;
    const fields = { op, code: error.code, reason: error.message };
    if (error.code === 'ESL_REFUSED') this.#options.log.error(fields, 'the bus refuses a frame');
    else this.#options.log.debug(fields, 'frame not sent');
  }

  #onEvent(event: EslEvent): EventJob | undefined {
    this.#lookAtCore(event);
    if (event.name === 'SHUTDOWN') {
      this.#options.log.warn({ bus: this.#options.address.host }, 'the bus is shut down');
      this.#receiver.reset('the bus is shut down');
      this.#sender.reset('the bus is shut down');
      return undefined;
    }
    const { address, clock, name, epoch } = this.#options;
    let numbers: SealedNumbers;
    try {
      numbers = checkSeal(event, address.keys);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return this.refuse(error.code, event);
    }
    // Two members of one name would both carry commands out. What our own last life sent is on its way perhaps.
    if (numbers.from === name && numbers.epoch !== epoch) {
      return numbers.atMs < this.#startedAtMs ? undefined : this.refuse('sender has our name', event);
    }
    const verdict = this.#guard.accept(numbers, clock.nowMs());
    if (verdict !== 'fresh') return this.refuse(verdict, event);
    if (numbers.from === name) return this.#onOwn();
    const to = event.headers.get('im-to');
    return to === name || to === IM_TO_ALL ? this.#options.onFrame(event) : undefined;
  }

  #onOwn(): undefined {
    this.#own += 1;
    this.#echoesMissed = 0;
  }

  #lookAtCore({ coreUuid }: EslEvent): void {
    if (coreUuid === undefined || coreUuid === this.#coreUuid) return;
    const isRestart = this.#coreUuid !== null;
    this.#coreUuid = coreUuid;
    if (!isRestart) return;
    this.#restarts += 1;
    this.#options.onDown(new CodedError('ESL_BUS_RESTARTED', 'the bus was restarted', { retryable: true }));
  }
}
