/**
 * What carries the frames between focus and switch: a connection of their own, or a bus that others are on too. What is said
 * over it (switch-link.ts, switch-control.ts) does not know which.
 */
import type { CodedError } from '../lib/errors.ts';
import type { EventSocketClientCounters } from './client.ts';
import type { EslEvent } from './event.ts';
import type { EventJob } from './job-queue.ts';
import type { EventConsumer, EventSocketPeer } from './peer.ts';

/** The focus's way to one switch. `EventSocketClient` is one. */
export interface SwitchChannel {
  readonly isUp: boolean;
  readonly counters: Readonly<EventSocketClientCounters>;
  start(): void;
  /** Resolves when the frame was taken, which is not when the switch has got it. Rejects as `EventSocketClient.sendEvent`. */
  sendEvent(event: EslEvent): Promise<void>;
  /** Nothing has come for too long. A channel that is the switch's alone is taken up anew; one that is shared may stay. */
  reset(reason: string): void;
  close(): Promise<void>;
}

export interface ChannelUser {
  /** As `EventSocketClientOptions.onEvent`. */
  onEvent(event: EslEvent): EventJob | undefined;
  onUp(): void;
  /** `ESL_OVERFLOW`: events that had come were thrown away. */
  onDown(error: CodedError): void;
}

export type OpenChannel = (user: ChannelUser) => SwitchChannel;

/** The switch's way to all focuses. `EventSocketServer` is one. */
export interface ControlPort {
  /** Null detaches. */
  setConsumer(consumer: EventConsumer | null): void;
  /** Where peers share a medium, the filter has no say. Throws `ESL_BAD_VALUE`. */
  publish(event: EslEvent, isFor?: (peer: EventSocketPeer) => boolean): void;
}
