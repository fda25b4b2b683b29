/** The focus on a bus: every switch that says hello there is met, and its frames are kept apart from those of the others. */
import type { Clock } from '../../lib/clock.ts';
import { CodedError } from '../../lib/errors.ts';
import type { EventSocketClientCounters, EventSocketClientLimits } from '../client.ts';
import type { EslEvent } from '../event.ts';
import { IM_EVENT, IM_HELLO, IM_REPLY } from '../im-message.ts';
import type { EventJob } from '../job-queue.ts';
import type { EventSocketLog } from '../log.ts';
import type { ChannelUser, OpenChannel, SwitchChannel } from '../medium.ts';
import { type BusAddress, type BusCounters, type BusLimits, BusMember } from './bus-member.ts';

export interface FocusBusOptions {
  readonly address: BusAddress;
  /** As its fleet's: this focus's name on the bus, and what is other at each start. */
  readonly focusId: string;
  readonly focusEpoch: string;
  /** Names of the switches that are this focus's; empty: all that say hello. */
  readonly switches: readonly string[];
  /** More are not met. Default 256. */
  readonly maxSwitches?: number;
  readonly log: EventSocketLog;
  readonly clock: Clock;
  readonly limits?: Partial<BusLimits>;
  readonly clientLimits?: Partial<EventSocketClientLimits>;
  /** A switch said its first hello. */
  onMeet(switchId: string, open: OpenChannel): void;
}

const OP_HELLO = 'hello';

export class FocusBus {
  readonly #options: FocusBusOptions;
  readonly #member: BusMember;
  readonly #channels = new Map<string, BusChannel>();

  constructor(options: FocusBusOptions) {
    this.#options = options;
    const { address, focusId, focusEpoch, log, clock, limits = {}, clientLimits = {} } = options;
    this.#member = new BusMember({
      address,
      name: focusId,
      epoch: focusEpoch,
      subclasses: [IM_REPLY, IM_EVENT, IM_HELLO],
      log,
      clock,
      limits,
      clientLimits,
      onFrame: (event) => this.#onFrame(event),
      onUp: () => this.#each((channel) => channel.onUp()),
      onDown: (error) => this.#each((channel) => channel.onDown(error)),
    });
  }

  get isUp(): boolean {
    return this.#member.isUp;
  }

  get counters(): BusCounters {
    return this.#member.counters;
  }

  start(): void {
    this.#member.start();
  }

  async close(): Promise<void> {
    await this.#member.close();
  }

  #each(act: (channel: BusChannel) => void): void {
    for (const channel of this.#channels.values()) act(channel);
  }

  #onFrame(event: EslEvent): EventJob | undefined {
    const from = event.headers.get('im-from') ?? '';
    const isHello = event.subclass === IM_HELLO;
    // Other focuses say hello as well, to be answered by switches.
    if (isHello && event.headers.get('im-op') !== OP_HELLO) return undefined;
    const { switches, maxSwitches = 256 } = this.#options;
    if (switches.length > 0 && !switches.includes(from)) return undefined;
    const known = this.#channels.get(from);
    if (known !== undefined) return known.take(event, isHello);
    if (!isHello) return undefined;
    if (this.#channels.size >= maxSwitches) return this.#member.refuse('too many switches', event);
    const channel = new BusChannel(this.#member);
    this.#channels.set(from, channel);
    this.#options.onMeet(from, (user) => channel.use(user));
    return channel.take(event, true);
  }
}

/** One switch's share of the bus. */
class BusChannel implements SwitchChannel {
  readonly #member: BusMember;
  #user: ChannelUser | null = null;
  #epoch: string | null = null;
  /** No hello since the bus came up: what was missed is not known yet. */
  #awaitsHello = true;

  constructor(member: BusMember) {
    this.#member = member;
  }

  get isUp(): boolean {
    return this.#member.isUp;
  }

  get counters(): Readonly<EventSocketClientCounters> {
    return this.#member.counters.receive;
  }

  use(user: ChannelUser): SwitchChannel {
    this.#user = user;
    return this;
  }

  start(): void {
    // The bus is started, or nobody would have been met there.
  }

  async sendEvent(event: EslEvent): Promise<void> {
    await this.#member.send(event);
  }

  reset(): void {
    // One switch is silent; the others are heard, and the bus looks after itself.
  }

  async close(): Promise<void> {
    this.#user = null;
  }

  onUp(): void {
    this.#user?.onUp();
  }

  onDown(error: CodedError): void {
    this.#awaitsHello = true;
    this.#user?.onDown(error);
  }

  take(event: EslEvent, isHello: boolean): EventJob | undefined {
    const epoch = event.headers.get('im-epoch') ?? '';
    if (isHello && this.#epoch !== null && this.#epoch !== epoch) {
      // On a connection of its own its end would have said it.
      this.onDown(new CodedError('ESL_DOWN', 'the switch was restarted', { retryable: true }));
      this.#epoch = epoch;
      this.onUp();
    }
    if (isHello) {
      this.#epoch = epoch;
      this.#awaitsHello = false;
    }
    // An event before it is found missing by the hello, which is asked for already.
    return this.#awaitsHello ? undefined : this.#user?.onEvent(event);
  }
}
