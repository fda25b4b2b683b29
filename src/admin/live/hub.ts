/**
 * Tells all listeners what happens. One follower reads the decision log for all of them, only while somebody listens;
 * who resumes is brought up from the log at the pace at which they read.
 */
import type { Logger } from 'pino';
import type { Awaitable, Readiness, SwitchView } from '../view.ts';
import { type ClientWish, type EventSink, eventText, LiveClient, type RenderedEntry } from './client.ts';
import type { DecisionFeed, FeedEntry } from './feed.ts';
import type { MessageRates } from './message-rates.ts';

export interface LiveLimits {
  /** Listeners at one time (default 64). */
  readonly maxClients: number;
  /** What may wait for one listener, besides what one look at the log brings; more ends its stream (default 512 KiB). */
  readonly maxBufferedBytes: number;
  /** A stream is ended after this, so that a token that was revoked is asked for again (default 15 minutes). */
  readonly maxStreamMs: number;
}

export const DEFAULT_LIVE_LIMITS: LiveLimits = {
  maxClients: 64,
  maxBufferedBytes: 524_288,
  maxStreamMs: 900_000,
};

export interface LiveParts {
  readonly feed: DecisionFeed;
  readonly readiness: () => Awaitable<Readiness>;
  readonly switches: () => Awaitable<readonly SwitchView[]>;
  /** Sampled whether somebody listens or not, so that a plot does not begin empty. */
  readonly rates?: MessageRates;
  readonly version: string;
  readonly nowMs: () => number;
  /** Runs the task until it is stopped. */
  readonly every: (ms: number, task: () => void) => () => void;
  readonly log: Logger;
  readonly limits?: Partial<LiveLimits>;
}

const POLL_MS = 200;
const LOOK_MS = 1_000;
const BEAT_MS = 15_000;
/** Entries of one look at the log: 5,000 a second at most. */
const BATCH = 500;
const MAX_BATCHES = 2;
const RETRY_MS = 1_000;

export class LiveHub {
  readonly #parts: LiveParts;
  readonly #limits: LiveLimits;
  readonly #clients = new Set<LiveClient>();
  #position = 0;
  #stops: (() => void)[] = [];
  /** Latest text of what is a state and not a happening; sent to everybody who comes. */
  readonly #states = new Map<'switches' | 'readiness', string>();
  #isLooking = false;
  #isClosed = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULT_LIVE_LIMITS, ...parts.limits };
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Undefined: there are as many as there may be. */
  add(sink: EventSink, wish: ClientWish): LiveClient | undefined {
    const { feed, nowMs, version } = this.#parts;
    if (this.#isClosed || this.#clients.size >= this.#limits.maxClients) return undefined;
    if (this.#clients.size === 0) this.#position = feed.newest();
    const { after } = wish;
    // A number from before the log was made anew says nothing.
    const isKnown = after !== undefined && after <= feed.newest();
    const client = new LiveClient(sink, wish, {
      position: isKnown ? after : this.#position,
      sinceMs: nowMs(),
      maxBytes: this.#limits.maxBufferedBytes,
    });
    client.send(`retry: ${RETRY_MS}\nid: ${client.position}\n${eventText('hello', { version })}`);
    const next = isKnown ? (feed.since(after, 1)[0]?.decision.id ?? 0) : 0;
    if (after !== undefined && (!isKnown || next > after + 1)) client.send(eventText('gap', { after }));
    for (const [kind, text] of this.#states) if (wish.kinds.has(kind)) client.send(text);
    const { rates } = this.#parts;
    if (rates !== undefined && wish.kinds.has('switches')) client.send(eventText('rates', rates.all));
    this.#clients.add(client);
    if (this.#clients.size === 1) this.#start();
    return client;
  }

  /** There is a new sample. */
  tellRates(): void {
    const { rates } = this.#parts;
    if (rates === undefined || this.#clients.size === 0) return;
    const text = eventText('rates', rates.newest);
    for (const client of this.#clients) if (client.wish.kinds.has('switches')) client.send(text);
    this.#sweep();
  }

  remove(client: LiveClient): void {
    client.isOpen = false;
    if (this.#clients.delete(client) && this.#clients.size === 0) this.#stop();
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#clients) client.close('stopping');
    this.#clients.clear();
    this.#stop();
  }

  #start(): void {
    const { every } = this.#parts;
    this.#stops = [
      every(POLL_MS, () => this.#poll()),
      every(LOOK_MS, () => void this.#look()),
      every(BEAT_MS, () => this.#beat()),
    ];
    void this.#look();
  }

  #stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#states.clear();
  }

  #poll(): void {
    try {
      for (let round = 0; round < MAX_BATCHES; round += 1) {
        const entries = this.#read(this.#position);
        const last = entries.at(-1);
        if (last === undefined) break;
        for (const client of this.#clients) if (client.position >= this.#position) client.take(entries);
        this.#position = last.id;
        if (entries.length < BATCH) break;
      }
      for (const client of this.#clients) {
        if (client.position < this.#position && client.keepsUp) client.take(this.#read(client.position));
      }
    } catch (err) {
      this.#parts.log.error({ err }, 'the decision log cannot be followed; it is tried again');
    }
    this.#sweep();
  }

  #read(after: number): RenderedEntry[] {
    const { feed } = this.#parts;
    const entries = feed.since(after, BATCH);
    const sessions = new Set(entries.flatMap(({ changes }) => changes.map(({ session }) => session)));
    const presences = feed.presences([...sessions]);
    return entries.map((entry) => rendered(entry, presences));
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { readiness, switches } = this.#parts;
    try {
      this.#tell('readiness', await readiness());
      this.#tell('switches', { items: await switches() });
    } catch {
      this.#tell('readiness', { ready: false, reasons: ['the focus does not answer'] });
    } finally {
      this.#isLooking = false;
    }
  }

  #tell(kind: 'switches' | 'readiness', state: unknown): void {
    const text = eventText(kind, state);
    if (this.#clients.size === 0 || this.#states.get(kind) === text) return;
    this.#states.set(kind, text);
    for (const client of this.#clients) if (client.wish.kinds.has(kind)) client.send(text);
    this.#sweep();
  }

  #beat(): void {
    const oldestMs = this.#parts.nowMs() - this.#limits.maxStreamMs;
    for (const client of this.#clients) {
      if (client.sinceMs <= oldestMs) client.close('renew');
      else client.beat();
    }
    this.#sweep();
  }

  /** Those that were closed here. */
  #sweep(): void {
    for (const client of this.#clients) if (!client.isOpen) this.remove(client);
  }
}

function rendered(
  { decision, changes }: FeedEntry,
  presences: ReturnType<DecisionFeed['presences']>,
): RenderedEntry {
  const { id, at, session } = decision;
  return {
    id,
    session,
    decision: eventText('decision', decision),
    changes: changes.map((change) => ({
      session: change.session,
      text: eventText('session', {
        ...change,
        at,
        decision: id,
        participants: presences.get(change.session) ?? { connected: 0, invited: 0 },
      }),
    })),
  };
}
