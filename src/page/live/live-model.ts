/** All that the page knows of what goes on, fed by the event stream. Every part of it is bounded. */
import type { Api } from '../net/api.ts';
import type { ServerEvent } from '../net/event-parser.ts';
import { EventStream, type LinkState } from '../net/event-stream.ts';
import type {
  DecisionSummary,
  Rates,
  Readiness,
  SessionChange,
  SessionPage,
  SwitchState,
} from '../net/shapes.ts';
import { Happenings, isRefusal } from './happenings.ts';
import { RateHistory } from './rate-history.ts';
import { RateWindow } from './rate-window.ts';
import { SessionBook } from './session-book.ts';

/** New sessions are read together, not one by one. */
const READ_NEW_MS = 500;
/** After a reading that failed. */
const READ_AGAIN_MS = 5_000;
/** What a missed event would leave wrong is mended after this. */
const READ_ALL_MS = 300_000;
/** Joins and refusals are counted in steps of this. */
export const HAPPENING_STEP_MS = 10_000;
const LAST_MINUTES = { steps: 600_000 / HAPPENING_STEP_MS, stepMs: HAPPENING_STEP_MS };
/** A sample may be two seconds old, and its way long. */
const CLOCK_SLACK_MS = 10_000;
/** Looking into another tab for a moment costs nothing. */
const HIDDEN_MS = 5_000;
/** Ages and rates move on when nothing is told. */
const TICK_MS = 2_000;
/** Decisions of before the page was opened, so that it does not begin empty. */
const TOLD_AGAIN = 250;

export interface Told {
  /** A decision or change of this session was told. */
  session(id: string): void;
  /** Something else to show; called often. */
  changed(): void;
}

export class LiveModel {
  readonly book: SessionBook;
  readonly happenings = new Happenings();
  readonly rates = new RateHistory();
  readonly joins = new RateWindow(LAST_MINUTES);
  readonly refusals = new RateWindow(LAST_MINUTES);
  switches: readonly SwitchState[] = [];
  readiness: Readiness | undefined;
  /** Release of the server; another one than at first: the page is of before. */
  version: string | undefined;
  isOutdated = false;
  link: LinkState = 'connecting';
  linkWhy = '';
  /** Of the last failure to read the list. */
  listFault: unknown;
  readonly #api: Api;
  #clockOffsetMs = 0;
  readonly #told: Told;
  readonly #stream: EventStream;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #newTimer: ReturnType<typeof setTimeout> | undefined;
  #againTimer: ReturnType<typeof setTimeout> | undefined;
  #hiddenTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, told: Told) {
    this.#api = api;
    this.#told = told;
    this.book = new SessionBook(
      (query) => api.get<SessionPage>('/sessions', { query }),
      () => told.changed(),
    );
    this.#stream = new EventStream(api, {
      event: (event) => this.#take(event),
      state: (state, why) => this.#linked(state, why),
    });
  }

  start(): void {
    void this.#follow();
    document.addEventListener('visibilitychange', this.#seen);
    this.#timers.push(
      setInterval(() => this.#told.changed(), TICK_MS),
      setInterval(() => this.#readAll(), READ_ALL_MS),
    );
  }

  /**
   * A browser has six connections to one host, for all tabs together: one that nobody looks at gives its own back, or the
   * seventh session that is opened in a tab would never load.
   */
  readonly #seen = () => {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#stream.pause(), HIDDEN_MS);
    else this.#stream.resume();
  };

  stop(): void {
    document.removeEventListener('visibilitychange', this.#seen);
    clearTimeout(this.#hiddenTimer);
    this.#stream.close();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#newTimer);
    clearTimeout(this.#againTimer);
  }

  /** By the server's clock, which all times come from. */
  nowMs(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  retryNow(): void {
    this.#stream.retryNow();
  }

  async #follow(): Promise<void> {
    try {
      const { items } = await this.#api.get<{ items: readonly DecisionSummary[] }>('/decisions', {
        query: { limit: 1 },
      });
      // Also where there is none yet: the first may come before the stream is open.
      this.#stream.resumeAfter(Math.max(0, (items[0]?.id ?? 0) - TOLD_AGAIN));
    } catch {
      // The stream meets the same fault, and says so.
    }
    await this.#stream.follow();
  }

  #linked(state: LinkState, why = ''): void {
    this.link = state;
    this.linkWhy = why;
    if (state === 'live') this.#readAll();
    this.#told.changed();
  }

  #take({ name, data }: ServerEvent): void {
    if (name === 'session') this.#change(JSON.parse(data) as SessionChange);
    else if (name === 'decision') this.#decision(JSON.parse(data) as DecisionSummary);
    else if (name === 'switches') this.switches = (JSON.parse(data) as { items: SwitchState[] }).items;
    else if (name === 'rates') this.#rate(JSON.parse(data) as Rates);
    else if (name === 'readiness') this.readiness = JSON.parse(data) as Readiness;
    else if (name === 'gap') this.#readAll();
    else if (name === 'hello') this.#hello((JSON.parse(data) as { version: string }).version);
    this.#told.changed();
  }

  #change(change: SessionChange): void {
    if (this.book.take(change)) this.#readNew();
    if (!this.happenings.change(change)) return;
    if (change.change === 'joined') this.joins.add(Date.parse(change.at));
    this.#told.session(change.session);
  }

  #decision(decision: DecisionSummary): void {
    if (!this.happenings.decision(decision)) return;
    if (isRefusal(decision)) this.refusals.add(Date.parse(decision.at));
    if (decision.session !== null) this.#told.session(decision.session);
  }

  #rate(rates: Rates): void {
    this.rates.take(rates);
    const newest = this.rates.samples.at(-1);
    if (newest === undefined) return;
    const offsetMs = newest.atMs - Date.now();
    this.#clockOffsetMs = Math.abs(offsetMs) < CLOCK_SLACK_MS ? 0 : offsetMs;
  }

  #hello(version: string): void {
    this.isOutdated ||= this.version !== undefined && this.version !== version;
    this.version ??= version;
  }

  #readAll(): void {
    void this.#reading(this.book.load());
  }

  #readNew(): void {
    this.#newTimer ??= setTimeout(() => {
      this.#newTimer = undefined;
      void this.#reading(this.book.loadNew());
    }, READ_NEW_MS);
  }

  async #reading(work: Promise<void>): Promise<void> {
    try {
      await work;
      this.listFault = undefined;
    } catch (error) {
      this.listFault = error;
      clearTimeout(this.#againTimer);
      this.#againTimer = setTimeout(() => this.#readAll(), READ_AGAIN_MS);
    }
    this.#told.changed();
  }
}
