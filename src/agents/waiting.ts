/**
 * Waiting with a name: a test that waits in vain must say what it waited for and what it saw instead.
 * Nothing here sleeps; a wait ends by an event or by its deadline.
 */

/** A deadline passed. `message` names the awaited thing and lists what was seen instead. */
export class WaitTimeout extends Error {
  readonly code = 'AGENT_TIMEOUT';
}

/** The other side is gone or answered differently, so the wait can never be met. */
export class WaitFailed extends Error {
  readonly code = 'AGENT_FAILED';
}

export interface WaitOptions {
  readonly timeoutMs?: number;
}

/** `promise`, or a WaitTimeout after `timeoutMs` that names `what` and what `seen` tells then. */
export function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  what: string,
  seen: () => string,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new WaitTimeout(`${what}: nothing within ${timeoutMs} ms; seen instead: ${seen()}`));
    }, timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** A promise with its resolver; a rejection that nobody awaits is not an unhandled one. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

export function deferred<T>(): Deferred<T> {
  const made = Promise.withResolvers<T>();
  made.promise.catch(() => {});
  return made;
}

interface Waiter<T> {
  readonly matches: (item: T) => boolean;
  readonly resolve: (item: T) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface MailboxOptions<T> {
  /** One short line for an item, used in timeout messages. */
  readonly describe: (item: T) => string;
  /** What else was seen (for instance the tail of the trace). */
  readonly seen?: () => string;
  /** Items kept until somebody takes them; beyond it the oldest goes and `dropped` counts. Default 100,000. */
  readonly maxItems?: number;
  readonly defaultTimeoutMs?: number;
}

/** A queue whose `take` waits for the first item that matches; items that do not match stay for others. */
export class Mailbox<T> {
  readonly #options: MailboxOptions<T>;
  readonly #items: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();
  #closed: Error | undefined;
  dropped = 0;

  constructor(options: MailboxOptions<T>) {
    this.#options = options;
  }

  put(item: T): void {
    for (const waiter of this.#waiters) {
      if (!waiter.matches(item)) continue;
      this.#waiters.delete(waiter);
      clearTimeout(waiter.timer);
      waiter.resolve(item);
      return;
    }
    this.#items.push(item);
    if (this.#items.length > (this.#options.maxItems ?? 100_000)) {
      this.#items.shift();
      this.dropped += 1;
    }
  }

  /** Takes the oldest item that matches, now or when it comes. */
  take(what: string, options: WaitOptions & { match?: (item: T) => boolean } = {}): Promise<T> {
    const matches = options.match ?? (() => true);
    const found = this.#items.findIndex((item) => matches(item));
    if (found >= 0) return Promise.resolve(this.#items.splice(found, 1)[0] as T);
    if (this.#closed !== undefined) {
      return Promise.reject(
        new WaitFailed(`${what}: ${this.#closed.message}; seen instead: ${this.#seen()}`),
      );
    }
    const timeoutMs = options.timeoutMs ?? this.#options.defaultTimeoutMs ?? DEFAULT_WAIT_MS;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new WaitTimeout(`${what}: nothing within ${timeoutMs} ms; seen instead: ${this.#seen()}`));
      }, timeoutMs);
      const waiter: Waiter<T> = {
        matches,
        resolve,
        timer,
        reject: (error) => reject(new WaitFailed(`${what}: ${error.message}; seen instead: ${this.#seen()}`)),
      };
      this.#waiters.add(waiter);
    });
  }

  /** What lies here untaken (oldest first). */
  get waiting(): readonly T[] {
    return this.#items;
  }

  /** Ends all waits with this error; items that lie here can still be taken. */
  close(error: Error): void {
    this.#closed ??= error;
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer);
      waiter.reject(error);
    }
    this.#waiters.clear();
  }

  #seen(): string {
    const own = this.#items.slice(-8).map((item) => this.#options.describe(item));
    const parts = own.length === 0 ? [] : [`untaken [${own.join(' | ')}]`];
    const more = this.#options.seen?.() ?? '';
    if (more !== '') parts.push(more);
    return parts.length === 0 ? 'nothing' : parts.join('; ');
  }
}

/** Default of every wait in the agents, milliseconds: a machine with other work takes its time. */
export const DEFAULT_WAIT_MS = 10_000;
