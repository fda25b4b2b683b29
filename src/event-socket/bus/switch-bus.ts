/** The switch on a bus: commands come from focuses there, and what it says goes to all of them at once. */
import type { Clock } from '../../lib/clock.ts';
import { CodedError } from '../../lib/errors.ts';
import type { EventSocketClientLimits } from '../client.ts';
import type { EslEvent } from '../event.ts';
import { IM_HELLO, IM_REQUEST } from '../im-message.ts';
import type { EventSocketLog } from '../log.ts';
import type { ControlPort } from '../medium.ts';
import type { EventConsumer, EventSocketPeer } from '../peer.ts';
import { type BusAddress, type BusCounters, type BusLimits, BusMember, OP_JOIN } from './bus-member.ts';

export interface SwitchBusOptions {
  readonly address: BusAddress;
  /** The switch's name and epoch. */
  readonly id: string;
  readonly epoch: string;
  readonly log: EventSocketLog;
  readonly clock: Clock;
  /** Focuses remembered; who asked first gives way. Default 64. */
  readonly maxFocuses?: number;
  readonly limits?: Partial<BusLimits>;
  readonly clientLimits?: Partial<EventSocketClientLimits>;
}

export class SwitchBus implements ControlPort {
  readonly #options: SwitchBusOptions;
  readonly #member: BusMember;
  readonly #focuses = new Map<string, EventSocketPeer>();
  #consumer: EventConsumer | null = null;
  #lastPeerId = 0;

  constructor(options: SwitchBusOptions) {
    this.#options = options;
    const { address, id, epoch, log, clock, limits = {}, clientLimits = {} } = options;
    this.#member = new BusMember({
      address,
      name: id,
      epoch,
      subclasses: [IM_REQUEST, IM_HELLO],
      log,
      clock,
      limits,
      clientLimits,
      onFrame: (event) => this.#onFrame(event),
      onUp: () => this.#consumer?.onSubscribe(EVERYBODY),
      onDown: () => this.#forgetAll(),
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

  setConsumer(consumer: EventConsumer | null): void {
    this.#consumer = consumer;
  }

  /** What is lost on the way shows as a hole in `im-seq`. */
  publish(event: EslEvent): void {
    if (!this.#member.isUp) return;
    this.#member.send(event).catch((error: unknown) => {
      if (!(error instanceof CodedError)) throw error;
      const fields = { subclass: event.subclass, code: error.code, reason: error.message };
      this.#options.log.warn(fields, 'frame not sent to the bus');
    });
  }

  #onFrame(event: EslEvent): undefined {
    if (event.subclass === IM_HELLO) {
      if (event.headers.get('im-op') === OP_JOIN) this.#consumer?.onSubscribe(EVERYBODY);
      return;
    }
    // What is refused has been counted and told: nobody waits here for an `-ERR`.
    const verdict = this.#consumer?.onSendEvent(this.#peerOf(event), event);
    if (verdict?.ok === true) verdict.act();
  }

  /** What a connection is in direct mode: each focus has its own pages under way. */
  #peerOf(event: EslEvent): EventSocketPeer {
    const from = event.headers.get('im-from') ?? '';
    let peer = this.#focuses.get(from);
    if (peer === undefined) {
      for (const [oldest, gone] of this.#focuses) {
        if (this.#focuses.size < (this.#options.maxFocuses ?? 64)) break;
        this.#focuses.delete(oldest);
        this.#consumer?.onClosed(gone);
      }
      this.#lastPeerId += 1;
      peer = { id: this.#lastPeerId, remote: `bus ${from}`, pinnedFrom: from, wants: () => true };
      this.#focuses.set(from, peer);
    }
    return peer;
  }

  #forgetAll(): void {
    for (const peer of this.#focuses.values()) this.#consumer?.onClosed(peer);
    this.#focuses.clear();
  }
}

/** On a bus a hello for one is a hello for all. */
const EVERYBODY: EventSocketPeer = { id: 0, remote: 'bus', pinnedFrom: null, wants: () => true };
