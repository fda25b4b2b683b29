/** Which sealed frames are taken: each once, in time, and none of a life that its sender has left behind. Pure. */
import type { SealedNumbers } from './seal.ts';

export interface ReplayGuardOptions {
  /** What was sent before was for somebody else: milliseconds since 1970. */
  readonly startedAtMs: number;
  /** How far a frame's time may be from the clock here, either way. */
  readonly windowMs: number;
  /** Senders remembered; who has been silent longest gives way. Default 1,024. */
  readonly maxSenders?: number;
}

export type ReplayVerdict =
  | 'fresh'
  /** Its time is too far from ours. */
  | 'stale'
  /** Sent before our start. */
  | 'early'
  /** Taken before, or so long ago that this is not known any more. */
  | 'replayed'
  /** Its sender has had another epoch since. */
  | 'superseded';

interface Sender {
  epoch: string;
  lastAtMs: number;
  lastSeenMs: number;
  highest: number;
  /** One bit for each of the last `RECENT` frame numbers, by number modulo `RECENT`. */
  seen: Uint8Array;
}

/** Frames may overtake each other by so many. */
const RECENT = 4096;

export class ReplayGuard {
  readonly #options: Required<ReplayGuardOptions>;
  /** In order of their last frame. */
  readonly #senders = new Map<string, Sender>();

  constructor(options: ReplayGuardOptions) {
    this.#options = { maxSenders: 1024, ...options };
  }

  get size(): number {
    return this.#senders.size;
  }

  /** Call with frames whose seal is right only. */
  accept(numbers: SealedNumbers, nowMs: number): ReplayVerdict {
    const { windowMs, startedAtMs } = this.#options;
    const { from, epoch, atMs, frame } = numbers;
    if (Math.abs(nowMs - atMs) > windowMs) return 'stale';
    if (atMs < startedAtMs) return 'early';
    let sender = this.#senders.get(from);
    // What was seen longer ago than the window cannot come again: it would be stale.
    if (sender !== undefined && nowMs - sender.lastSeenMs > 2 * windowMs) sender = undefined;
    if (sender !== undefined && sender.epoch !== epoch && atMs <= sender.lastAtMs) return 'superseded';
    if (sender?.epoch !== epoch) {
      sender = { epoch, lastAtMs: atMs, lastSeenMs: nowMs, highest: -1, seen: new Uint8Array(RECENT) };
    }
    if (!isNew(sender, frame)) return 'replayed';
    sender.lastAtMs = Math.max(sender.lastAtMs, atMs);
    sender.lastSeenMs = nowMs;
    this.#keep(from, sender);
    return 'fresh';
  }

  #keep(from: string, sender: Sender): void {
    this.#senders.delete(from);
    this.#senders.set(from, sender);
    for (const oldest of this.#senders.keys()) {
      if (this.#senders.size <= this.#options.maxSenders) return;
      this.#senders.delete(oldest);
    }
  }
}

/** Notes the frame. False when it was noted before, or is too old to know. */
function isNew(sender: Sender, frame: number): boolean {
  const { seen } = sender;
  if (frame > sender.highest) {
    const from = Math.max(sender.highest + 1, frame - RECENT + 1);
    for (let number = from; number < frame; number += 1) seen[number % RECENT] = 0;
    sender.highest = frame;
  } else if (frame <= sender.highest - RECENT || seen[frame % RECENT] === 1) {
    return false;
  }
  seen[frame % RECENT] = 1;
  return true;
}
