/** Requests of one link that wait for their reply: a deadline, and one more try under the same name. */
import { CodedError } from '../lib/errors.ts';
import type { CommandName, CommandReply } from '../switch-control/protocol.ts';
import type { EslEvent } from './event.ts';

interface PendingRequest {
  readonly corr: string;
  readonly op: CommandName;
  readonly pages: readonly EslEvent[];
  timesSent: number;
  isSecondDeadline: boolean;
  timer: NodeJS.Timeout;
  resolve(reply: CommandReply): void;
  reject(error: CodedError): void;
}

export interface SwitchRequestsOptions {
  /** For each of the two tries. */
  readonly deadlineMs: number;
  /** Requests without their reply. */
  readonly maxPending: number;
  isUp(): boolean;
  /** Sends the pages; calls back with the error when the server refuses one. */
  send(pages: readonly EslEvent[], onRefused: (error: CodedError) => void): void;
  onRetry(): void;
}

const MAX_TIMES_SENT = 2;

export class SwitchRequests {
  readonly #options: SwitchRequestsOptions;
  readonly #pending = new Map<string, PendingRequest>();

  constructor(options: SwitchRequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Rejects with `ESL_DOWN` (never sent), `ESL_TIMEOUT` (sent, fate unknown), `ESL_REFUSED`, `ESL_OVERFLOW`. */
  async add(corr: string, op: CommandName, pages: readonly EslEvent[]): Promise<CommandReply> {
    if (this.#pending.size >= this.#options.maxPending) {
      throw new CodedError('ESL_OVERFLOW', 'too many requests wait for this switch', { retryable: true });
    }
    return new Promise<CommandReply>((resolve, reject) => {
      const timer = setTimeout(() => this.#onDeadline(request), this.#options.deadlineMs);
      const request: PendingRequest = {
        corr,
        op,
        pages,
        timesSent: 0,
        isSecondDeadline: false,
        timer,
        resolve,
        reject,
      };
      this.#pending.set(corr, request);
      if (this.#options.isUp()) this.#send(request);
    });
  }

  /** False for a reply that nobody waits for. */
  settle(corr: string, op: string, reply: CommandReply): boolean {
    const request = this.#pending.get(corr);
    if (request === undefined || request.op !== op) return false;
    this.#forget(request);
    request.resolve(reply);
    return true;
  }

  /** The link is up again: what was lost with the old connection, or never sent, goes out now. */
  onUp(): void {
    for (const request of this.#pending.values()) {
      if (request.timesSent < MAX_TIMES_SENT) this.#send(request);
    }
  }

  rejectAll(error: CodedError): void {
    for (const request of [...this.#pending.values()]) this.#fail(request, error);
  }

  #send(request: PendingRequest): void {
    if (request.timesSent > 0) this.#options.onRetry();
    request.timesSent += 1;
    this.#options.send(request.pages, (error) => this.#fail(request, error));
  }

  #onDeadline(request: PendingRequest): void {
    if (request.timesSent === 0) {
      return this.#fail(
        request,
        new CodedError('ESL_DOWN', 'the switch is not connected', { retryable: true }),
      );
    }
    if (request.isSecondDeadline) {
      const late = new CodedError('ESL_TIMEOUT', `no reply to ${request.op}`, { retryable: true });
      return this.#fail(request, late);
    }
    request.isSecondDeadline = true;
    request.timer = setTimeout(() => this.#onDeadline(request), this.#options.deadlineMs);
    if (request.timesSent < MAX_TIMES_SENT && this.#options.isUp()) this.#send(request);
  }

  #fail(request: PendingRequest, error: CodedError): void {
    if (this.#pending.get(request.corr) !== request) return;
    this.#forget(request);
    request.reject(error);
  }

  #forget(request: PendingRequest): void {
    clearTimeout(request.timer);
    this.#pending.delete(request.corr);
  }
}
