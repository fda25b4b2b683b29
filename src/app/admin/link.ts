/**
 * Questions and answers between two threads over a MessagePort. Each side serves a table of operations and asks those
 * of the other; what was thrown arrives as a CodedError with the same code.
 */
import { CodedError } from '../../lib/errors.ts';

export type Operations = Readonly<Record<string, (...args: never[]) => unknown>>;
type Result<O extends Operations, K extends keyof O> = Awaited<ReturnType<O[K]>>;

export interface LinkOptions {
  /** Questions that wait at one time; one more fails at once (default 1,000). */
  readonly maxWaiting?: number;
  /** A question without answer by then fails (default 5,000). */
  readonly timeoutMs?: number;
}

const DEFAULT_MAX_WAITING = 1_000;
const DEFAULT_TIMEOUT_MS = 5_000;

type Frame =
  | { readonly ask: number; readonly op: string; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: { readonly code: string; readonly message: string } };

interface Waiting {
  readonly timer: NodeJS.Timeout;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A MessagePort, or the Worker at the other end of one. */
interface Port {
  on(event: 'message', listener: (frame: Frame) => void): unknown;
  postMessage(frame: Frame): void;
}

export class ThreadLink<Theirs extends Operations> {
  readonly #port: Port;
  readonly #own: Operations;
  readonly #waiting = new Map<number, Waiting>();
  readonly #maxWaiting: number;
  readonly #timeoutMs: number;
  #last = 0;
  #closedBy: Error | undefined;

  constructor(port: Port, own: Operations, options: LinkOptions = {}) {
    this.#port = port;
    this.#own = own;
    this.#maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    port.on('message', (frame: Frame) => {
      if ('ask' in frame) void this.#serve(frame);
      else this.#settle(frame);
    });
  }

  /** @throws CodedError of the other side; `ADMIN_LINK_BUSY`, `ADMIN_LINK_TIMEOUT`, `ADMIN_LINK_CLOSED` (all retryable) */
  ask<K extends keyof Theirs & string>(op: K, ...args: Parameters<Theirs[K]>): Promise<Result<Theirs, K>> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (this.#waiting.size >= this.#maxWaiting) {
      return Promise.reject(
        new CodedError('ADMIN_LINK_BUSY', `${this.#maxWaiting} questions wait already`, { retryable: true }),
      );
    }
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      this.#waiting.delete(id);
      reject(
        new CodedError('ADMIN_LINK_TIMEOUT', `${op} was not answered in ${this.#timeoutMs} ms`, {
          retryable: true,
        }),
      );
    }, this.#timeoutMs);
    this.#waiting.set(id, { timer, resolve, reject });
    this.#port.postMessage({ ask: id, op, args });
    return promise as Promise<Result<Theirs, K>>;
  }

  /** The other thread is gone: all that waits fails. */
  close(why: string): void {
    this.#closedBy = new CodedError('ADMIN_LINK_CLOSED', why, { retryable: true });
    for (const { timer, reject } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#closedBy);
    }
    this.#waiting.clear();
  }

  async #serve({ ask, op, args }: Extract<Frame, { ask: number }>): Promise<void> {
    try {
      const operation = Object.hasOwn(this.#own, op) ? this.#own[op] : undefined;
      if (operation === undefined) throw new CodedError('ADMIN_LINK_UNKNOWN', `no operation ${op}`);
      this.#port.postMessage({ answer: ask, value: await operation(...(args as never[])) });
    } catch (error) {
      const code = error instanceof CodedError ? error.code : 'ADMIN_LINK_FAULT';
      const message = error instanceof Error ? error.message : String(error);
      this.#port.postMessage({ answer: ask, error: { code, message } });
    }
  }

  #settle(frame: Exclude<Frame, { ask: number }>): void {
    const waiting = this.#waiting.get(frame.answer);
    if (waiting === undefined) return; // Its deadline has passed.
    this.#waiting.delete(frame.answer);
    clearTimeout(waiting.timer);
    if ('error' in frame) waiting.reject(new CodedError(frame.error.code, frame.error.message));
    else waiting.resolve(frame.value);
  }
}
