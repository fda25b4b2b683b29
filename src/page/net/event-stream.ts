/**
 * Follows `/api/v1/events` and comes back by itself, with Last-Event-ID so that nothing is missed. EventSource cannot send
 * a token, so this is fetch and a parser.
 */
import type { Api } from './api.ts';
import { EventParser, type ServerEvent } from './event-parser.ts';
import { Problem } from './problem.ts';

export type LinkState = 'connecting' | 'live' | 'lost' | 'refused';

export interface StreamListener {
  event(event: ServerEvent): void;
  /** `why` for people, when it is lost or refused. */
  state(state: LinkState, why?: string): void;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** The server beats every 15 s; twice that in silence and the connection is dead without saying so. */
const SILENCE_MS = 35_000;

export class EventStream {
  readonly #api: Pick<Api, 'open'>;
  readonly #listener: StreamListener;
  #lastId = '';
  #abort = new AbortController();
  #isClosed = false;
  #isPaused = false;
  #wake: () => void = () => {};
  #failures = 0;

  constructor(api: Pick<Api, 'open'>, listener: StreamListener) {
    this.#api = api;
    this.#listener = listener;
  }

  /** Follows until `close`, or until the server says that this token may not. */
  async follow(): Promise<void> {
    while (!this.#isClosed) {
      const why = await this.#once();
      if (this.#isClosed || why === undefined) return;
      if (this.#isPaused) {
        await new Promise<void>((resume) => {
          this.#wake = resume;
        });
        continue;
      }
      if (why === RENEW) continue;
      this.#failures += 1;
      this.#listener.state('lost', why);
      await this.#pause(delayMs(this.#failures));
    }
  }

  /** Before `follow`: what was decided after this number is told first. */
  resumeAfter(id: number): void {
    this.#lastId = String(id);
  }

  /** Tries at once instead of waiting out the delay. */
  retryNow(): void {
    this.#wake();
  }

  /** Lets the connection go until `resume`, which takes up after the last event. */
  pause(): void {
    this.#isPaused = true;
    this.#abort.abort();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#abort.abort();
    this.#wake();
  }

  /** One connection. @returns why it ended; undefined: do not come back */
  async #once(): Promise<string | undefined> {
    this.#abort = new AbortController();
    let end = 'the connection broke';
    let watchdog = this.#watch();
    try {
      const response = await this.#api.open('/events', {
        headers: {
          accept: 'text/event-stream',
          ...(this.#lastId === '' ? {} : { 'last-event-id': this.#lastId }),
        },
        signal: this.#abort.signal,
      });
      this.#failures = 0;
      this.#listener.state('live');
      const parser = new EventParser((event) => {
        if (event.name === 'closed') end = closing(event.data);
        else this.#listener.event(event);
      });
      for await (const bytes of response.body ?? []) {
        clearTimeout(watchdog);
        watchdog = this.#watch();
        parser.push(bytes);
        this.#lastId = parser.lastId;
      }
      return end;
    } catch (error) {
      if (!(error instanceof Problem)) return end;
      if (error.status === 401 || error.status === 403) {
        this.#listener.state('refused', error.message);
        return undefined;
      }
      return error.message;
    } finally {
      clearTimeout(watchdog);
    }
  }

  #watch(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#abort.abort(), SILENCE_MS);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const RENEW = 'renew';

function closing(data: string): string {
  const { reason } = JSON.parse(data) as { reason: string };
  if (reason === RENEW) return RENEW;
  return reason === 'slow' ? 'this page could not keep up' : 'Parley stops';
}

/** With jitter: all pages lose their streams at the same moment. */
function delayMs(failures: number): number {
  const longest = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
  return longest * (0.5 + Math.random() / 2);
}
