/** The server side of one transaction (RFC 3261 section 17.2), with the 2xx retransmission of section 13.3.1.4. */
import { type Deferred, deferred, WaitFailed } from '../waiting.ts';
import type { SipMessage } from './message.ts';
import type { SipTimes, Timers } from './timers.ts';
import type { Source } from './transport.ts';

export interface ServerTransactionOptions {
  readonly request: SipMessage;
  readonly source: Source;
  readonly times: SipTimes;
  readonly timers: Timers;
  readonly send: (bytes: Buffer) => void;
}

export class ServerTransaction {
  readonly request: SipMessage;
  readonly source: Source;
  readonly #options: ServerTransactionOptions;
  readonly #acked: Deferred<SipMessage> = deferred();
  #last: Buffer | undefined;
  #stopRetransmission = () => {};
  #stopDeadline = () => {};
  /** The final status sent, 0 before. */
  finalStatus = 0;
  /** The To tag of our final response: an ACK to 2xx is matched by it. */
  localTag = '';
  isAcked = false;
  /** Copies of the request that came after the first. */
  retransmissions = 0;

  constructor(options: ServerTransactionOptions) {
    this.#options = options;
    this.request = options.request;
    this.source = options.source;
  }

  /** Resolves with the ACK to our final response (INVITE only); rejects when none came in 64·T1. */
  get acked(): Promise<SipMessage> {
    return this.#acked.promise;
  }

  respond(status: number, bytes: Buffer): void {
    if (this.finalStatus !== 0)
      throw new Error(`${this.request.summary} was answered ${this.finalStatus} already`);
    const { times, timers } = this.#options;
    this.#last = bytes;
    this.#options.send(bytes);
    if (status < 200) return;
    this.finalStatus = status;
    if (this.request.method !== 'INVITE') return;
    if (status < 300 || !times.reliable) {
      this.#stopRetransmission = timers.backoff(times.t1Ms, times.t2Ms, () => this.#options.send(bytes));
    }
    this.#stopDeadline = timers.after(64 * times.t1Ms, () => {
      this.#stopRetransmission();
      this.#acked.reject(new WaitFailed(`no ACK to our ${status} to ${this.request.summary}`));
    });
  }

  /** A copy of the request came: answer it with what was last sent. */
  repeat(): void {
    this.retransmissions += 1;
    // A 2xx has its own timer and is not repeated by the transaction (17.2.1).
    if (
      this.#last !== undefined &&
      !(this.request.method === 'INVITE' && this.finalStatus >= 200 && this.finalStatus < 300)
    ) {
      this.#options.send(this.#last);
    }
  }

  ack(message: SipMessage): void {
    this.#stopRetransmission();
    this.#stopDeadline();
    this.isAcked = true;
    this.#acked.resolve(message);
  }
}
